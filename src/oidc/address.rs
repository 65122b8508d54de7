//! An address that may be fetched: https, or plain http to a literal loopback address where that was allowed.
//!
//! Fetching takes this type and nothing else, so that no text of a token or document is ever dialled unchecked.
use core::{fmt, net::IpAddr};

use reqwest::Url;

/// A checked address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Url);

/// Why an address may not be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not an absolute URL with a host.
    #[error("is not an absolute URL")]
    NotUrl,
    /// Not https, and not an allowed loopback address.
    #[error(
        "is not https (plain http is for literal loopback addresses only, and only where that was allowed)"
    )]
    NotHttps,
    /// A user or password is in it.
    #[error("carries a user or password")]
    UserInfo,
    /// It has a fragment.
    #[error("has a fragment")]
    Fragment,
}

impl Address {
    /// Takes the URL if it may be fetched. `loopback` allows plain http to 127.0.0.0/8 and `[::1]`; `localhost` is a
    /// name, which a resolver can point anywhere.
    pub fn parse(text: &str, loopback: bool) -> Result<Self, AddressError> {
        let url = Url::parse(text).map_err(|_| AddressError::NotUrl)?;
        let host = url.host_str().ok_or(AddressError::NotUrl)?;
        let literal = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        let local = literal.is_ok_and(|address| address.is_loopback());
        match url.scheme() {
            "https" => {}
            "http" if local && loopback => {}
            _ => return Err(AddressError::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(AddressError::Fragment);
        }
        Ok(Self(url))
    }

    /// The URL itself.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Whether both have the same scheme, host and port.
    pub fn same_origin(&self, other: &Self) -> bool {
        same_origin(&self.0, &other.0)
    }
}

/// Whether two URLs have the same scheme, host and port.
pub(super) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_fetched_except_from_a_literal_loopback_address() {
        for good in [
            "https://issuer.example/keys",
            "https://127.0.0.1:8443/",
            "https://[2001:db8::1]/",
        ] {
            assert!(Address::parse(good, false).is_ok(), "{good}");
        }
        for local in [
            "http://127.0.0.1:80/",
            "http://127.8.9.1/",
            "http://[::1]:8080/",
        ] {
            assert_eq!(
                Address::parse(local, false),
                Err(AddressError::NotHttps),
                "{local}"
            );
            assert!(Address::parse(local, true).is_ok(), "{local}");
        }
        for bad in [
            "http://issuer.example/",
            "http://localhost/",
            "http://127.0.0.1.nip.io/",
            "http://0.0.0.0/",
            "ftp://127.0.0.1/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert_eq!(
                Address::parse(bad, true),
                Err(AddressError::NotHttps),
                "{bad}"
            );
        }
    }

    #[test]
    fn user_information_and_fragments_are_refused() {
        assert_eq!(
            Address::parse("https://a@b.example/", true),
            Err(AddressError::UserInfo)
        );
        assert_eq!(
            Address::parse("https://:p@b.example/", true),
            Err(AddressError::UserInfo)
        );
        assert_eq!(
            Address::parse("https://b.example/#f", true),
            Err(AddressError::Fragment)
        );
        assert_eq!(Address::parse("b.example", true), Err(AddressError::NotUrl));
        assert_eq!(
            Address::parse("file:///etc/passwd", true),
            Err(AddressError::NotUrl)
        );
    }
}
