//! The registry's own word on the story's release, checked as whoever does not believe the registry would.
use anyhow::{Context as _, ensure};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use events::{Body, digest::Digest};
use serde_json::Value;

use super::{GEM, Stage, Teller, VERSION, attested::STATEMENT_KEY, sigstore::encoded};
use crate::app::verify::verify;

impl Stage {
    /// Signed by the key that the log introduced, and with the digest that the release's own leaf has.
    pub(super) async fn check_word(
        &self,
        gem: &[u8],
        teller: &mut dyn Teller,
    ) -> anyhow::Result<()> {
        let path = format!("/api/v1/gems/{GEM}/versions/{VERSION}/vsa");
        let envelope: Value = serde_json::from_slice(&self.get(&path).await?)?;
        let text = |pointer: &str| {
            let text = envelope.pointer(pointer).and_then(Value::as_str);
            text.with_context(|| format!("the envelope has no {pointer}"))
        };
        let payload = String::from_utf8(STANDARD.decode(text("/payload")?)?)?;
        let signed = encoded(text("/payloadType")?, &payload);
        let signature = STANDARD.decode(text("/signatures/0/sig")?)?;
        let key = UnparsedPublicKey::new(&ED25519, self.statement_key().await?);
        let held = key.verify(signed.as_bytes(), &signature);
        ensure!(
            held.is_ok(),
            "the registry's own word is not signed by its key"
        );
        let receipt = self
            .get(&format!("/gems/{GEM}-{VERSION}.gem.tlog-proof"))
            .await?;
        let proven = verify(gem, &receipt, self.app.key.verifier()).map_err(anyhow::Error::msg)?;
        ensure!(
            proven.release.statement == Some(Digest::of(payload.as_bytes())),
            "the registry's own word is another one than the log has"
        );
        let statement: Value = serde_json::from_str(&payload)?;
        let levels = statement.pointer("/predicate/verifiedLevels");
        let levels = levels.and_then(Value::as_array);
        let levels: Vec<&str> = levels
            .context("the statement names no levels")?
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let text = format!(
            "fetched the registry's own word, checked its signature, and found its digest in the release: {}",
            levels.join(", ")
        );
        teller.step(Some(proven.index), &text);
        Ok(())
    }

    /// The public half, from the log.
    async fn statement_key(&self) -> anyhow::Result<Vec<u8>> {
        let events = self.app.reader.events(STATEMENT_KEY, STATEMENT_KEY + 1);
        let event = events.await?.pop().map(|recorded| recorded.event.body);
        let Some(Body::StatementKeyIntroduced(introduced)) = event else {
            anyhow::bail!("log index {STATEMENT_KEY} introduces no key");
        };
        let key = introduced.jwk.x.context("the key is of another kind")?;
        Ok(URL_SAFE_NO_PAD.decode(key.as_str())?)
    }
}
