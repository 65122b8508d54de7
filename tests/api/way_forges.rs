//! The way as forges draw it: jobs of GitLab, reusable workflows, and runs that were started again.
use events::{id::Owner, policy::Publisher};
use gemledger::demo::issuer::{GithubJob, GitlabJob};
use serde_json::Value;

use super::{
    app::{job, publisher, text},
    attestations_bound::{gitlab, gitlab_bundle},
    attested::{certified, signed, trusting},
    given::good,
    way::{drawing, link, record},
};

#[actix_web::test]
async fn a_gitlab_release_names_its_job_and_the_pipeline_is_never_called_an_attempt() {
    const JOB: &str = "https://gitlab.com/acme/tools/rack/-/jobs/302";
    let job = GitlabJob::release("acme/tools/rack", "v1.0.0");
    for attested in [true, false] {
        let (app, key) = gitlab(&job).await;
        let gem = good("rack", "1.0.0");
        if attested {
            let bundle = gitlab_bundle(&gem, &job);
            app.attest(&key, &gem, &[bundle]).await.is(200);
        } else {
            app.push(&key, gem.clone()).await.is(200);
        }
        let path = "/api/v1/gems/rack/versions/1.0.0/provenance";
        let record = app.get(path).await.is(200).json();
        let run = link(&record, "job");
        assert_eq!(run["url"], JOB);
        let certified = &record["source"]["certified"];
        if attested {
            assert_eq!(
                (&run["value"], &run["known"]),
                (&JOB.into(), &"proven".into())
            );
            assert_eq!(certified["run_attempt"], 0);
        } else {
            assert_eq!(run["value"], "302 of pipeline 574");
            assert_eq!(run["known"], "stated_by_registry");
        }
        // No certificate names the pipeline.
        assert_eq!(certified["run_id"], Value::Null);
        let page = app.get("/gems/rack/versions/1.0.0").await.is(200);
        for words in ["<dt>Pipeline</dt>", "<dt>Job</dt>", "/-/pipelines/574\""] {
            assert!(page.text().contains(words), "{words}");
        }
        for told in [
            page.text().to_owned(),
            record.to_string(),
            drawing(&app, "rack"),
        ] {
            assert!(
                !told.contains("(attempt") && !told.contains("<dt>Attempt"),
                "{told}"
            );
        }
        app.finish().await;
    }
}

#[actix_web::test]
async fn a_reusable_workflow_is_shown_beside_the_workflow_that_called_it() {
    const SIGNER: &str = "acme/ci/.github/workflows/release.yml@refs/heads/main";
    let app = trusting().await;
    let elsewhere = Publisher {
        workflow_repository: Some(text("acme/ci")),
        ..publisher("acme/tool")
    };
    app.trust("tool", elsewhere, Owner::Operator).await;
    let reusing = GithubJob {
        workflow: "ship.yml".into(),
        job_workflow_ref: Some(SIGNER.into()),
        ..job("acme/tool")
    };
    let gem = good("tool", "1.0.0");
    let key = app.key_of(&reusing).await;
    app.attest(&key, &gem, &[signed(&gem, &certified(&reusing))])
        .await
        .is(200);
    let path = "/api/v1/gems/tool/versions/1.0.0/provenance";
    let record = app.get(path).await.is(200).json();
    let signer = link(&record, "signer");
    assert_eq!(signer["known"], "proven");
    assert_eq!(signer["value"], format!("https://github.com/{SIGNER}"));
    let url = signer["url"].as_str().unwrap();
    assert!(url.starts_with("https://github.com/acme/ci/blob/"), "{url}");
    let workflow = link(&record, "workflow")["value"].as_str().unwrap();
    assert!(workflow.contains("acme/tool/.github/workflows/ship.yml"));
    let how = link(&record, "policy")["how"].as_str().unwrap();
    assert!(
        how.contains("release.yml of acme/ci, called by acme/tool"),
        "{how}"
    );
    let page = app.get("/gems/tool/versions/1.0.0").await.is(200);
    assert!(page.text().contains("<strong>Reusable workflow</strong>"));
    assert!(
        drawing(&app, "tool").contains("● reusable workflow proven │ https://github.com/acme/ci/")
    );
    app.finish().await;
}

#[actix_web::test]
async fn a_run_that_was_signed_in_an_earlier_attempt_leads_to_that_attempt() {
    let app = trusting().await;
    let pushing = GithubJob {
        run_attempt: 2,
        ..job("acme/rake")
    };
    let gem = good("rake", "1.0.0");
    let key = app.key_of(&pushing).await;
    app.attest(&key, &gem, &[signed(&gem, &certified(&job("acme/rake")))])
        .await
        .is(200);
    let record = record(&app).await;
    let run = link(&record, "run");
    let address = "https://github.com/acme/rake/actions/runs/9876543210";
    assert_eq!(run["value"], format!("{address} (attempt 1)"));
    assert_eq!(run["url"], format!("{address}/attempts/1"));
    // The attempt that pushed is the token's word.
    assert_eq!(record["source"]["run_attempt"], "2");
    assert_eq!(
        record["source"]["urls"]["run"],
        format!("{address}/attempts/2")
    );
    app.finish().await;
}
