//! The form of a Sigstore bundle v0.3: every object's members, each known and at most once there, and how many of each.
//!
//! Read before the verifying crate reads the bundle again, which is lenient where this is not: it takes unknown members,
//! a missing media type as v0.1, both kinds of content at once, lists in place of objects, and lists of any length. Two
//! readers who take different halves of the same bundle is how one of them is deceived; and what the form does not allow
//! is not stored either. Nothing nests deeper than the form does.
use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The two spellings of version 0.3.
pub(super) const MEDIA_TYPES: [&str; 2] = [
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
];

/// Log entries of a bundle.
const MAX_LOG_ENTRIES: usize = 2;

/// Timestamps of a bundle.
const MAX_TIMESTAMPS: usize = 2;

/// Hashes of an inclusion proof: a log has fewer than 2^63 entries.
const MAX_PROOF_HASHES: usize = 63;

/// What may stand in one place.
pub(super) enum Form {
    /// A whole number, or its digits as a string, as protobuf's JSON writes 64 bits.
    Number,
    /// An object with these members and no others.
    Object(&'static [Member]),
    /// A list of at most so many.
    List(&'static Form, usize),
    /// A string.
    Text,
}

/// A member of an object.
pub(super) struct Member(&'static str, Need, Form);

/// Whether a member must be there.
#[derive(PartialEq)]
enum Need {
    /// It must.
    Always,
    /// Exactly one of the object's members of this need must.
    Choice,
    /// It may be missing, or null.
    Optional,
}

use self::{
    Form::{List, Number, Object, Text},
    Need::{Always, Choice, Optional},
};

/// A bundle v0.3, as protobuf-specs defines it, with a certificate.
pub(super) const BUNDLE: Form = Object(&[
    Member("mediaType", Always, Text),
    Member(
        "verificationMaterial",
        Always,
        Object(&[
            Member(
                "certificate",
                Always,
                Object(&[Member("rawBytes", Always, Text)]),
            ),
            Member("tlogEntries", Optional, List(&LOG_ENTRY, MAX_LOG_ENTRIES)),
            Member(
                "timestampVerificationData",
                Optional,
                Object(&[Member(
                    "rfc3161Timestamps",
                    Optional,
                    List(
                        &Object(&[Member("signedTimestamp", Always, Text)]),
                        MAX_TIMESTAMPS,
                    ),
                )]),
            ),
        ]),
    ),
    Member(
        "messageSignature",
        Choice,
        Object(&[
            Member(
                "messageDigest",
                Optional,
                Object(&[
                    Member("algorithm", Always, Text),
                    Member("digest", Always, Text),
                ]),
            ),
            Member("signature", Always, Text),
        ]),
    ),
    Member(
        "dsseEnvelope",
        Choice,
        Object(&[
            Member("payload", Always, Text),
            Member("payloadType", Always, Text),
            Member(
                "signatures",
                Always,
                List(
                    &Object(&[Member("sig", Always, Text), Member("keyid", Optional, Text)]),
                    1,
                ),
            ),
        ]),
    ),
]);

const LOG_ENTRY: Form = Object(&[
    Member("logIndex", Optional, Number),
    Member("logId", Always, Object(&[Member("keyId", Always, Text)])),
    Member(
        "kindVersion",
        Always,
        Object(&[
            Member("kind", Always, Text),
            Member("version", Always, Text),
        ]),
    ),
    Member("integratedTime", Optional, Number),
    Member(
        "inclusionPromise",
        Optional,
        Object(&[Member("signedEntryTimestamp", Always, Text)]),
    ),
    Member(
        "inclusionProof",
        Optional,
        Object(&[
            Member("logIndex", Optional, Number),
            Member("rootHash", Always, Text),
            Member("treeSize", Always, Number),
            Member("hashes", Optional, List(&Text, MAX_PROOF_HASHES)),
            Member(
                "checkpoint",
                Always,
                Object(&[Member("envelope", Always, Text)]),
            ),
        ]),
    ),
    Member("canonicalizedBody", Always, Text),
]);

/// Whether this text is one JSON value of this form.
pub(super) fn check(form: &Form, text: &str) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    Place { form, name: "it" }.deserialize(&mut reader)?;
    reader.end()
}

/// A form, and what the place is called.
#[derive(Clone, Copy)]
struct Place<'f> {
    form: &'f Form,
    name: &'f str,
}

/// The same where null will do.
struct Nullable<'f>(Place<'f>);

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        match self.form {
            Number => reader.deserialize_any(self),
            Object(_) => reader.deserialize_map(self),
            List(..) => reader.deserialize_seq(self),
            Text => reader.deserialize_str(self),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Nullable<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Nullable<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        self.0.deserialize(reader)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.form {
            Number => "a whole number that is not negative",
            Object(_) => "an object",
            List(..) => "a list",
            Text => "a string",
        };
        write!(f, "{} to be {kind}", self.name)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        match self.form {
            Number => Ok(()),
            Object(_) | List(..) | Text => Err(E::custom(format!("{} is a number", self.name))),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match self.form {
            Text => Ok(()),
            Number if digits => Ok(()),
            Number | Object(_) | List(..) => {
                Err(E::custom(format!("{} is not a whole number", self.name)))
            }
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let List(form, max) = self.form else {
            return Err(A::Error::custom(format!("{} is a list", self.name)));
        };
        let name = self.name;
        let mut found = 0;
        while items.next_element_seed(Place { form, name })?.is_some() {
            found += 1;
            if found > *max {
                return Err(A::Error::custom(format!("{name} has more than {max}")));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Object(known) = self.form else {
            return Err(A::Error::custom(format!("{} is an object", self.name)));
        };
        let mut seen: Vec<&str> = Vec::new();
        while let Some(name) = members.next_key::<Cow<'de, str>>()? {
            let Some(Member(name, need, form)) = known.iter().find(|member| member.0 == name)
            else {
                return Err(A::Error::custom(format!("`{name}` is not known")));
            };
            if seen.contains(name) {
                return Err(A::Error::custom(format!("`{name}` is there twice")));
            }
            seen.push(name);
            let place = Place { form, name };
            match need {
                Optional => members.next_value_seed(Nullable(place))?,
                Always | Choice => members.next_value_seed(place)?,
            }
        }
        let missing = known
            .iter()
            .find(|member| member.1 == Always && !seen.contains(&member.0));
        if let Some(Member(name, ..)) = missing {
            return Err(A::Error::custom(format!("`{name}` is missing")));
        }
        let choice = || known.iter().filter(|member| member.1 == Choice);
        let chosen = choice().filter(|member| seen.contains(&member.0)).count();
        if choice().next().is_some() && chosen != 1 {
            let names: Vec<&str> = choice().map(|member| member.0).collect();
            let names = names.join("` and `");
            return Err(A::Error::custom(format!(
                "exactly one of `{names}` must be there, not {chosen}"
            )));
        }
        Ok(())
    }
}
