//! Identity tokens by the thousand, signed before anything is measured.
use std::{sync::Arc, thread};

use gemledger::{
    demo::issuer::{GithubJob, StandInIssuer},
    world::{self, Clock},
};
use serde_json::json;

use super::stage::Running;

/// Whom the tokens are made for.
pub(crate) const AUDIENCE: &str = "gems.example.com";
/// Whose tokens they are.
pub(crate) const REPOSITORY: &str = "octo-org/hello-ledger";
/// The workflow that asked for them.
pub(crate) const WORKFLOW: &str = "release.yml";
/// How long they live: as long as the rules allow, so that they can be made once and used in every round.
const LIFETIME_SECONDS: u64 = 3600;

/// A stand-in identity provider on loopback.
pub(crate) struct Issuer {
    /// The provider, which signs.
    pub(crate) stand_in: Arc<StandInIssuer>,
    _running: Running,
}

impl Issuer {
    /// Starts it.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let (running, stand_in) = Running::start(|| async {
            let (stand_in, server) = StandInIssuer::start()?;
            Ok((server, stand_in))
        })?;
        Ok(Self {
            stand_in,
            _running: running,
        })
    }

    /// So many tokens of one job, each with a `jti` of its own.
    pub(crate) fn sign(&self, count: usize) -> anyhow::Result<Vec<String>> {
        let part = count.div_ceil(2).max(1);
        let some = |count: usize| {
            (0..count)
                .map(|_| self.sign_one())
                .collect::<anyhow::Result<Vec<_>>>()
        };
        thread::scope(|scope| {
            let first = scope.spawn(move || some(part.min(count)));
            let mut tokens = some(count - part.min(count))?;
            tokens.extend(
                first
                    .join()
                    .map_err(|_| anyhow::anyhow!("signing failed"))??,
            );
            Ok(tokens)
        })
    }

    fn sign_one(&self) -> anyhow::Result<String> {
        let job = GithubJob {
            environment: Some("release".into()),
            ..GithubJob::release(REPOSITORY, WORKFLOW, "v1.0.0")
        };
        let (now, id) = (
            Clock::system().now(),
            events::digest::hex(&world::random::<16>()),
        );
        let mut claims = self.stand_in.github_claims(&job, AUDIENCE, now, &id);
        if let Some(claims) = claims.as_object_mut() {
            claims.insert("exp".into(), json!(now.seconds() + LIFETIME_SECONDS));
        }
        Ok(self.stand_in.sign(&claims)?)
    }
}

/// The request of a client that exchanges this token.
pub(crate) fn request(token: &String) -> Vec<u8> {
    let body = json!({ "jwt": token }).to_string();
    let head = format!(
        "POST /api/v1/oidc/trusted_publisher/exchange_token HTTP/1.1\r\nHost: {AUDIENCE}\r\nUser-Agent: bench\r\n\
         Accept: */*\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}
