//! The world outside: whoever fetches gets the documents of stand-ins, and there is no network.
#![cfg(test)]
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use gemledger::{
    demo::issuer::StandInIssuer,
    oidc::{
        Fetch,
        address::Address,
        fetch::{FetchError, Fetching},
    },
};
use serde_json::{Value, json};

/// Where keys are that have moved, below their issuer.
pub(crate) const MOVED: &str = "/moved/jwks";

/// The world outside: the documents of the stand-ins, and the ids of repositories on github.com.
#[derive(Default)]
pub(crate) struct Network {
    issuers: Mutex<Vec<Arc<StandInIssuer>>>,
    repositories: Mutex<BTreeMap<String, (u64, u64)>>,
    down: AtomicBool,
    moved: AtomicBool,
}

impl Network {
    /// This provider answers from now on.
    pub(crate) fn has(&self, issuer: &Arc<StandInIssuer>) {
        self.issuers.lock().unwrap().push(issuer.clone());
    }

    /// From now on nobody answers, or everybody does again.
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// From now on the providers' discovery documents name another address of their keys, which are at both.
    pub(crate) fn moves_keys(&self) {
        self.moved.store(true, Ordering::SeqCst);
    }

    /// github.com knows this repository.
    pub(crate) fn knows(&self, repository: &str, repository_id: u64, owner_id: u64) {
        self.repositories
            .lock()
            .unwrap()
            .insert(repository.into(), (repository_id, owner_id));
    }

    fn document(&self, url: &str) -> Result<Value, FetchError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(FetchError::Timeout);
        }
        if let Some(repository) = url.strip_prefix("https://api.github.com/repos/") {
            let ids = self.repositories.lock().unwrap().get(repository).copied();
            let (id, owner) = ids.ok_or(FetchError::Status(404))?;
            return Ok(json!({"full_name": repository, "id": id, "owner": {"id": owner}}));
        }
        let issuers = self.issuers.lock().unwrap();
        issuers
            .iter()
            .find_map(|issuer| match url.strip_prefix(issuer.url())? {
                "/.well-known/openid-configuration" => {
                    let mut document = issuer.discovery();
                    if self.moved.load(Ordering::SeqCst) {
                        document["jwks_uri"] = json!(format!("{}{MOVED}", issuer.url()));
                    }
                    Some(document)
                }
                "/.well-known/jwks" | MOVED => Some(issuer.jwks()),
                _ => None,
            })
            .ok_or(FetchError::Status(404))
    }
}

impl Fetch for Network {
    fn get<'a>(&'a self, address: &'a Address) -> Fetching<'a> {
        let document = self.document(address.url().as_str());
        Box::pin(async move { document.map(|document| document.to_string().into_bytes()) })
    }
}
