//! Links that a gem may carry: `http` and `https`, nothing that a browser would read as a script.

/// Whether Ruby's `URI` and `RubyGems`' own pattern both take the text for a web address.
pub(super) fn is_web_address(text: &str) -> bool {
    let Some(rest) = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
    else {
        return false;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    is_authority(authority) && is_path(path)
}

/// A host with at least one dot and perhaps a port. No user: a password has no business in a gemspec.
fn is_authority(text: &str) -> bool {
    let (host, port) = text
        .split_once(':')
        .map_or((text, None), |(host, port)| (host, Some(port)));
    let port = port.is_none_or(|port| {
        !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    port && host.contains('.') && host.split('.').all(label)
}

/// Path, query and fragment in the characters of RFC 3986. A fragment needs a path before it, as `RubyGems`' pattern does.
fn is_path(text: &str) -> bool {
    if text.starts_with('#') || text.matches('#').count() > 1 {
        return false;
    }
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => {
                bytes.next().is_some_and(|b| b.is_ascii_hexdigit())
                    && bytes.next().is_some_and(|b| b.is_ascii_hexdigit())
            }
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?#".contains(&byte),
        };
        if !fine {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses_are_links() {
        for text in [
            "https://example.com",
            "http://example.com:8080/a?b=c#d",
            "https://a.b-c.org/~x/%20",
            "https://example.com?x",
        ] {
            assert!(is_web_address(text), "{text}");
        }
    }

    #[test]
    fn scripts_passwords_and_bare_hosts_are_not() {
        for text in [
            "javascript:alert(1)",
            "HTTPS://example.com",
            "ftp://example.com",
            "https://localhost",
            "https://u:p@example.com",
            "https://example.com/a b",
            "https://example.com/%2",
            "https://example.com#x",
            "https://example..com",
            "https://",
            "https://example.com/\"",
            "https://ex\u{e4}mple.com/",
        ] {
            assert!(!is_web_address(text), "{text}");
        }
    }
}
