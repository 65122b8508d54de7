//! Several trust roots, and one that changes: which of them verifies a bundle, and which says what is wrong with it.
use events::id::Via;
use gemledger::demo::sigstore::{CERTIFICATE_SECONDS, Content, How, PrivateSigstore};

use super::{
    app::job,
    attested::{LOGGED, SIGSTORE, certified, new_root, signed, start, trusting},
    given::good,
};

#[actix_web::test]
async fn every_root_of_the_issuer_is_tried_and_a_bundle_never_chooses() {
    let app = trusting().await;
    let other = PrivateSigstore::new(start().minus_seconds(3600)).unwrap();
    app.trusts("another", &other, LOGGED).await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    app.attest_rake(&signed(&gem, &claims)).await.is(200);
    assert_eq!(app.last().await["data"]["root"]["stream"], "trust_root/own");
    app.finish().await;
    // Nobody vouches for this issuer's jobs.
    let app = super::given::rake().await;
    app.attest_rake(&signed(&gem, &claims)).await.refuses(
        422,
        "trust_root_missing",
        "gemledger trust-root add",
    );
    app.finish().await;
}

#[actix_web::test]
async fn of_several_roots_the_one_that_came_furthest_says_what_is_wrong() {
    let app = trusting().await;
    let stranger = PrivateSigstore::new(start().minus_seconds(3600)).unwrap();
    let stamps = events::trust_root::Requires {
        log: false,
        sct: false,
        timestamp: true,
    };
    app.trusts("another", &stranger, LOGGED).await;
    app.trusts("stamps", &stranger, stamps).await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    let of_another = signed(&good("rake", "1.0.1"), &claims);
    app.attest_rake(&of_another).await.refuses(
        422,
        "attestation_other_artifact",
        "(by the trust root own)",
    );
    let nobodys = PrivateSigstore::new(start().minus_seconds(3600)).unwrap();
    let at = start().plus_seconds(1);
    let foreign = nobodys.attest(&claims, Content::File(&gem), at).unwrap();
    let foreign = String::from_utf8(foreign).unwrap();
    app.attest_rake(&foreign).await.refuses(
        422,
        "attestation_log_entry_invalid",
        "(by the trust root another)",
    );
    // The one root that knows log and authority is heard, though its name is the second.
    let long_ago = start().minus_seconds(2 * CERTIFICATE_SECONDS);
    let signer = SIGSTORE.signer(&claims, long_ago).unwrap();
    let late = SIGSTORE.sign(&signer, Content::File(&gem), How::logged(start()));
    let late = String::from_utf8(late.unwrap()).unwrap();
    app.attest_rake(&late).await.refuses(
        422,
        "attestation_certificate_invalid",
        "(by the trust root own)",
    );
    app.finish().await;
}

#[actix_web::test]
async fn a_root_that_is_refreshed_while_a_push_is_on_its_way_denies_nothing() {
    let app = trusting().await;
    for patch in 0..6 {
        let gem = good("rake", &format!("1.0.{patch}"));
        let bundle = signed(&gem, &certified(&job("acme/rake")));
        let key = app.key_of(&job("acme/rake")).await;
        let refreshed = async {
            for _ in 0..patch * 3 {
                tokio::task::yield_now().await;
            }
            let mut new = new_root("own", &SIGSTORE, LOGGED);
            if patch % 2 == 0 {
                new.issuers.push("https://gitlab.example.com".to_owned());
            }
            let recorded = app.app.record_trust_root(new, Via::Console).await;
            recorded.unwrap();
        };
        let bundles = [bundle];
        let (pushed, ()) = tokio::join!(app.attest(&key, &gem, &bundles), refreshed);
        pushed.is(200);
    }
    app.finish().await;
}
