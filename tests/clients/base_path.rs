//! A registry below a path: `--url http://HOST/ruby`.
use super::{
    issuer::Issuer,
    ruby::{Edition, Gem, Ruby},
};
use crate::support::{
    http::{self, get},
    program::Ledger,
};

#[test]
fn real_clients_push_and_install_below_a_path() {
    let ledger = Ledger::below("/ruby");
    let _server = ledger.serve();
    let url = ledger.url();
    assert!(url.ends_with("/ruby"));
    let issuer = Issuer::start();
    issuer.introduce(&ledger, "hello");
    let publisher = Ruby::new(Edition::Installed).with_key(&issuer.key(&ledger, "hello"));
    let said = publisher
        .push(
            &url,
            &publisher.build(&Gem {
                code: "puts 'below'\n",
                ..Gem::new("hello", "1.0.0")
            }),
        )
        .ok();
    assert!(
        said.out
            .contains(&format!("{url}/gems/hello/versions/1.0.0")),
        "{}",
        said.out
    );
    for edition in Edition::ALL {
        let ruby = Ruby::new(edition);
        for source in [url.clone(), format!("{url}/")] {
            let install = [
                "install",
                "hello",
                "--force",
                "--no-document",
                "--clear-sources",
                "--source",
                &source,
            ];
            ruby.gem(&install)
                .ends(0, "Successfully installed hello-1.0.0");
        }
        let project = ruby.project("app", &format!("source '{url}'\ngem 'hello'\n"));
        ruby.bundle(&project, &["install"])
            .ends(0, "Bundle complete!");
        ruby.bundle(&project, &["exec", "ruby", "-e", "require 'hello'"])
            .ends(0, "below");
    }
}

#[test]
fn the_log_and_the_pages_are_below_the_path_and_nothing_is_beside_it() {
    let ledger = Ledger::below("/ruby");
    let _server = ledger.serve();
    let url = ledger.url();
    let ruby = Ruby::new(Edition::Installed).with_key(&ledger.key("alice", "push_rubygem"));
    ruby.release(&url, &Gem::new("hello", "1.0.0"));
    let origin = format!("{}/ruby/log/1", ledger.address());
    let checkpoint = String::from_utf8(http::found(&format!("{url}/log/checkpoint"))).unwrap();
    assert_eq!(checkpoint.lines().next(), Some(origin.as_str()));
    let page = String::from_utf8(http::found(&format!("{url}/gems/hello/versions/1.0.0"))).unwrap();
    let links = page.split("href=\"/").skip(1);
    for link in links {
        assert!(
            link.starts_with("ruby"),
            "a link leads out of the registry: /{}",
            link.split('"').next().unwrap()
        );
    }
    for path in ["/names", "/log/checkpoint", "/api/v1/gems", "/rubyx/names"] {
        assert_eq!(
            get(&format!("http://{}{path}", ledger.address())).status,
            404,
            "{path}"
        );
    }
}
