//! Nothing that a gem's author writes becomes more than text.
use actix_web::http::StatusCode;

use super::fixture::{Answer, Ledger};
use crate::support::package::Package;

/// A gem that tries everything that the rules for metadata let through.
fn hostile() -> Package {
    let script = "</bdi></title><script>alert(1)</script><img src=x onerror=alert(1)>";
    let mut package = Package::new("hostile", "1.0");
    package.summary = format!("{script} \u{202E}gnp.exe");
    package.description = format!(
        "{script}\n\n{}\n\n\u{2066}hidden\u{2069}",
        "x".repeat(63_000)
    );
    package.authors = vec![
        script.into(),
        "\" onmouseover=\"alert(1)".into(),
        "y".repeat(20_000),
        "عربي".into(),
    ];
    package.licenses = vec!["<b>\u{202D}MIT".into()];
    package.homepage = "http://plain.example.com/\u{27}".into();
    package.metadata = vec![
        ("javascript:alert(1)".into(), "javascript:alert(1)".into()),
        ("note".into(), format!("{script}\u{200B}")),
    ];
    package
}

async fn answers() -> Vec<Answer> {
    let ledger = Ledger::at("https://gems.example.com").await;
    ledger.push_as_person("mallory", &hostile()).await;
    let mut answers = Vec::new();
    for path in [
        "/",
        "/?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E%E2%80%AE",
        "/gems/hostile",
        "/gems/hostile/versions/1.0",
        "/gems/%3Cscript%3E",
    ] {
        answers.push(ledger.get(path).await);
    }
    answers
}

#[actix_web::test]
async fn markup_of_strangers_is_text() {
    for answer in answers().await {
        for markup in ["<script", "<img src=x", "onmouseover=\"", "<b>"] {
            assert!(!answer.body.contains(markup), "{markup}\n{}", answer.body);
        }
    }
    let release = answers().await.remove(3);
    assert_eq!(release.status, StatusCode::OK);
    assert!(
        release
            .body
            .contains("&#60;script&#62;alert(1)&#60;/script&#62;")
    );
}

#[actix_web::test]
async fn no_link_leads_to_a_script_or_to_plain_http() {
    for answer in answers().await {
        for (place, _) in answer.body.match_indices("href=\"") {
            let target = answer.body[place + 6..].split('"').next().unwrap();
            assert!(
                target.starts_with('/')
                    || target.starts_with('#')
                    || target.starts_with("https://"),
                "{target}"
            );
        }
    }
    let release = answers().await.remove(3);
    assert!(release.body.contains("<bdi>javascript:alert(1)</bdi>"));
    assert!(
        release
            .body
            .contains("<bdi>http://plain.example.com/&#39;</bdi>")
    );
}

#[actix_web::test]
async fn characters_that_hide_or_reorder_are_named() {
    for answer in answers().await {
        for c in ['\u{202E}', '\u{202D}', '\u{2066}', '\u{2069}', '\u{200B}'] {
            assert!(!answer.body.contains(c), "U+{:04X}", u32::from(c));
        }
    }
    let release = answers().await.remove(3);
    assert!(release.body.contains("⟨U+202E⟩gnp.exe"));
    assert!(release.body.contains("<bdi>عربي</bdi>"));
}

#[actix_web::test]
async fn words_without_end_do_not_make_pages_without_end() {
    for answer in answers().await {
        assert!(answer.body.len() < 40_000, "{}", answer.body.len());
    }
}

#[actix_web::test]
async fn no_page_has_script_or_style_of_its_own_and_the_policy_allows_none() {
    for answer in answers().await {
        for inline in [
            "<script",
            "<style",
            " style=\"",
            " onclick",
            "javascript:void",
        ] {
            assert!(!answer.body.contains(inline), "{inline}");
        }
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self';"),
            "{policy}"
        );
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"));
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(answer.header(name), value);
        }
    }
}
