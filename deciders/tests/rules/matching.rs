//! Field by field: which workflow is a publisher, and what is said when it is not.
use deciders::{
    Code, Denial,
    matching::{self, Job as Asking},
};
use events::{policy::Publisher, provider::Registered};

use crate::{
    fixtures::{generic, github, gitlab, provisional, publisher, slug, text},
    job::{Job, generic_job, gitlab_job, job},
};

fn check(job: &Job, provider: &Registered, publisher: &Publisher) -> Result<(), Denial> {
    let asking = Asking {
        slug: &slug(job.provider),
        provider,
        workflow: &job.workflow,
    };
    matching::check(&asking, publisher).map_err(|mismatch| mismatch.denial)
}

fn at_github(job: &Job, publisher: &Publisher) -> Result<(), Code> {
    check(job, &github(), publisher).map_err(|denial| denial.code)
}

fn at_gitlab(job: &Job, change: impl FnOnce(&mut Publisher)) -> Result<(), Code> {
    let mut publisher = Publisher {
        owner_id: Some(text("77")),
        provider: slug("gitlab"),
        repository: text("group/sub/rake"),
        workflow: text(".gitlab-ci.yml"),
        ..publisher()
    };
    change(&mut publisher);
    check(job, &gitlab(), &publisher).map_err(|denial| denial.code)
}

fn at_ci(job: &Job) -> Result<(), Code> {
    let publisher = Publisher {
        environment: Some(text("release")),
        owner_id: None,
        provider: slug("ci"),
        repository: text("Tools/rake"),
        repository_id: Some(text("p-42")),
        workflow: text("release"),
        ..publisher()
    };
    check(job, &generic(), &publisher).map_err(|denial| denial.code)
}

#[test]
fn the_publishers_own_job_matches() {
    assert_eq!(at_github(&job(1), &publisher()), Ok(()));
    assert_eq!(at_github(&job(1), &provisional()), Ok(()));
}

#[test]
fn a_repository_is_another_one_if_neither_name_nor_id_is_the_publishers() {
    let other = job(1).with(|workflow| {
        workflow.repository = text("ruby/thor");
        workflow.repository_id = text("43");
    });
    assert_eq!(
        at_github(&other, &publisher()),
        Err(Code::RepositoryMismatch)
    );
    let same_id_elsewhere = Publisher {
        provider: slug("gitlab"),
        ..publisher()
    };
    assert_eq!(
        at_github(&job(1), &same_id_elsewhere),
        Err(Code::RepositoryMismatch)
    );
}

#[test]
fn case_of_a_repository_means_nothing_to_github() {
    let shouting = job(1).with(|workflow| workflow.repository = text("Ruby/RAKE"));
    assert_eq!(at_github(&shouting, &provisional()), Ok(()));
}

#[test]
fn once_pinned_ids_decide() {
    let recreated = job(1).with(|workflow| workflow.repository_id = text("777"));
    assert_eq!(
        at_github(&recreated, &publisher()),
        Err(Code::RepositoryIdMismatch)
    );
    let moved = job(1).with(|workflow| workflow.owner_id = Some(text("999")));
    assert_eq!(at_github(&moved, &publisher()), Err(Code::OwnerIdMismatch));
}

#[test]
fn a_pull_request_never_releases_not_even_one_that_sees_secrets() {
    for trigger in [
        "pull_request",
        "pull_request_target",
        "workflow_run",
        "issue_comment",
        "issues",
    ] {
        let run = job(1).with(|workflow| workflow.trigger = Some(text(trigger)));
        assert_eq!(
            at_github(&run, &publisher()),
            Err(Code::TriggerNotAllowed),
            "{trigger}"
        );
    }
    for trigger in ["push", "release", "workflow_dispatch", "schedule"] {
        let run = job(1).with(|workflow| workflow.trigger = Some(text(trigger)));
        assert_eq!(at_github(&run, &publisher()), Ok(()), "{trigger}");
    }
}

#[test]
fn a_branch_does_not_do_where_tags_are_asked_for() {
    let branch = job(1).branch("main");
    let denial = check(&branch, &github(), &publisher()).unwrap_err();
    assert_eq!(denial.code, Code::RefNotAllowed);
    assert_eq!(denial.found.as_deref(), Some("refs/heads/main"));
    let protected = branch
        .clone()
        .with(|workflow| workflow.ref_protected = Some(true));
    assert_eq!(at_github(&protected, &publisher()), Ok(()));
    let anywhere = Publisher {
        any_ref: true,
        ..publisher()
    };
    assert_eq!(at_github(&branch, &anywhere), Ok(()));
}

#[test]
fn a_reusable_workflow_of_another_repository_needs_a_publisher_that_names_it() {
    let reusing = job(1).with(|workflow| {
        let path = "acme/workflows/.github/workflows/release.yml@refs/heads/main";
        workflow.job_workflow_ref = Some(text(path));
    });
    let denial = check(&reusing, &github(), &publisher()).unwrap_err();
    assert_eq!(denial.code, Code::WorkflowRepositoryMismatch);
    assert_eq!(denial.found.as_deref(), Some("acme/workflows"));
    let named = Publisher {
        workflow_repository: Some(text("acme/workflows")),
        ..publisher()
    };
    assert_eq!(at_github(&reusing, &named), Ok(()));
    assert_eq!(
        at_github(&job(1), &named),
        Err(Code::WorkflowRepositoryMismatch),
        "and then its own file does not do"
    );
}

#[test]
fn the_workflow_that_was_triggered_counts_as_much_as_the_one_that_defines_the_job() {
    let called = job(1).with(|workflow| {
        let path = "ruby/rake/.github/workflows/ci.yml@refs/tags/v1";
        workflow.workflow_ref = Some(text(path));
    });
    assert_eq!(
        at_github(&called, &publisher()),
        Err(Code::WorkflowMismatch)
    );
    let foreign = job(1).with(|workflow| {
        let path = "acme/rake/.github/workflows/release.yml@refs/tags/v1";
        workflow.workflow_ref = Some(text(path));
    });
    assert_eq!(
        at_github(&foreign, &publisher()),
        Err(Code::WorkflowRepositoryMismatch)
    );
}

#[test]
fn a_workflow_from_another_ref_than_the_run_is_nobodys() {
    let elsewhere = job(1).with(|workflow| {
        let path = "ruby/rake/.github/workflows/release.yml@refs/heads/topic";
        workflow.job_workflow_ref = Some(text(path));
    });
    assert_eq!(
        at_github(&elsewhere, &publisher()),
        Err(Code::WorkflowRefMismatch)
    );
    let at_commit = job(1).with(|workflow| {
        let commit = workflow.commit.clone().unwrap();
        let path = format!("ruby/rake/.github/workflows/release.yml@{commit}");
        workflow.job_workflow_ref = Some(text(&path));
    });
    assert_eq!(at_github(&at_commit, &publisher()), Ok(()));
}

#[test]
fn a_ref_with_an_at_sign_is_read_whole() {
    let monorepo = |path: &str| {
        let path = format!("ruby/rake/.github/workflows/{path}");
        job(1).with(move |workflow| {
            workflow.git_ref = Some(text("refs/tags/@acme/rake@1.0"));
            workflow.workflow_ref = Some(text(&path));
            workflow.job_workflow_ref = Some(text(&path));
        })
    };
    let whole = monorepo("release.yml@refs/tags/@acme/rake@1.0");
    assert_eq!(at_github(&whole, &publisher()), Ok(()));
    // The end of another ref is not the ref.
    let tricky = monorepo("release.yml@refs/heads/x@refs/tags/@acme/rake@1.0");
    assert_eq!(
        at_github(&tricky, &publisher()),
        Err(Code::WorkflowRefMismatch)
    );
}

#[test]
fn a_publisher_that_asks_for_an_environment_wants_that_one() {
    let staged = Publisher {
        environment: Some(text("release")),
        ..publisher()
    };
    assert_eq!(at_github(&job(1), &staged), Err(Code::EnvironmentMismatch));
    let in_environment = |name| job(1).with(|workflow| workflow.environment = Some(text(name)));
    assert_eq!(
        at_github(&in_environment("staging"), &staged),
        Err(Code::EnvironmentMismatch)
    );
    assert_eq!(at_github(&in_environment("Release"), &staged), Ok(()));
    assert_eq!(at_github(&in_environment("anything"), &publisher()), Ok(()));
}

#[test]
fn a_claim_that_a_check_needs_must_be_there() {
    let mute = job(1).with(|workflow| workflow.job_workflow_ref = None);
    let denial = check(&mute, &github(), &publisher()).unwrap_err();
    assert_eq!(denial.code, Code::ClaimMissing);
    assert_eq!(denial.expected.as_deref(), Some("job_workflow_ref"));
    let mute = job(1).with(|workflow| workflow.trigger = None);
    assert_eq!(at_github(&mute, &publisher()), Err(Code::ClaimMissing));
}

#[test]
fn what_was_expected_is_told_only_when_the_ids_match() {
    let told =
        |job: Job, publisher: &Publisher| check(&job, &github(), publisher).unwrap_err().tell;
    assert!(told(job(1).file("ci.yml"), &publisher()));
    assert!(!told(job(1).file("ci.yml"), &provisional()));
    assert!(!told(
        job(1).with(|workflow| workflow.repository_id = text("7")),
        &publisher()
    ));
    assert!(!told(
        job(1).with(|workflow| workflow.owner_id = None),
        &publisher()
    ));
}

#[test]
fn a_gitlab_pipeline_is_its_projects_own_file() {
    assert_eq!(at_gitlab(&gitlab_job(1), |_| {}), Ok(()));
    let file =
        |uri: &'static str| gitlab_job(1).with(|workflow| workflow.workflow_ref = Some(text(uri)));
    let foreign = file("gitlab.example.com/group/templates//.gitlab-ci.yml@refs/tags/v1");
    assert_eq!(at_gitlab(&foreign, |_| {}), Err(Code::WorkflowMismatch));
    let host = file("evil.example.com/group/sub/rake//.gitlab-ci.yml@refs/tags/v1");
    assert_eq!(at_gitlab(&host, |_| {}), Err(Code::WorkflowMismatch));
    let longer = file("gitlab.example.com/group/sub/rake//x/.gitlab-ci.yml@refs/tags/v1");
    assert_eq!(at_gitlab(&longer, |_| {}), Err(Code::WorkflowMismatch));
    let branch = file("gitlab.example.com/group/sub/rake//.gitlab-ci.yml@refs/heads/topic");
    assert_eq!(at_gitlab(&branch, |_| {}), Err(Code::WorkflowRefMismatch));
}

#[test]
fn a_gitlab_job_of_another_project_or_of_a_merge_request_is_denied() {
    let lent = gitlab_job(1).with(|workflow| workflow.job_repository_id = Some(text("43")));
    assert_eq!(at_gitlab(&lent, |_| {}), Err(Code::JobRepositoryMismatch));
    let merge = gitlab_job(1).with(|workflow| workflow.trigger = Some(text("merge_request_event")));
    assert_eq!(at_gitlab(&merge, |_| {}), Err(Code::TriggerNotAllowed));
    let undefined = gitlab_job(1).with(|workflow| workflow.workflow_ref = None);
    assert_eq!(at_gitlab(&undefined, |_| {}), Err(Code::ClaimMissing));
}

#[test]
fn case_of_an_environment_means_something_to_gitlab() {
    let staged = gitlab_job(1).with(|workflow| workflow.environment = Some(text("Release")));
    let asks = |publisher: &mut Publisher| publisher.environment = Some(text("release"));
    assert_eq!(at_gitlab(&staged, asks), Err(Code::EnvironmentMismatch));
}

#[test]
fn a_generic_provider_is_held_to_exact_equality() {
    assert_eq!(at_ci(&generic_job(1)), Ok(()));
    let case = generic_job(1).with(|workflow| {
        workflow.repository = text("tools/rake");
        workflow.repository_id = text("p-43");
    });
    assert_eq!(at_ci(&case), Err(Code::RepositoryMismatch));
    let recreated = generic_job(1).with(|workflow| workflow.repository_id = text("p-43"));
    assert_eq!(at_ci(&recreated), Err(Code::RepositoryIdMismatch));
    let other = generic_job(1).with(|workflow| workflow.workflow_ref = Some(text("ci")));
    assert_eq!(at_ci(&other), Err(Code::WorkflowMismatch));
    let outside = generic_job(1).with(|workflow| workflow.environment = None);
    assert_eq!(at_ci(&outside), Err(Code::EnvironmentMismatch));
}

#[test]
fn an_unprintable_claim_matches_nothing() {
    let long = "x".repeat(300);
    let digest = events::text::Text::claim(&long);
    assert!(events::text::Text::configured(digest.as_str()).is_err());
    let odd = job(1).with(|workflow| workflow.environment = Some(digest));
    let staged = Publisher {
        environment: Some(text("release")),
        ..publisher()
    };
    assert_eq!(at_github(&odd, &staged), Err(Code::EnvironmentMismatch));
}
