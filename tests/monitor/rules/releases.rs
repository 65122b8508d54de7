//! Rules about where releases come from, and how many.
use events::claims::Workflow;
use gemledger::monitor::rules::Numbers;

use super::{HOUR, Story, fired, job, text};

#[test]
fn provenance_lost_fires_after_a_release_with_a_source() {
    let mut story = Story::new();
    story.released("rake", job(1));
    let findings = story.pushed("rake");
    fired(&findings, &["provenance_lost"]);
    assert_eq!(findings[0].indexes, [1, 0]);
    assert_eq!(findings[0].expected.as_deref(), Some("acme/rake"));
    // It is lost for each release that has none.
    fired(&story.pushed("rake"), &["provenance_lost"]);
}

#[test]
fn provenance_lost_does_not_fire_where_there_was_none() {
    let mut story = Story::new();
    fired(&story.pushed("rake"), &[]);
    fired(&story.pushed("rake"), &[]);
    fired(&story.released("other", job(1)), &[]);
    fired(&story.pushed("rake"), &[]);
}

#[test]
fn provenance_changed_fires_for_another_provider() {
    let mut story = Story::new();
    story.released("rake", job(1));
    let findings = story.released_by("rake", Some(("gitlab", job(2))));
    fired(&findings, &["provenance_changed", "repository_changed"]);
    assert_eq!(findings[0].expected.as_deref(), Some("github"));
    assert_eq!(findings[0].found.as_deref(), Some("gitlab"));
}

#[test]
fn provenance_changed_does_not_fire_for_another_run_of_the_same() {
    let mut story = Story::new();
    story.released("rake", job(1));
    let later = Workflow {
        commit: Some(text("0000000000000000000000000000000000000000")),
        workflow_ref: Some(text("acme/rake/.github/workflows/release.yml@refs/tags/v2")),
        job_workflow_ref: Some(text("acme/rake/.github/workflows/release.yml@refs/tags/v2")),
        ..job(2)
    };
    fired(&story.released("rake", later), &[]);
}

#[test]
fn repository_changed_fires_for_another_id_under_the_same_name() {
    let mut story = Story::new();
    story.released("rake", job(1));
    let recreated = Workflow {
        repository_id: text("999"),
        ..job(2)
    };
    let findings = story.released("rake", recreated);
    fired(&findings, &["repository_changed"]);
    assert_eq!(findings[0].found.as_deref(), Some("acme/rake (id 999)"));
}

#[test]
fn repository_changed_does_not_fire_for_a_repository_that_was_renamed() {
    let mut story = Story::new();
    story.released("rake", job(1));
    let file = text("ruby/rake/.github/workflows/release.yml@refs/tags/v2");
    let renamed = Workflow {
        repository: text("ruby/rake"),
        workflow_ref: Some(file.clone()),
        job_workflow_ref: Some(file),
        ..job(2)
    };
    fired(&story.released("rake", renamed), &[]);
}

#[test]
fn workflow_changed_fires_for_another_file_and_for_another_one_that_defines_the_job() {
    let mut story = Story::new();
    story.released("rake", job(1));
    let file = text("acme/rake/.github/workflows/other.yml@refs/tags/v1");
    let other = Workflow {
        workflow_ref: Some(file.clone()),
        job_workflow_ref: Some(file),
        ..job(2)
    };
    let findings = story.released("rake", other);
    fired(&findings, &["workflow_changed"]);
    assert_eq!(findings[0].expected.as_deref(), Some("release.yml"));
    assert_eq!(findings[0].found.as_deref(), Some("other.yml"));
    let called = Workflow {
        workflow_ref: Some(text("acme/rake/.github/workflows/other.yml@refs/tags/v1")),
        job_workflow_ref: Some(text(
            "acme/shared/.github/workflows/push.yml@refs/heads/main",
        )),
        ..job(3)
    };
    let findings = story.released("rake", called);
    fired(&findings, &["workflow_changed"]);
    assert_eq!(
        findings[0].found.as_deref(),
        Some("other.yml calling push.yml")
    );
}

#[test]
fn workflow_changed_does_not_fire_for_another_gem_of_another_workflow() {
    let mut story = Story::new();
    story.released("rake", job(1));
    let other = Workflow {
        workflow_ref: Some(text("acme/b/.github/workflows/other.yml@refs/tags/v1")),
        job_workflow_ref: None,
        ..job(2)
    };
    fired(&story.released("other", other), &[]);
    fired(&story.released("rake", job(3)), &[]);
}

fn without_environment(run: u64) -> Workflow {
    Workflow {
        environment: None,
        ..job(run)
    }
}

#[test]
fn environment_vanished_fires_where_the_job_before_had_one() {
    let mut story = Story::new();
    story.released("rake", job(1));
    let findings = story.released("rake", without_environment(2));
    fired(&findings, &["environment_vanished"]);
    assert_eq!(findings[0].expected.as_deref(), Some("release"));
}

#[test]
fn environment_vanished_does_not_fire_where_there_was_none_or_one_comes() {
    let mut story = Story::new();
    fired(&story.released("rake", without_environment(1)), &[]);
    fired(&story.released("rake", without_environment(2)), &[]);
    fired(&story.released("rake", job(3)), &[]);
}

fn self_hosted(run: u64) -> Workflow {
    Workflow {
        runner: Some(text("self-hosted")),
        ..job(run)
    }
}

#[test]
fn self_hosted_runner_fires_for_the_first_time() {
    let mut story = Story::new();
    story.released("rake", job(1));
    fired(
        &story.released("rake", self_hosted(2)),
        &["self_hosted_runner"],
    );
    fired(&story.released("rake", job(3)), &[]);
    fired(&story.released("rake", self_hosted(4)), &[]);
}

#[test]
fn self_hosted_runner_does_not_fire_where_it_was_always_so() {
    let mut story = Story::new();
    fired(&story.released("rake", self_hosted(1)), &[]);
    fired(&story.released("rake", self_hosted(2)), &[]);
}

#[test]
fn two_tokens_one_job_fires_once_for_a_job() {
    let mut story = Story::new();
    fired(&story.exchanged("github", job(1)), &[]);
    let findings = story.after(60).exchanged("github", job(1));
    fired(&findings, &["two_tokens_one_job"]);
    assert_eq!(findings[0].indexes, [1, 0]);
    fired(&story.after(60).exchanged("github", job(1)), &[]);
}

#[test]
fn two_tokens_one_job_does_not_fire_for_other_runs_attempts_jobs_or_days() {
    let mut story = Story::new();
    story.exchanged("github", job(1));
    fired(&story.exchanged("github", job(2)), &[]);
    fired(&story.exchanged("gitlab", job(1)), &[]);
    let again = Workflow {
        run_attempt: Some(text("2")),
        ..job(1)
    };
    fired(&story.exchanged("github", again), &[]);
    fired(&story.exchanged("github", without_environment(1)), &[]);
    let called = Workflow {
        job_workflow_ref: Some(text("acme/rake/.github/workflows/docs.yml@refs/tags/v1")),
        ..job(1)
    };
    fired(&story.exchanged("github", called), &[]);
    let nameless = || Workflow {
        run_id: None,
        ..job(1)
    };
    fired(&story.exchanged("github", nameless()), &[]);
    fired(&story.exchanged("github", nameless()), &[]);
    fired(&story.after(25 * HOUR).exchanged("github", job(1)), &[]);
}

fn three_in_a_minute() -> Story {
    Story::with(Numbers {
        burst_gems: 3,
        burst_minutes: 1,
        ..Numbers::default()
    })
}

#[test]
fn release_burst_fires_once_for_a_burst_and_again_for_the_next_one() {
    let mut story = three_in_a_minute();
    fired(&story.pushed("gem-a"), &[]);
    fired(&story.after(30).pushed("gem-b"), &[]);
    let findings = story.after(30).pushed("gem-c");
    fired(&findings, &["release_burst"]);
    assert_eq!(findings[0].indexes, [2, 0]);
    fired(&story.after(1).pushed("gem-d"), &[]);
    fired(&story.after(HOUR).pushed("gem-a"), &[]);
    fired(&story.pushed("gem-b"), &[]);
    fired(&story.pushed("gem-c"), &["release_burst"]);
}

#[test]
fn release_burst_does_not_fire_for_one_gem_or_for_releases_far_apart() {
    let mut story = three_in_a_minute();
    for _ in 0..10 {
        fired(&story.pushed("gem-a"), &[]);
    }
    for gem in ["gem-b", "gem-c", "gem-d", "gem-e"] {
        fired(&story.after(31).pushed(gem), &[]);
    }
}

/// The release of a job, and whether an attestation comes with it, in one request.
fn attested(story: &mut Story, run: u64, with: bool) -> Vec<gemledger::monitor::Finding> {
    let (stream, body) = story.push_of("rake", Some(("github", job(run))));
    let mut findings = Vec::new();
    let released = story.record(stream.clone(), body);
    story.rules.take(&released, &mut findings);
    if with {
        let mut recorded = story.record(stream, attestation());
        recorded.event.request = released.event.request;
        story.rules.take(&recorded, &mut findings);
    }
    findings
}

fn attestation() -> events::Body {
    let leaf = include_bytes!("../../../events/vectors/release.attested.v1.bytes");
    events::Event::read(leaf).unwrap().body
}

#[test]
fn provenance_lost_fires_after_a_release_with_an_attestation() {
    let mut story = Story::new();
    fired(&attested(&mut story, 1, true), &[]);
    fired(&attested(&mut story, 2, true), &[]);
    // What the release lacks is known with the event after it, or at the end.
    fired(&attested(&mut story, 3, false), &[]);
    let findings = attested(&mut story, 4, false);
    fired(&findings, &["provenance_lost"]);
    assert_eq!(findings[0].indexes, [4, 3]);
    assert_eq!(findings[0].found.as_deref(), Some("none"));
    let last = story.rules.settle().unwrap();
    assert_eq!((last.rule, last.indexes), ("provenance_lost", vec![5, 3]));
    assert!(story.rules.settle().is_none());
}

#[test]
fn provenance_lost_does_not_fire_where_nothing_was_attested() {
    let mut story = Story::new();
    fired(&attested(&mut story, 1, false), &[]);
    fired(&attested(&mut story, 2, true), &[]);
    // An attestation of another request is not of this release.
    fired(&attested(&mut story, 3, false), &[]);
    let stream = events::stream::StreamName::parse("gem/rake").unwrap();
    let stray = story.record(stream, attestation());
    let mut findings = Vec::new();
    story.rules.take(&stray, &mut findings);
    fired(&findings, &["provenance_lost"]);
}
