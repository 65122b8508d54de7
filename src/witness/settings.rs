//! Which witnesses are asked, how many are enough, and what waits for them: what was typed, checked at start.
use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use reqwest::Url;
use tlog::{CosignerKey, KeyError};

/// Most witnesses. A note holds 64 signatures, and each is a task here.
pub const MAX_WITNESSES: usize = 16;

/// What waits for witnesses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// They are not asked.
    #[default]
    Off,
    /// Nothing waits; what is cosigned is shown.
    Prefer,
    /// Nothing is answered as done, and no checkpoint is shown, before the quorum has cosigned.
    Require,
}

/// A witness and where it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// What verifies its cosignatures.
    pub key: CosignerKey,
    /// The address that `/add-checkpoint` is added to.
    pub url: String,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The witnesses, each with a key of its own.
    pub witnesses: Vec<Witness>,
    /// How many must cosign a checkpoint: 1 to all of them.
    pub quorum: usize,
    /// What waits for them.
    pub mode: Mode,
    /// The least time between two rounds.
    pub pause: Duration,
    /// After this time without change the same checkpoint is cosigned again, so that its time stays fresh.
    pub refresh: Duration,
    /// How long an answer waits for the quorum where it is required.
    pub wait: Duration,
}

/// Why witnesses were not configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not `VKEY URL`.
    #[error("the witness {0:?} is not of the form `VKEY URL`")]
    Form(String),
    /// The key is none, or not a witness's.
    #[error("the verification key of the witness {0:?} cannot be used: {1}")]
    Key(String, KeyError),
    /// A log's key, not a witness's.
    #[error(
        "{0:?} is the key of a log (type 0x01); a witness's key is of type 0x04, Ed25519 cosignature/v1"
    )]
    LogKey(String),
    /// The address cannot be asked.
    #[error(
        "the address {0:?} of a witness must be https://HOST[/PATH], or http:// with a literal loopback address, without \
         query, fragment or user"
    )]
    Url(String),
    /// Two witnesses with one name or one key would count twice.
    #[error("two witnesses have the name or the key of {0}")]
    Twice(String),
    /// More than there may be.
    #[error("there are {0} witnesses, and at most {MAX_WITNESSES} are asked")]
    TooMany(usize),
    /// A quorum that nobody or everybody reaches.
    #[error("a quorum of {quorum} cannot be had of {witnesses} witnesses")]
    Quorum {
        /// What was asked for.
        quorum: usize,
        /// How many there are.
        witnesses: usize,
    },
    /// A mode that waits for nobody.
    #[error("no witness is configured that could be required; name one with --witness")]
    Nobody,
}

impl Settings {
    /// Takes `VKEY URL` lines. Without a quorum more than half must cosign, so that any two quorums share a witness; without a
    /// mode, [`Mode::Prefer`] where there are witnesses.
    pub fn new(
        lines: &[String],
        quorum: Option<usize>,
        mode: Option<Mode>,
    ) -> Result<Self, SettingsError> {
        if lines.len() > MAX_WITNESSES {
            return Err(SettingsError::TooMany(lines.len()));
        }
        let witnesses: Vec<Witness> = lines
            .iter()
            .map(|line| witness(line))
            .collect::<Result<_, _>>()?;
        let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for witness in &witnesses {
            let name = witness.key.name();
            if !names.insert(name) || !keys.insert(*witness.key.public_key()) {
                return Err(SettingsError::Twice(name.to_owned()));
            }
        }
        let count = witnesses.len();
        if count == 0 {
            return match (quorum, mode) {
                (None, None | Some(Mode::Off)) => Ok(Self::default()),
                _ => Err(SettingsError::Nobody),
            };
        }
        let quorum = quorum.unwrap_or(count / 2 + 1);
        if !(1..=count).contains(&quorum) {
            return Err(SettingsError::Quorum {
                quorum,
                witnesses: count,
            });
        }
        Ok(Self {
            witnesses,
            quorum,
            mode: mode.unwrap_or(Mode::Prefer),
            pause: Duration::from_secs(1),
            refresh: Duration::from_mins(5),
            wait: Duration::from_secs(10),
        })
    }

    /// Whether anybody is asked.
    pub fn is_off(&self) -> bool {
        self.mode == Mode::Off || self.witnesses.is_empty()
    }
}

fn witness(line: &str) -> Result<Witness, SettingsError> {
    let mut words = line.split_whitespace();
    let (Some(vkey), Some(url), None) = (words.next(), words.next(), words.next()) else {
        return Err(SettingsError::Form(line.to_owned()));
    };
    let key = CosignerKey::parse(vkey).map_err(|error| {
        if tlog::VerifierKey::parse(vkey).is_ok() {
            SettingsError::LogKey(vkey.to_owned())
        } else {
            SettingsError::Key(vkey.to_owned(), error)
        }
    })?;
    Ok(Witness {
        key,
        url: address(url).ok_or_else(|| SettingsError::Url(url.to_owned()))?,
    })
}

/// The address without a slash at its end, if it may be asked. What a witness answers is signed except for the size that it
/// has seen, which can stop this log: so it comes over TLS, or from this machine.
fn address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let host = url
        .host_str()?
        .trim_start_matches('[')
        .trim_end_matches(']');
    let local = host
        .parse()
        .is_ok_and(|address: IpAddr| address.is_loopback());
    let sound = match url.scheme() {
        "https" => true,
        "http" => local,
        _ => false,
    };
    let plain = url.username().is_empty() && url.password().is_none();
    let bare = url.query().is_none() && url.fragment().is_none();
    (sound && plain && bare).then(|| url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tlog::{CosigningKey, SigningKey};

    fn line(seed: u8) -> String {
        let key =
            CosigningKey::from_seed(&format!("witness.example/w{seed}"), &[seed; 32]).unwrap();
        format!("{} https://witness.example/{seed}/", key.verifier())
    }

    #[test]
    fn witnesses_are_preferred_and_more_than_half_must_cosign() {
        let settings = Settings::new(&[line(1), line(2), line(3)], None, None).unwrap();
        assert_eq!((settings.quorum, settings.mode), (2, Mode::Prefer));
        assert_eq!(settings.witnesses[0].url, "https://witness.example/1");
        assert!(Settings::new(&[], None, None).unwrap().is_off());
        assert!(
            Settings::new(&[line(1)], None, Some(Mode::Off))
                .unwrap()
                .is_off()
        );
    }

    #[test]
    fn what_could_never_work_is_refused_at_start() {
        let refused =
            |lines: &[String], quorum, mode| Settings::new(lines, quorum, mode).unwrap_err();
        let w = line(1);
        let vkey = w.split(' ').next().unwrap();
        assert!(matches!(
            refused(&[vkey.to_owned()], None, None),
            SettingsError::Form(_)
        ));
        assert!(matches!(
            refused(&[format!("x{w}")], None, None),
            SettingsError::Key(..)
        ));
        let log = SigningKey::from_seed("gems.example.com/log/1", &[1; 32]).unwrap();
        let log = format!("{} https://witness.example", log.verifier());
        assert!(matches!(
            refused(&[log], None, None),
            SettingsError::LogKey(_)
        ));
        for url in [
            "http://witness.example",
            "http://localhost:1",
            "ftp://witness.example",
            "https://a:b@witness.example",
            "https://witness.example/?a",
            "https://witness.example/#a",
            "witness.example",
        ] {
            let line = format!("{vkey} {url}");
            assert!(
                matches!(refused(&[line], None, None), SettingsError::Url(_)),
                "{url}"
            );
        }
        assert!(Settings::new(&[format!("{vkey} http://127.0.0.1:7380")], None, None).is_ok());
        assert!(matches!(
            refused(&[w.clone(), w.clone()], None, None),
            SettingsError::Twice(_)
        ));
        // One key under two names would be one witness that counts twice.
        let same = CosigningKey::from_seed("other.example/w", &[1; 32]).unwrap();
        let same = format!("{} https://other.example", same.verifier());
        assert!(matches!(
            refused(&[w.clone(), same], None, None),
            SettingsError::Twice(_)
        ));
        for quorum in [0, 2] {
            assert!(matches!(
                refused(std::slice::from_ref(&w), Some(quorum), None),
                SettingsError::Quorum { .. }
            ));
        }
        assert_eq!(
            refused(&[], None, Some(Mode::Require)),
            SettingsError::Nobody
        );
        assert_eq!(refused(&[], Some(1), None), SettingsError::Nobody);
        let many: Vec<String> = (0..17).map(line).collect();
        assert_eq!(refused(&many, None, None), SettingsError::TooMany(17));
    }
}
