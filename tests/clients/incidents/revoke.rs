//! `gemledger api-key revoke` in bulk.
use serde_json::json;

use super::told::Told;

#[test]
fn every_living_key_of_a_repository_dies_and_nobody_elses() {
    let told = Told::new();
    let keys = [told.exchanged(&json!({})), told.exchanged(&json!({}))];
    let given_back = told.exchanged(&json!({}));
    told.give_back(&given_back);
    let size = told.size();
    let revoked = told.json(&["api-key", "revoke", "--repository", "Octo-Org/Tool"]);
    // The key of the release lives as well.
    assert_eq!(revoked.len(), 3, "{revoked:?}");
    assert!(
        revoked
            .iter()
            .all(|line| line["key"]["repository"] == "octo-org/tool")
    );
    assert_eq!(told.size(), size + 3);
    for key in &keys {
        assert_eq!(told.push(key, "tool", "2.0.0"), 401);
    }
    assert_eq!(told.push(&told.key, "mine", "2.0.0"), 200);
    let again = told.run(&["api-key", "revoke", "--repository", "octo-org/tool"]);
    again.ends(0, "nothing was revoked");
    told.ledger.is_sound();
}

#[test]
fn keys_are_chosen_by_provider_and_by_time_together() {
    let told = Told::new();
    let early = told.exchanged(&json!({}));
    // Another moment at last, however quick the machine.
    let before = told.time("api_key.issued");
    let mut late = told.exchanged(&json!({}));
    while told.time("api_key.issued") == before {
        late = told.exchanged(&json!({}));
    }
    let since = told.time("api_key.issued");
    let revoke = ["api-key", "revoke", "--provider", "ci", "--since", &since];
    let ran = told.run(&revoke).ends(0, "1 key was revoked");
    assert!(ran.out.contains("of octo-org/tool"), "{}", ran.out);
    assert_eq!(told.push(&late, "tool", "2.0.0"), 401);
    assert_eq!(told.push(&early, "tool", "2.0.0"), 200);
    // By time alone, accounts' keys as well.
    let fresh = told.ledger.key("bob", "push_rubygem");
    told.run(&["api-key", "revoke", "--since", &since]).ok();
    assert_eq!(told.push(&fresh, "new", "1.0.0"), 401);
    assert_eq!(told.push(&told.key, "mine", "3.0.0"), 200);
    told.ledger.is_sound();
}

#[test]
fn what_cannot_be_revoked_is_said_and_leaves_nothing_behind() {
    let told = Told::new();
    let id = "01900000-0000-7000-8000-000000000000";
    told.refuses(&[
        (&["api-key", "revoke"], 2, "required"),
        (&["api-key", "revoke", "mine"], 2, "the key's id"),
        (&["api-key", "revoke", id], 1, "never issued"),
        (
            &["api-key", "revoke", id, "--provider", "ci"],
            2,
            "cannot be used with",
        ),
        (
            &["api-key", "revoke", "--provider", "gitlab"],
            2,
            "no provider called gitlab",
        ),
        (
            &["api-key", "revoke", "--provider", "Git Hub"],
            2,
            "the provider's name",
        ),
        (
            &["api-key", "revoke", "--since", "yesterday"],
            2,
            "is not a time like",
        ),
        (
            &["api-key", "revoke", "--repository", ""],
            2,
            "the repository",
        ),
        (
            &["api-key", "revoke", "--repository", "octo-org/nothing"],
            0,
            "nothing was revoked",
        ),
        (
            &["api-key", "revoke", "--since", "2999-01-01"],
            0,
            "nothing was revoked",
        ),
    ]);
}
