//! Pages show what the events say.
use actix_web::http::{Method, StatusCode};
use events::{
    name::FoldedName,
    rule::{Rule, Setting},
};

use super::fixture::{COMMIT, Ledger};
use crate::support::package::Package;

async fn with_rake(url: &str) -> Ledger {
    let ledger = Ledger::at(url).await;
    ledger.trust("rake", "ruby/rake", None).await;
    let mut package = Package::new("rake", "13.2.1");
    package.summary = "Make-like".into();
    package.homepage = "https://example.com/rake?a=1&b=2".into();
    package.needs = vec![("minitest".into(), "~> 5.20".into())];
    ledger
        .release(&Ledger::job("ruby/rake", "13.2.1"), &package)
        .await;
    ledger
}

#[actix_web::test]
async fn the_first_page_lists_gems_with_their_newest_release_and_source() {
    let ledger = with_rake("https://gems.example.com").await;
    let tools = Package::new("tools", "0.1.0");
    ledger.push_as_person("alice", &tools).await;
    let page = ledger.page("/").await;
    assert!(
        page.contains(r#"href="/gems/rake/versions/13.2.1""#),
        "{page}"
    );
    assert!(page.contains("from <strong>ruby/rake</strong> at <code>5a0f1d3c2b4e</code>"));
    assert!(page.contains("source not known"));
    let (tools, rake) = (page.find("/gems/tools"), page.find("/gems/rake"));
    assert!(tools < rake, "the newest comes first");
}

#[actix_web::test]
async fn a_page_says_whether_an_owners_key_still_releases_the_gem() {
    let ledger = Ledger::at("https://gems.example.com").await;
    ledger
        .push_as_person("alice", &Package::new("tools", "0.1.0"))
        .await;
    let page = ledger.page("/gems/tools").await;
    assert!(page.contains("Only its owners, with an API key."));
    let gem = FoldedName::parse("tools").unwrap();
    let (console, rule) = (ledger.app.console(), Rule::TrustedPublishingOnly);
    ledger
        .app
        .set_rule(console, gem, rule, Setting::On)
        .await
        .unwrap();
    let page = ledger.page("/gems/tools").await;
    assert!(!page.contains("Only its owners"), "{page}");
    assert!(page.contains("Nobody now: its rules demand a workflow."));
}

#[actix_web::test]
async fn a_page_shows_the_newest_changes_of_a_policy_and_says_where_the_others_are() {
    let ledger = Ledger::at("https://gems.example.com").await;
    ledger
        .push_as_person("alice", &Package::new("tools", "0.1.0"))
        .await;
    let gem = || FoldedName::parse("tools").unwrap();
    let mut changes = 2;
    let rule = Rule::TagMustEqualVersion;
    for round in 0..50 {
        if round == 49 {
            let page = ledger.page("/gems/tools").await;
            assert!(page.contains("The gem was registered as tools."));
            assert!(!page.contains("lists all"));
        }
        for to in [Setting::On, Setting::Off] {
            let console = ledger.app.console();
            ledger.app.set_rule(console, gem(), rule, to).await.unwrap();
            changes += 1;
        }
    }
    let page = ledger.page("/gems/tools").await;
    assert!(!page.contains("The gem was registered as tools."));
    let shown = page
        .matches("The rule tag_must_equal_version was set")
        .count();
    assert_eq!(shown, 100);
    let says = format!(
        "The newest 100 of {changes} are shown; <code>gemledger log --gem tools</code> lists all."
    );
    assert!(page.contains(&says), "{page}");
}

#[actix_web::test]
async fn a_search_reads_its_text_as_it_is_written() {
    let ledger = Ledger::at("https://gems.example.com").await;
    for name in ["rake-extra", "a_b", "acb", "rake", "brake"] {
        ledger
            .push_as_person(&name.replace('_', "-"), &Package::new(name, "1"))
            .await;
    }
    let found = |page: &str, name: &str| page.find(&format!(r#"href="/gems/{name}""#));
    let page = ledger.page("/?q=RAKE").await;
    let places = ["rake", "rake-extra", "brake"].map(|name| found(&page, name));
    assert!(places.is_sorted() && places[0].is_some(), "{places:?}");
    let page = ledger.page("/?q=a_b").await;
    assert!(found(&page, "a_b").is_some() && found(&page, "acb").is_none());
    for nothing in ["%25", "!", "%27%20OR%201%3D1"] {
        let page = ledger.page(&format!("/?q={nothing}")).await;
        assert!(
            page.contains("No gem here has this in its name"),
            "{nothing}"
        );
    }
}

#[actix_web::test]
async fn a_search_that_cannot_be_read_is_answered_with_a_page() {
    let ledger = Ledger::at("https://gems.example.com").await;
    for query in ["q=a&q=b".to_owned(), format!("q={}", "x".repeat(256))] {
        let answer = ledger.get(&format!("/?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.body.contains("That cannot be read"));
    }
}

#[actix_web::test]
async fn clients_that_ask_for_the_head_of_the_first_page_get_200() {
    let ledger = Ledger::at("https://gems.example.com").await;
    let answer = ledger.ask(Method::HEAD, "/").await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[actix_web::test]
async fn a_gem_shows_its_releases_its_policy_and_how_that_came_to_be() {
    let ledger = with_rake("https://gems.example.com").await;
    let page = ledger.page("/gems/rake").await;
    for expected in [
        "from <strong>ruby/rake</strong> at <code>5a0f1d3c2b4e</code> by <code>release.yml</code>",
        "source \"https://gems.example.com\" do\n  gem \"rake\", \"~&gt; 13.2.1\"\nend",
        "<dt>Repository id</dt><dd><code>1420893</code></dd>",
        "<dt>Environment</dt><dd>release</dd>",
        "It belongs to the operator.",
        "The gem was registered as rake.",
        "The repository of publisher 3 was pinned to id 1420893 and its owner to id 210414.",
        "by a workflow of repository 1420893 at github",
    ] {
        assert!(page.contains(expected), "{expected}\n{page}");
    }
    let (pinned, registered) = (page.find("was pinned"), page.find("was registered"));
    assert!(pinned < registered, "the newest change comes first");
}

#[actix_web::test]
async fn a_gem_is_found_whatever_the_case_of_its_name() {
    let ledger = Ledger::at("https://gems.example.com").await;
    ledger
        .push_as_person("alice", &Package::new("RedCloth", "4.3"))
        .await;
    for path in ["/gems/redcloth", "/gems/RedCloth"] {
        let page = ledger.page(path).await;
        assert!(page.contains("<h1 class=\"name\">RedCloth</h1>"), "{path}");
    }
}

#[actix_web::test]
async fn a_job_that_was_turned_away_is_shown_with_the_reason() {
    let ledger = with_rake("https://gems.example.com").await;
    let mut job = Ledger::job("ruby/rake", "13.2.2");
    job.workflow = "ci.yml".into();
    assert!(ledger.exchange(&job).await.is_err());
    let page = ledger.page("/gems/rake").await;
    assert!(page.contains("Turned away"));
    let facts = "<code>workflow_mismatch</code>, found <code>ci.yml</code>, expected <code>release.yml</code>, run 9876543210";
    assert!(page.contains(facts), "{page}");
}

#[actix_web::test]
async fn a_name_that_waits_for_its_first_push_has_a_page() {
    let ledger = Ledger::at("https://gems.example.com").await;
    ledger.trust("waiting", "acme/waiting", None).await;
    let page = ledger.page("/gems/waiting").await;
    assert!(page.contains("None yet. The name waits for its first push."));
    assert!(page.contains("waits for the first push</span>"));
}

#[actix_web::test]
async fn a_release_shows_where_it_came_from_and_how_that_is_known() {
    let ledger = with_rake("https://gems.example.com").await;
    let page = ledger.page("/gems/rake/versions/13.2.1").await;
    let github = "https://github.com/ruby/rake";
    for expected in [
        format!(r#"<a href="{github}" rel="noopener noreferrer">ruby/rake</a>"#),
        format!(r#"<a href="{github}/commit/{COMMIT}" rel="noopener noreferrer">{COMMIT}</a>"#),
        format!(r#"<a href="{github}/actions/runs/9876543210/attempts/1""#),
        format!(r#"<a href="{github}/blob/{COMMIT}/.github/workflows/release.yml""#),
        "tag v13.2.1".into(),
        "stated by this registry".into(),
        "Whether the file was built from that commit, and from nothing else.".into(),
        "They never say that it is safe.".into(),
        r#"<a href="/gems/rake-13.2.1.gem.tlog-proof">"#.into(),
        "--receipt rake-13.2.1.gem.tlog-proof".into(),
        format!("--key '{}'", ledger.app.key.verifier()),
        r#"href="/api/v1/gems/rake/versions/13.2.1/provenance""#.into(),
        r#"<a href="https://example.com/rake?a=1&#38;b=2" rel="nofollow noopener noreferrer">"#
            .into(),
        "<li>minitest <code>~&#62; 5.20</code></li>".into(),
    ] {
        assert!(page.contains(&expected), "{expected}\n{page}");
    }
}

#[actix_web::test]
async fn a_release_of_a_platform_has_a_page_of_its_own() {
    let ledger = Ledger::at("https://gems.example.com").await;
    let mut package = Package::new("native", "1.0");
    package.platform = "x86_64-linux".into();
    ledger.push_as_person("alice", &package).await;
    let page = ledger.page("/gems/native/versions/1.0-x86_64-linux").await;
    assert!(page.contains("native-1.0-x86_64-linux.gem was released."));
    let other = ledger.get("/gems/native/versions/1.0").await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn what_does_not_exist_is_answered_with_a_page_of_the_house() {
    let ledger = with_rake("https://gems.example.com").await;
    for path in [
        "/gems/nobody",
        "/gems/..%2f..%2fetc",
        "/gems/%00",
        "/gems/rake/versions/0.0.1",
        "/gems/rake/versions/x",
        "/gems/rake/versions/13.2.1-java",
        "/static/0.css",
    ] {
        let answer = ledger.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.body.contains("There is nothing here"), "{path}");
        assert!(
            answer
                .header("content-security-policy")
                .contains("default-src 'none'")
        );
    }
}

#[actix_web::test]
async fn every_link_stays_below_the_base_path() {
    let ledger = with_rake("https://example.com/ruby/gems").await;
    for path in [
        "",
        "/",
        "/gems/rake",
        "/gems/rake/versions/13.2.1",
        "/gems/none",
    ] {
        let answer = ledger.get(&format!("/ruby/gems{path}")).await;
        for attribute in ["href=\"/", "src=\"/", "action=\"/"] {
            for (place, _) in answer.body.match_indices(attribute) {
                let rest = &answer.body[place + attribute.len()..];
                assert!(rest.starts_with("ruby/gems/"), "{path}: {attribute}");
            }
        }
    }
    let page = ledger.page("/ruby/gems/gems/rake/versions/13.2.1").await;
    assert!(page.contains("curl -fLO https://example.com/ruby/gems/gems/rake-13.2.1.gem\n"));
}

#[actix_web::test]
async fn the_style_sheet_is_found_under_its_digest_and_kept_for_good() {
    let ledger = Ledger::at("https://gems.example.com/r").await;
    let page = ledger.page("/r/").await;
    let (_, rest) = page.split_once(r#"rel="stylesheet" href=""#).unwrap();
    let (path, _) = rest.split_once('"').unwrap();
    let answer = ledger.get(path).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "text/css; charset=utf-8");
    assert!(answer.header("cache-control").contains("immutable"));
}
