//! The rules file.
use events::{id::Owner, name::FoldedName};
use gemledger::{
    monitor::{Settings, settings::SettingsError},
    sarif::Level,
};

fn parse(text: &str) -> Result<Settings, SettingsError> {
    Settings::parse(text.as_bytes())
}

#[test]
fn a_rules_file_says_what_is_watched_and_how() {
    let account = "account:01900000-0000-7000-8000-000000000001";
    let text = format!(
        r#"{{"gems": ["Rake"], "owners": ["{account}", "operator"], "rules": {{
            "publisher_added": {{"level": "error"}}, "rules_changed": {{"enabled": false}},
            "publisher_then_push": {{"hours": 48}}, "release_burst": {{"gems": 5, "minutes": 3}},
            "leaf_wrong": {{"level": "warning"}}}}}}"#
    );
    let settings = parse(&text).unwrap();
    assert!(settings.gems.contains(&FoldedName::parse("rake").unwrap()));
    assert!(settings.owners.contains(&Owner::Operator) && settings.owners.len() == 2);
    assert!(!settings.watches_all());
    assert_eq!(settings.level("publisher_added"), Some(Level::Error));
    assert_eq!(settings.level("owner_added"), None);
    assert!(!settings.applies("rules_changed") && settings.applies("rules_loosened"));
    let numbers = settings.numbers;
    assert_eq!(
        (
            numbers.publisher_then_push_hours,
            numbers.burst_gems,
            numbers.burst_minutes
        ),
        (48, 5, 3)
    );
    assert!(parse("{}").unwrap().watches_all());
}

#[test]
fn a_rules_file_that_would_not_do_what_it_says_is_refused() {
    for (text, said) in [
        ("", "rules file"),
        ("[]", "rules file"),
        (r#"{"gem": ["rake"]}"#, "unknown field"),
        (r#"{"gems": ["a b"]}"#, "a b"),
        (r#"{"owners": ["alice"]}"#, "alice"),
        (r#"{"rules": {"no_such_rule": {}}}"#, "no_such_rule"),
        (r#"{"rules": {"owner_added": {"hours": 3}}}"#, "hours"),
        (r#"{"rules": {"release_burst": {"gems": 0}}}"#, "gems"),
        (r#"{"rules": {"owner_added": {"level": "off"}}}"#, "off"),
        (
            r#"{"rules": {"tree_forked": {"enabled": false}}}"#,
            "always told",
        ),
        (
            r#"{"rules": {"could_not_judge": {"enabled": false}}}"#,
            "always told",
        ),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
    assert_eq!(
        Settings::parse(&vec![b' '; 1024 * 1024 + 1]),
        Err(SettingsError::TooLong)
    );
}
