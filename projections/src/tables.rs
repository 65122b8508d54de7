//! The read tables: disposable, named by revision, made again by replay.

/// Gems.
pub const GEM: &str = "gem_r1";
/// Releases.
pub const RELEASE: &str = "release_r2";
/// Publishers by repository, to find the policies that an exchange must ask.
pub const PUBLISHER: &str = "publisher_r1";
/// Rules that were set, and declared changes that take effect later.
pub const POLICY_CHANGE: &str = "policy_change_r1";
/// API keys by digest.
pub const API_KEY: &str = "api_key_r1";
/// Accounts.
pub const ACCOUNT: &str = "account_r1";
/// Identity providers by issuer.
pub const PROVIDER: &str = "provider_r1";
/// Comparisons with repositories, by release.
pub const COMPARISON: &str = "comparison_r1";
/// Trust roots, each in its newest version.
pub const TRUST_ROOT: &str = "trust_root_r1";
/// Bundles that came with releases.
pub const ATTESTATION: &str = "attestation_r2";
/// `/info/<name>`.
pub const INFO: &str = "info_r2";
/// The lines of `/versions`.
pub const VERSION_LINE: &str = "version_line_r2";

/// Some tables that are filled together, with their own place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Projection {
    /// Name and revision. A new revision is a new name: its tables start empty and are filled by replay.
    pub name: &'static str,
    /// `CREATE TABLE` and `CREATE INDEX`, one text for every database.
    pub ddl: &'static str,
    /// The tables.
    pub tables: &'static [&'static str],
}

/// Every projection.
pub const ALL: [Projection; 11] = [
    Projection {
        name: "gem_r1",
        ddl: include_str!("../tables/gem.sql"),
        tables: &[GEM],
    },
    Projection {
        name: "release_r2",
        ddl: include_str!("../tables/release.sql"),
        tables: &[RELEASE],
    },
    Projection {
        name: "publisher_r1",
        ddl: include_str!("../tables/publisher.sql"),
        tables: &[PUBLISHER],
    },
    Projection {
        name: "policy_change_r1",
        ddl: include_str!("../tables/policy_change.sql"),
        tables: &[POLICY_CHANGE],
    },
    Projection {
        name: "api_key_r1",
        ddl: include_str!("../tables/api_key.sql"),
        tables: &[API_KEY],
    },
    Projection {
        name: "account_r1",
        ddl: include_str!("../tables/account.sql"),
        tables: &[ACCOUNT],
    },
    Projection {
        name: "provider_r1",
        ddl: include_str!("../tables/provider.sql"),
        tables: &[PROVIDER],
    },
    Projection {
        name: "comparison_r1",
        ddl: include_str!("../tables/comparison.sql"),
        tables: &[COMPARISON],
    },
    Projection {
        name: "trust_root_r1",
        ddl: include_str!("../tables/trust_root.sql"),
        tables: &[TRUST_ROOT],
    },
    Projection {
        name: "attestation_r2",
        ddl: include_str!("../tables/attestation.sql"),
        tables: &[ATTESTATION],
    },
    Projection {
        name: "compact_index_r2",
        ddl: include_str!("../tables/compact_index.sql"),
        tables: &[INFO, VERSION_LINE],
    },
];
