//! What the bundles of a release prove, link by link: certificate, and log entry or timestamp.
//!
//! A certificate proves something to whoever trusts the root that issued it, as long as its bundle is here to be verified
//! again. Where the bundle is missing, that it was verified is this registry's word.
use super::record::{Attestation, Link, LinkName, TransparencyRecord, Weaker};

/// The links of every bundle, in the order of their events.
pub(super) fn links(record: &TransparencyRecord) -> Vec<Link> {
    if record.attestations.is_empty() {
        let why = "No build attestation came with it.";
        return [LinkName::Certificate, LinkName::LogEntry]
            .map(|link| Link::unknown(link, why))
            .into();
    }
    let bundles = record.attestations.iter().enumerate();
    bundles
        .flat_map(|(place, attestation)| {
            [certificate(place, attestation), vouched(place, attestation)]
        })
        .collect()
}

/// The trust root, with the place where it is recorded.
fn root(attestation: &Attestation) -> String {
    let root = &attestation.root;
    let recorded = root.recorded.as_ref().map_or_else(String::new, |entry| {
        format!(", log index {}", entry.log_index)
    });
    format!(
        "the trust root {} (version {}{recorded})",
        root.name, root.version
    )
}

/// What is missing to everybody's proof, as a sentence with a space before it.
pub(super) fn weaker(attestation: &Attestation) -> String {
    let root = &attestation.root.name;
    match attestation.weaker() {
        None => String::new(),
        Some(Weaker::PrivateLog) => format!(
            " That log is not public: this is proven to whoever trusts {root}, and others cannot see that it was signed."
        ),
        Some(Weaker::NoLog) => format!(
            " {root} asks for no entry in a transparency log, which is weaker: nobody else can see that it was signed."
        ),
    }
}

/// The proof that remains of a bundle that is missing, as a sentence.
pub(super) fn missing(attestation: &Attestation) -> String {
    format!(
        "This registry verified a bundle that says so, as log index {} holds, with {}. The bundle is missing here: until it is back, this is the registry's word.",
        attestation.entry.log_index,
        root(attestation)
    )
}

/// How a link is known that the certificate of this bundle states.
pub(super) fn says_so(
    record: &TransparencyRecord,
    place: usize,
    attestation: &Attestation,
) -> String {
    if !attestation.kept {
        return missing(attestation);
    }
    let which = match record.attestations.len() {
        0 | 1 => String::new(),
        many => format!(" (bundle {} of {many})", place + 1),
    };
    let when = match &attestation.log_entry {
        Some(entry) => format!(
            "entry {} of the transparency log {} proves that it was used at {}",
            entry.index, entry.log, attestation.signed
        ),
        None => format!(
            "a timestamp authority vouches that it was used at {}",
            attestation.signed
        ),
    };
    format!(
        "The certificate that signed this file says so{which}. The certificate authority of {} issued it; {when}.{}",
        root(attestation),
        weaker(attestation)
    )
}

fn certificate(place: usize, attestation: &Attestation) -> Link {
    let what = attestation.predicate.as_ref().map_or_else(
        || "over the file itself".to_owned(),
        |predicate| format!("over a statement of the type {predicate} that names the file"),
    );
    let sct = if attestation.sct {
        " It was shown to a certificate transparency log."
    } else {
        ""
    };
    let how = if attestation.kept {
        format!(
            "Its signature {what} was verified with {} before the push was let in, as log index {} says.{sct} The bundle is served as it came: whoever trusts that root can verify it again.{}",
            root(attestation),
            attestation.entry.log_index,
            weaker(attestation)
        )
    } else {
        missing(attestation)
    };
    Link {
        value: Some(format!("sha256:{}", attestation.certificate.hex())),
        ..link(LinkName::Certificate, place, attestation, how)
    }
}

fn vouched(place: usize, attestation: &Attestation) -> Link {
    let name = match &attestation.log_entry {
        Some(_) => LinkName::LogEntry,
        None => LinkName::Timestamp,
    };
    let how = match &attestation.log_entry {
        _ if !attestation.kept => missing(attestation),
        Some(_) => format!(
            "The bundle holds the entry's inclusion proof under that log's signature, which was verified. Signed at {}.{}",
            attestation.signed,
            weaker(attestation)
        ),
        None => format!(
            "A timestamp authority signed the time.{}",
            weaker(attestation)
        ),
    };
    let entry = attestation.log_entry.as_ref();
    Link {
        value: Some(entry.map_or_else(
            || attestation.signed.to_string(),
            |entry| format!("entry {} of {}", entry.index, entry.log),
        )),
        url: entry.and_then(|entry| entry.url.clone()),
        ..link(name, place, attestation, how)
    }
}

fn link(link: LinkName, place: usize, attestation: &Attestation, how: String) -> Link {
    Link {
        link,
        known: attestation.known(),
        weaker: attestation.weaker().filter(|_| attestation.kept),
        value: None,
        attestation: Some(place),
        how,
        url: None,
    }
}
