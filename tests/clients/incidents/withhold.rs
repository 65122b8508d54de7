//! `gemledger quarantine`, and what it says to what it cannot do.
use super::told::Told;

#[test]
fn what_is_withheld_is_listed_until_it_is_lifted() {
    let told = Told::new();
    let why = "pushed by a stolen key";
    let ran = told.run(&["quarantine", "mine", "1.0.0", "--reason", why]);
    ran.ends(0, "mine 1.0.0 is quarantined (log index");
    let listed = told.json(&["quarantine", "list"]);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["file"], "mine-1.0.0");
    assert_eq!(listed[0]["quarantined"]["reason"], why);
    told.run(&["quarantine", "list"]).ends(0, why);
    let again = told.run(&["quarantine", "mine", "1.0", "--reason", why]);
    again.ends(1, "the release is quarantined");
    told.run(&["quarantine", "lift", "mine", "1.0.0"])
        .ends(0, "is served again");
    assert!(told.json(&["quarantine", "list"]).is_empty());
    let again = told.run(&["quarantine", "lift", "mine", "1.0.0"]);
    again.ends(1, "the release is not quarantined");
    told.ledger.is_sound();
}

#[test]
fn what_cannot_be_withheld_is_said_and_leaves_nothing_behind() {
    let told = Told::new();
    told.refuses(&[
        (
            &["quarantine", "mine", "9.9.9", "--reason", "x"][..],
            1,
            "found `9.9.9`",
        ),
        (
            &["quarantine", "nothing", "1.0.0", "--reason", "x"],
            1,
            "there is no such thing",
        ),
        (
            &["quarantine", "mine", "1.0.0-java", "--reason", "x"],
            1,
            "found `1.0.0-java`",
        ),
        (
            &[
                "quarantine",
                "mine",
                "1.0.0",
                "--platform",
                "java",
                "--reason",
                "x",
            ],
            1,
            "1.0.0-java",
        ),
        (
            &[
                "quarantine",
                "mine",
                "1.0.0-java",
                "--platform",
                "java",
                "--reason",
                "x",
            ],
            2,
            "names a platform already",
        ),
        (
            &["quarantine", "mine", "one", "--reason", "x"],
            2,
            "is not a VERSION",
        ),
        (
            &["quarantine", "../mine", "1.0.0", "--reason", "x"],
            2,
            "the gem's name",
        ),
    ]);
}

#[test]
fn a_reason_is_asked_for_and_is_a_text_that_may_stand_in_the_log() {
    let told = Told::new();
    let long = "x".repeat(256);
    told.refuses(&[
        (&["quarantine", "mine", "1.0.0"], 2, "--reason"),
        (
            &["quarantine", "mine", "1.0.0", "--reason", ""],
            2,
            "the reason",
        ),
        (
            &["quarantine", "mine", "1.0.0", "--reason", &long],
            2,
            "longer than 255 bytes",
        ),
        (
            &["quarantine", "mine", "1.0.0", "--reason", "a\u{202e}b"],
            2,
            "U+202E",
        ),
        (&["quarantine"], 2, "Usage"),
        (&["quarantine", "lift", "mine"], 2, "Usage"),
    ]);
}
