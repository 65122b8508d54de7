//! What is no attestation, or proves nothing: refused with a stable code, and nothing is left of it.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use gemledger::demo::sigstore::{
    CERTIFICATE_SECONDS, Content, How, LogVersion, PrivateSigstore, slsa, statement,
};
use serde_json::{Value, json};

use super::{
    answer::Answer,
    app::job,
    attested::{
        A_FILE, Part, SIGSTORE, certified, form, provenance, signed, start, stated, trusting, with,
    },
    given::{good, other},
};

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

fn gem() -> Vec<u8> {
    good("rake", "1.0.0")
}

fn bundle() -> String {
    signed(&gem(), &certified(&job("acme/rake")))
}

/// Asserts that each of these forms is refused so, and that nothing is left of any.
async fn refused(forms: Vec<(Vec<u8>, u16, &str)>) {
    let app = trusting().await;
    let key = app.key_of(&job("acme/rake")).await;
    let before = app.traces().await;
    for (form, status, code) in forms {
        app.send(&key, form).await.refuses(status, code, "");
        app.left_nothing(before).await;
    }
    // The key was good all along.
    app.attest(&key, &gem(), &[bundle()]).await.is(200);
    app.finish().await;
}

/// The form with this `attestations` part.
fn with_array(array: &str) -> Vec<u8> {
    form(&[
        ("gem", A_FILE, &gem()),
        ("attestations", "", array.as_bytes()),
    ])
}

fn with_bundle(bundle: &str) -> Vec<u8> {
    with_array(&format!("[{bundle}]"))
}

#[actix_web::test]
async fn what_is_no_array_of_one_to_four_small_bundles_is_refused() {
    let one = bundle();
    let claims = certified(&job("acme/rake"));
    let five: Vec<String> = (0..5).map(|_| signed(&gem(), &claims)).collect();
    // White space between members is not counted away: the exact bytes are kept.
    let large = one.replacen('{', &format!("{{{}", " ".repeat(300_000)), 1);
    let long = format!(
        "[{}{one}]",
        " ".repeat(gemledger::app::attestations::MAX_ATTESTATIONS)
    );
    let twice = format!("{one},{one}");
    refused(vec![
        (with_array(&one), 400, "attestations_not_an_array"),
        (with_array("null"), 400, "attestations_not_an_array"),
        (with_array(""), 400, "attestations_not_an_array"),
        (
            with_array(&format!("[{one}")),
            400,
            "attestations_not_an_array",
        ),
        (
            with_array(&format!("[{one}] []")),
            400,
            "attestations_not_an_array",
        ),
        (with_array("[]"), 400, "attestations_empty"),
        (with_bundle(&five.join(",")), 400, "attestations_too_many"),
        (with_bundle(&large), 400, "attestation_too_large"),
        (with_array(&long), 400, "attestations_too_long"),
        (with_bundle(&twice), 400, "attestation_repeated"),
        (with_bundle("1"), 400, "attestation_malformed"),
        (with_bundle("{}"), 400, "attestation_media_type_missing"),
        (
            with_bundle(&format!(r#"{{"mediaType":"{MEDIA_TYPE}"}}"#)),
            400,
            "attestation_malformed",
        ),
    ])
    .await;
}

#[actix_web::test]
async fn other_versions_and_a_missing_media_type_are_refused() {
    let typed = |kind: &str| with(&bundle(), "/mediaType", Some(json!(kind)));
    refused(vec![
        (
            with_bundle(&typed(
                "application/vnd.dev.sigstore.bundle+json;version=0.1",
            )),
            400,
            "attestation_media_type_unknown",
        ),
        (
            with_bundle(&typed(
                "application/vnd.dev.sigstore.bundle+json;version=0.2",
            )),
            400,
            "attestation_media_type_unknown",
        ),
        (
            with_bundle(&with(&bundle(), "/mediaType", None)),
            400,
            "attestation_media_type_missing",
        ),
    ])
    .await;
}

#[actix_web::test]
async fn a_form_that_is_not_the_two_parts_is_refused() {
    let (gem, array) = (gem(), format!("[{}]", bundle()));
    let file: Part<'_> = ("gem", A_FILE, &gem);
    let plain: Part<'_> = ("attestations", "", array.as_bytes());
    let named = |more| ("attestations", more, array.as_bytes());
    let mut cut = form(&[file, plain]);
    cut.truncate(cut.len() - 10);
    // A part whose length says less than there is, and one behind the end: other readers take what they leave out.
    refused(vec![
        (
            form(&[file, named("; filename=\"rake.sigstore.json\"")]),
            400,
            "attestations_in_a_file",
        ),
        (
            form(&[file, named("; filename*=UTF-8''rake.json")]),
            400,
            "attestations_in_a_file",
        ),
        (form(&[plain]), 400, "part_missing"),
        (form(&[]), 400, "part_missing"),
        (form(&[file, file]), 400, "part_repeated"),
        (form(&[file, plain, plain]), 400, "part_repeated"),
        (
            form(&[file, ("attestation", "", b"[]")]),
            400,
            "part_unknown",
        ),
        (form(&[("rubygem", A_FILE, b"x")]), 400, "part_unknown"),
        (
            form(&[file, named("; x=\"\r\nContent-Length: many\"")]),
            400,
            "part_header_unknown",
        ),
        (
            form(&[file, named("\r\nContent-Length: 2")]),
            400,
            "part_header_unknown",
        ),
        (
            [form(&[file]), form(&[plain])].concat(),
            400,
            "multipart_trailing",
        ),
        (b"no form at all".to_vec(), 400, "multipart_malformed"),
        (cut, 400, "multipart_malformed"),
    ])
    .await;
}

#[actix_web::test]
async fn another_artifacts_bundle_and_statements_of_others_are_refused() {
    let (gem, claims) = (gem(), certified(&job("acme/rake")));
    let digest = events::digest::Digest::of(&gem);
    let said = |text: String| with_bundle(&stated(&text, &claims));
    let good_one = provenance("rake-1.0.0.gem", &gem, &claims);
    let mut two: Value = serde_json::from_str(&good_one).unwrap();
    let subject = two["subject"][0].clone();
    two["subject"].as_array_mut().unwrap().push(subject);
    let old = good_one.replace("Statement/v1", "Statement/v0.1");
    let unknown = statement(
        "rake-1.0.0.gem",
        &digest,
        "https://evil.example/v1",
        &slsa(&claims),
    );
    let elsewhere = slsa(&claims)
        .to_string()
        .replace("acme/rake", "mallory/rake");
    let elsewhere = statement(
        "rake-1.0.0.gem",
        &digest,
        "https://slsa.dev/provenance/v1",
        &serde_json::from_str(&elsewhere).unwrap(),
    );
    refused(vec![
        (
            with_bundle(&signed(&other("rake", "1.0.0"), &claims)),
            422,
            "attestation_other_artifact",
        ),
        (
            said(provenance(
                "rake-1.0.0.gem",
                &other("rake", "1.0.0"),
                &claims,
            )),
            422,
            "attestation_other_artifact",
        ),
        (
            said(provenance("rack-1.0.0.gem", &gem, &claims)),
            422,
            "statement_other_subject",
        ),
        (said(two.to_string()), 422, "statement_subjects"),
        (said(old), 422, "statement_type_unknown"),
        (said(unknown), 422, "statement_predicate_unknown"),
        (said(elsewhere), 422, "statement_differs"),
        (
            with_bundle(&[bundle(), signed(&gem, &claims)].join(",")),
            422,
            "attestation_same_kind",
        ),
    ])
    .await;
}

/// The bundle with one bit of the base64 at this pointer flipped.
fn flipped(pointer: &str) -> String {
    let json: Value = serde_json::from_str(&bundle()).unwrap();
    let text = json.pointer(pointer).unwrap().as_str().unwrap();
    let mut bytes = STANDARD.decode(text).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    with(&bundle(), pointer, Some(json!(STANDARD.encode(bytes))))
}

#[actix_web::test]
async fn a_changed_certificate_log_entry_or_signature_is_refused() {
    let entry = "/verificationMaterial/tlogEntries/0";
    let at = |rest: &str| format!("{entry}{rest}");
    let changed = [
        flipped("/verificationMaterial/certificate/rawBytes"),
        flipped(&at("/canonicalizedBody")),
        flipped("/messageSignature/signature"),
        flipped(&at("/inclusionPromise/signedEntryTimestamp")),
        flipped(&at("/inclusionProof/rootHash")),
        with(&bundle(), &at("/integratedTime"), Some(json!("1717243300"))),
        with(&bundle(), &at("/inclusionProof"), None),
        with(
            &bundle(),
            "/verificationMaterial/tlogEntries",
            Some(json!([])),
        ),
    ];
    let app = trusting().await;
    let key = app.key_of(&job("acme/rake")).await;
    let before = app.traces().await;
    for bundle in &changed {
        let answer: Answer = app.send(&key, with_bundle(bundle)).await;
        let told = answer.json();
        assert!(matches!(answer.status, 400 | 422), "{told}");
        let code = told["code"].as_str().unwrap();
        assert!(code.starts_with("attestation_"), "{told}");
        app.left_nothing(before).await;
    }
    app.finish().await;
}

/// A bundle by this signer, logged and signed at this time.
fn signed_by(claims: &gemledger::demo::sigstore::Claims, issued: u64, used: u64) -> String {
    let signer = SIGSTORE
        .signer(claims, start().minus_seconds(issued))
        .unwrap();
    let how = How::logged(start().minus_seconds(used));
    let bundle = SIGSTORE.sign(&signer, Content::File(&gem()), how);
    String::from_utf8(bundle.unwrap()).unwrap()
}

#[actix_web::test]
async fn a_leaked_expired_key_and_an_invented_log_entry_prove_nothing() {
    let claims = certified(&job("acme/rake"));
    let hour = 3000;
    // The leaked key signs an hour later: the log says when.
    let late = signed_by(&claims, hour, 0);
    assert!(hour > CERTIFICATE_SECONDS);
    // Or its entry is invented, with a time at which the certificate was valid.
    let stranger = PrivateSigstore::new(start().minus_seconds(3600)).unwrap();
    let signer = SIGSTORE
        .signer(&claims, start().minus_seconds(hour))
        .unwrap();
    let how = How::logged(start().minus_seconds(hour - 60));
    let invented = stranger.sign(&signer, Content::File(&gem()), how).unwrap();
    let invented = String::from_utf8(invented).unwrap();
    // Or it is signed before the certificate was issued.
    let early = signed_by(&claims, 0, 60);
    let foreign = stranger
        .attest(&claims, Content::File(&gem()), start())
        .unwrap();
    let unlogged = SIGSTORE.signer(&claims, start()).unwrap();
    let unlogged = SIGSTORE.sign(&unlogged, Content::File(&gem()), How::timestamped(start()));
    let unstamped = SIGSTORE.signer(&claims, start()).unwrap();
    let unstamped = SIGSTORE.sign(
        &unstamped,
        Content::File(&gem()),
        How {
            at: start(),
            log: Some(LogVersion::V2),
            timestamp: false,
        },
    );
    let text = |bytes: Vec<u8>| with_bundle(&String::from_utf8(bytes).unwrap());
    refused(vec![
        (with_bundle(&late), 422, "attestation_certificate_invalid"),
        (with_bundle(&early), 422, "attestation_certificate_invalid"),
        (with_bundle(&invented), 422, "attestation_log_entry_invalid"),
        (text(foreign), 422, "attestation_log_entry_invalid"),
        (text(unlogged.unwrap()), 422, "attestation_evidence_missing"),
        (text(unstamped.unwrap()), 422, "attestation_time_invalid"),
    ])
    .await;
}

#[actix_web::test]
async fn a_persons_key_cannot_attest() {
    let app = trusting().await;
    let key = app.push_key("alice").await;
    let before = app.traces().await;
    app.attest(&key, &good("tool", "1.0.0"), &[bundle()])
        .await
        .refuses(
            400,
            "attestation_needs_publisher",
            "Pushing with an attestation requires trusted publishing",
        );
    app.left_nothing(before).await;
    app.finish().await;
}

#[actix_web::test]
async fn in_words_for_gem_the_code_stands_in_brackets() {
    let app = trusting().await;
    let key = app.key_of(&job("acme/rake")).await;
    let words = |form: Vec<u8>| {
        let request = app
            .request(reqwest::Method::POST, super::app::PUSH)
            .header("authorization", &key)
            .header(
                "content-type",
                "multipart/form-data; boundary=----RubyFormBoundary7xKq2",
            );
        super::answer::answer(request.body(form))
    };
    words(with_array("{}")).await.says(
        400,
        "not a JSON array of Sigstore bundles (attestations_not_an_array)",
    );
    let other_run = gemledger::demo::issuer::GithubJob {
        run_id: 1,
        ..job("acme/rake")
    };
    let denied = words(with_bundle(&signed(&gem(), &certified(&other_run)))).await;
    let denied = denied.says(422, "(attestation_run_mismatch)");
    assert!(
        denied
            .text()
            .contains("expected `https://github.com/acme/rake/actions/runs/9876543210`")
    );
    let pushed = words(with_bundle(&bundle())).await;
    pushed.says(200, "Its attestation is of the same run and commit.");
    app.finish().await;
}
