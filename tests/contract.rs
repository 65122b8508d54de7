//! The contract of the store: one suite, run unchanged on every kind of log.
use crate::support::store::{InMemory, OnSqlite};

mod anchor;
mod append_only;
mod backend;
mod clock;
mod files;
mod laws;
mod order;
mod processes;
mod refusals;
mod vault;

/// Makes of each `async fn test<K: Kind>()` one test for each kind of log.
macro_rules! on_every_kind {
    ($($test:ident,)*) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test::<$crate::contract::InMemory>().await;
            })*
        }
        mod on_sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test::<$crate::contract::OnSqlite>().await;
            })*
        }
    };
}
pub(crate) use on_every_kind;
