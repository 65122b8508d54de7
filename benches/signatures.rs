//! The ceiling of cryptography: RS256 verification of the same tokens, and nothing else.
use std::thread;

use anyhow::Context as _;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use serde_json::Value;

use super::watch::{Took, Watch};

/// Tokens with their signatures taken out, and the key that made them.
pub(crate) struct Signatures {
    key: ParsedPublicKey,
    signed: Vec<(String, Vec<u8>)>,
}

impl Signatures {
    /// The signatures of these tokens, by the one key of this set.
    pub(crate) fn of(tokens: &[String], jwks: &Value) -> anyhow::Result<Self> {
        let part = |name: &str| -> anyhow::Result<Vec<u8>> {
            let text = jwks
                .pointer(&format!("/keys/0/{name}"))
                .and_then(Value::as_str)
                .context("no RSA key")?;
            Ok(URL_SAFE_NO_PAD.decode(text)?)
        };
        let (n, e) = (part("n")?, part("e")?);
        let components = RsaPublicKeyComponents { n: &n, e: &e };
        let key = components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)?;
        let split = |token: &String| {
            let (input, signature) = token.rsplit_once('.').context("no signature")?;
            Ok((input.to_owned(), URL_SAFE_NO_PAD.decode(signature)?))
        };
        Ok(Self {
            key,
            signed: tokens.iter().map(split).collect::<anyhow::Result<_>>()?,
        })
    }

    /// Verifications a second on this many threads.
    pub(crate) fn per_second(&self, threads: usize) -> Took {
        let part = self.signed.len().div_ceil(threads).max(1);
        let watch = Watch::start();
        let good: usize = thread::scope(|scope| {
            let verify = |(input, signature): &&(String, Vec<u8>)| {
                self.key.verify_sig(input.as_bytes(), signature).is_ok()
            };
            let parts: Vec<_> = self
                .signed
                .chunks(part)
                .map(|part| scope.spawn(move || part.iter().filter(verify).count()))
                .collect();
            parts
                .into_iter()
                .map(|thread| thread.join().unwrap_or(0))
                .sum()
        });
        if good == self.signed.len() {
            watch.stop(good)
        } else {
            Took::default()
        }
    }
}
