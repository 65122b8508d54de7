//! The whole way of an attestation with other people's programs: sigstore-python signs, `gem push --attestation` sends,
//! and what is served verifies again in sigstore-python.
use std::{fs, path::Path, sync::Arc};

use gemledger::{
    demo::{
        issuer::{GithubJob, StandInIssuer},
        sigstore::{
            Claims, Content, LogVersion, PrivateSigstore,
            serve::{AUDIENCE, start},
            slsa,
        },
    },
    sigstore::{SLSA_PROVENANCE_V1, bundles},
    world::Clock,
};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{
    issuer::exchange,
    ruby::{Edition, Gem, Ruby},
};
use crate::{
    sigstore::python::sigstore_python,
    support::{
        http,
        mirror::mirror,
        program::{Ledger, Server},
    },
};

/// A job that may release the gem, and a private Sigstore that the registry trusts for it.
struct Lab {
    issuer: Arc<StandInIssuer>,
    job: GithubJob,
    ledger: Ledger,
    /// It serves as long as it lives.
    _runtime: Runtime,
    server: Option<Server>,
    sigstore: Arc<PrivateSigstore>,
    url: String,
}

impl Lab {
    fn start(gem: &str) -> Self {
        Self::on(Ledger::new(), gem)
    }

    fn on(ledger: Ledger, gem: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let clock = Clock::system();
        let sigstore = PrivateSigstore::new(clock.now().minus_seconds(60)).unwrap();
        let sigstore = Arc::new(sigstore);
        let (issuer, url) = runtime.block_on(async {
            let (issuer, issuing) = StandInIssuer::start().unwrap();
            tokio::spawn(issuing);
            let forge = issuer.url().to_owned();
            let (url, serving) =
                start(Arc::clone(&sigstore), Arc::clone(&issuer), &forge, clock).unwrap();
            tokio::spawn(serving);
            (issuer, url)
        });
        let repository = format!("octo-org/{gem}");
        let mut job = GithubJob::release(&repository, "release.yml", "v1.0.0");
        job.environment = Some("release".into());
        let server = ledger.serve();
        let root = ledger.beside("trusted_root.json");
        fs::write(&root, sigstore.trusted_root().to_string()).unwrap();
        let provider = ["provider", "add", "ci", "--kind", "github", "--issuer"];
        ledger.run(&[&provider[..], &[issuer.url()]].concat()).ok();
        let publisher = ["publisher", "add", gem, "--provider", "ci", "--workflow"];
        let of = ["release.yml", "--environment", "release", "--repository"];
        let ids = ["--repository-id", "1420893", "--owner-id", "210414"];
        ledger
            .run(&[&publisher[..], &of, &[&repository], &ids].concat())
            .ok();
        let root = root.to_str().unwrap();
        ledger
            .run(&[
                "trust-root",
                "add",
                "private",
                root,
                "--issuer",
                issuer.url(),
            ])
            .ok();
        Self {
            issuer,
            job,
            ledger,
            _runtime: runtime,
            server: Some(server),
            sigstore,
            url,
        }
    }

    /// What the job's token for this audience says.
    fn claims(&self, audience: &str) -> Value {
        let (now, id) = (Clock::system().now(), gemledger::world::random::<16>());
        let id = events::digest::hex(&id);
        self.issuer.github_claims(&self.job, audience, now, &id)
    }

    fn key(&self) -> String {
        let token = self.issuer.sign(&self.claims(self.ledger.address()));
        let answer = exchange(&self.ledger.url(), &token.unwrap());
        assert_eq!(answer.status, 201, "{}", answer.text());
        let key = &answer.json()["rubygems_api_key"];
        key.as_str().unwrap().to_owned()
    }

    /// Runs sigstore-python in this folder.
    #[track_caller]
    fn python(&self, folder: &Path, arguments: &[&str]) {
        let config = self.sigstore.trust_config(&self.url, LogVersion::V1, false);
        sigstore_python(folder, &config, arguments).ok();
    }

    /// Signs a file as a job does, and says where the bundle is.
    #[track_caller]
    fn signed(&self, folder: &Path, how: &[&str], file: &str) -> String {
        let bundle = folder.join(format!("{}.sigstore.json", how[0]));
        let bundle = bundle.to_str().unwrap().to_owned();
        let token = self.issuer.sign(&self.claims(AUDIENCE)).unwrap();
        let mut asked = how.to_vec();
        asked.extend(["--identity-token", &token, "--bundle", &bundle, file]);
        self.python(folder, &asked);
        bundle
    }
}

#[test]
fn what_sigstore_python_signed_is_pushed_by_gem_and_served_so_that_it_verifies_again() {
    let lab = Lab::start("hola");
    let url = lab.ledger.url();
    let ruby = Ruby::new(Edition::Newer).with_key(&lab.key());
    let gem = ruby.build(&Gem::new("hola", "1.0.0"));
    let gem = gem.to_str().unwrap();
    let folder = ruby.folder("signing");
    let claims = Claims::github(&lab.claims(AUDIENCE), lab.issuer.url());
    let predicate = folder.join("slsa.json");
    fs::write(&predicate, slsa(&claims).to_string()).unwrap();
    let predicate = ["--predicate", predicate.to_str().unwrap()];
    let attest = [
        &["attest", "--predicate-type", SLSA_PROVENANCE_V1][..],
        &predicate,
    ];
    let signature = lab.signed(&folder, &["sign"], gem);
    let statement = lab.signed(&folder, &attest.concat(), gem);
    let push = ["push", "--host", &url, "--attestation", &signature];
    ruby.gem(&[&push[..], &["--attestation", &statement, gem]].concat())
        .ends(0, "Its 2 attestations are of the same run and commit.");

    let served = http::found(&format!("{url}/api/v1/attestations/hola-1.0.0.json"));
    let uploads = bundles(&served).unwrap();
    let pushed = [&signature, &statement].map(|file| fs::read_to_string(file).unwrap());
    for (upload, pushed) in uploads.iter().zip(&pushed) {
        assert_eq!(upload.bytes(), pushed.trim().as_bytes(), "as it came");
        let file = folder.join("served.sigstore.json");
        fs::write(&file, upload.bytes()).unwrap();
        let (file, issuer) = (file.to_str().unwrap(), lab.issuer.url());
        let asked = ["verify", "identity", "--offline", "--bundle", file];
        let identity = ["--cert-identity", claims.identity()];
        let issuer = ["--cert-oidc-issuer", issuer, gem];
        lab.python(&folder, &[&asked[..], &identity, &issuer].concat());
    }
    assert_eq!(uploads.len(), 2);
    lab.ledger.is_sound();
}

/// The same job, the same gem, good signatures: but the certificate is of something else.
#[test]
fn gem_is_told_what_in_a_certificate_is_not_of_the_run_that_pushes() {
    let lab = Lab::start("hola");
    let url = lab.ledger.url();
    let ruby = Ruby::new(Edition::Newer).with_key(&lab.key());
    let gem = ruby.build(&Gem::new("hola", "1.0.0"));
    let bytes = fs::read(&gem).unwrap();
    let claims = Claims::github(&lab.claims(AUDIENCE), lab.issuer.url());
    let at = Clock::system().now().minus_seconds(5);
    let bundle = ruby.home().join("bundle.json");
    let (bundle, gem) = (bundle.to_str().unwrap(), gem.to_str().unwrap());
    let other = format!(
        "{}/octo-org/hola/actions/runs/1/attempts/1",
        lab.issuer.url()
    );
    for (number, value, code) in [
        (13, "0".repeat(40), "attestation_commit_mismatch"),
        (17, "1".into(), "attestation_owner_id_mismatch"),
        (21, other, "attestation_run_mismatch"),
        (23, "staging".into(), "attestation_environment_mismatch"),
    ] {
        let claims = claims.clone().with(number, Some(&value));
        let signed = lab.sigstore.attest(&claims, Content::File(&bytes), at);
        fs::write(bundle, signed.unwrap()).unwrap();
        let push = ["push", "--host", &url, "--attestation", bundle, gem];
        let ran = ruby.gem(&push);
        let said = format!("{}{}", ran.out, ran.err);
        assert_ne!(ran.code, 0, ".{number} {said}");
        assert!(said.contains(code), ".{number} {said}");
    }
    let path = format!("{url}/api/v1/attestations/hola-1.0.0.json");
    assert_eq!(http::get(&path).status, 404, "nothing was released");
    lab.ledger.is_sound();
}

/// The bundles of a release that no backup has come back from whoever copied them, and nobody else's do.
#[test]
fn after_a_lost_disk_bundles_come_back_from_a_mirror() {
    let mut ledger = Ledger::new();
    let (keys, anchor) = (ledger.beside("keys"), ledger.beside("anchor"));
    let places = ["--keys", keys.to_str().unwrap(), "--anchor"].map(str::to_owned);
    ledger.common = places.to_vec();
    ledger.common.push(anchor.to_str().unwrap().to_owned());
    let mut lab = Lab::on(ledger, "hola");
    let (backup, copy) = (lab.ledger.beside("backup"), lab.ledger.beside("mirror"));
    let backup = backup.to_str().unwrap();
    lab.ledger.run(&["backup", backup]).ok();

    let ruby = Ruby::new(Edition::Newer).with_key(&lab.key());
    let gem = ruby.build(&Gem::new("hola", "1.0.0"));
    let claims = Claims::github(&lab.claims(AUDIENCE), lab.issuer.url());
    let at = Clock::system().now().minus_seconds(5);
    let signed = lab
        .sigstore
        .attest(&claims, Content::File(&fs::read(&gem).unwrap()), at);
    let bundle = ruby.home().join("bundle.json");
    fs::write(&bundle, signed.unwrap()).unwrap();
    let (bundle, gem) = (bundle.to_str().unwrap(), gem.to_str().unwrap());
    let url = lab.ledger.url();
    ruby.gem(&["push", "--host", &url, "--attestation", bundle, gem])
        .ok();
    let served = "api/v1/attestations/hola-1.0.0.json";
    let before = http::found(&format!("{url}/{served}"));
    let files = ["gems/hola-1.0.0.gem", served].map(str::to_owned);
    mirror(&url, &copy, &files);

    lab.server.take().unwrap().kill();
    fs::remove_dir_all(lab.ledger.data()).unwrap();
    lab.ledger.run(&["restore", backup]).ok();
    let import = || {
        let (from, until) = (copy.to_str().unwrap(), copy.join("checkpoint"));
        let until = until.to_str().unwrap();
        lab.ledger
            .run(&["log", "import", "--from", from, "--until", until])
    };
    // Another bundle in its place is nobody's.
    fs::write(copy.join(served), b"[]").unwrap();
    import().ends(1, "hola-1.0.0.gem, an attestation");
    fs::write(copy.join(served), &before).unwrap();
    import().ok();
    lab.ledger.run(&["audit", "--attestations"]).ok();
    lab.server = Some(lab.ledger.serve());
    let after = http::found(&format!("{}/{served}", lab.ledger.url()));
    assert_eq!(after, before);
}
