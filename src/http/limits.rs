//! How often somebody may ask: by address before anything is read, by repository once a token has verified.
//!
//! Rate limits are no rules of the ledger: what they turn away is not recorded, and no audit speaks of it.
use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
};

use actix_web::HttpRequest;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;

use super::problem::Problem;

/// How often, and whose word about addresses counts.
#[derive(Clone, Debug)]
pub struct LimitSettings {
    /// Exchanges and pushes a minute from one address.
    pub per_address: NonZeroU32,
    /// Exchanges a minute of one repository.
    pub per_repository: NonZeroU32,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// No limits at all, for tests.
    pub off: bool,
}

impl Default for LimitSettings {
    /// Generous: hosted runners share addresses.
    fn default() -> Self {
        let (address, repository) = (
            NonZeroU32::MIN.saturating_add(299),
            NonZeroU32::MIN.saturating_add(59),
        );
        Self {
            per_address: address,
            per_repository: repository,
            trusted_proxies: Vec::new(),
            off: false,
        }
    }
}

/// The limits at work.
pub struct Limits {
    settings: LimitSettings,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    repositories: DefaultKeyedRateLimiter<String>,
}

impl Limits {
    /// Limits with these settings.
    pub fn new(settings: LimitSettings) -> Self {
        Self {
            addresses: RateLimiter::keyed(Quota::per_minute(settings.per_address)),
            repositories: RateLimiter::keyed(Quota::per_minute(settings.per_repository)),
            settings,
        }
    }

    /// Counts a request of this address.
    pub fn address(&self, request: &HttpRequest) -> Result<(), Problem> {
        if self.settings.off {
            return Ok(());
        }
        let address = network(self.client(request));
        self.addresses
            .check_key(&address)
            .map_err(|_| Problem::too_many())
    }

    /// Counts an exchange of this repository.
    pub fn repository(&self, repository: &str) -> Result<(), Problem> {
        if self.settings.off {
            return Ok(());
        }
        self.repositories
            .check_key(&repository.to_ascii_lowercase())
            .map_err(|_| Problem::too_many())
    }

    /// Forgets who has not asked for a while.
    pub fn tidy(&self) {
        self.addresses.retain_recent();
        self.repositories.retain_recent();
    }

    /// Who asks: the peer, or behind trusted proxies the last address that none of them is.
    fn client(&self, request: &HttpRequest) -> IpAddr {
        let peer = request
            .peer_addr()
            .map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |address| address.ip());
        let forwarded = request
            .headers()
            .get_all("x-forwarded-for")
            .filter_map(|value| value.to_str().ok());
        let forwarded: Vec<&str> = forwarded
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        self.behind_proxies(peer, &forwarded)
    }

    fn behind_proxies(&self, peer: IpAddr, forwarded: &[&str]) -> IpAddr {
        let proxies = &self.settings.trusted_proxies;
        let trusted = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
        // A socket for both families shows IPv4 peers as IPv6.
        let mut client = peer.to_canonical();
        for text in forwarded.iter().rev() {
            if !trusted(&client) {
                break;
            }
            match text.parse::<IpAddr>() {
                Ok(address) => client = address.to_canonical(),
                Err(_) => break,
            }
        }
        client
    }
}

/// IPv6 customers have whole networks: a /64 counts as one.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        Limits::new(LimitSettings {
            trusted_proxies,
            ..LimitSettings::default()
        })
    }

    #[test]
    fn a_forwarded_address_is_believed_from_a_trusted_proxy_only() {
        let (stranger, proxy) = ("192.0.2.9".parse().unwrap(), "10.1.1.1".parse().unwrap());
        assert_eq!(
            limits().behind_proxies(stranger, &["198.51.100.1"]),
            stranger
        );
        let client = "198.51.100.1".parse::<IpAddr>().unwrap();
        assert_eq!(limits().behind_proxies(proxy, &["198.51.100.1"]), client);
        let mapped = "::ffff:10.1.1.1".parse().unwrap();
        assert_eq!(limits().behind_proxies(mapped, &["198.51.100.1"]), client);
    }

    #[test]
    fn what_a_client_claims_to_the_left_of_its_own_address_is_not_believed() {
        let proxy = "10.1.1.1".parse().unwrap();
        let seen = limits().behind_proxies(proxy, &["203.0.113.5", "198.51.100.1", "10.2.2.2"]);
        assert_eq!(seen, "198.51.100.1".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn a_whole_ipv6_network_counts_as_one() {
        let (a, b) = (
            "2001:db8::1".parse().unwrap(),
            "2001:db8::ffff:1".parse().unwrap(),
        );
        assert_eq!(network(a), network(b));
        assert_eq!(
            network("::ffff:192.0.2.1".parse().unwrap()),
            "192.0.2.1".parse::<IpAddr>().unwrap()
        );
    }
}
