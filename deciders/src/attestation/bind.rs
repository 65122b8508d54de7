//! The binding: each claim of the certificate beside what the identity token stated that bought the key.
//!
//! A token and a certificate of one run are made from the same claims by the same provider. So every field must be there
//! on both sides and be the same; a field that is missing is a denial, never skipped. Three things may differ: the case
//! of a repository's path, which the forge ignores; the attempt, which may be an earlier one of the same run; and the
//! environment, which the publisher may name, because jobs of one run may have different ones.
use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use events::{
    attestation::{Compared, Field},
    claims::{ProviderKind, Workflow},
    policy::Publisher,
    text::Text,
};

use super::{Claims, run};
use crate::{Code, Denial, forge, matching::Job};

/// What is said where a certificate says nothing.
const NOT_CERTIFIED: &str = "(absent from the certificate)";
/// What is said where a token says nothing.
const NOT_STATED: &str = "(absent from the identity token)";

/// Holds a certificate's claims against the job that bought the pushing key, and against the publisher that it is: every
/// pair, in the order of the fields' names, or the first that differs, the most telling one first.
///
/// Who is told: the job has proved to be this publisher, and all that is expected of the certificate it has stated itself.
pub fn bind(
    claims: &Claims,
    job: &Job<'_>,
    publisher: &Publisher,
    same_attempt: bool,
) -> Result<Vec<Compared>, Denial> {
    let unsupported = || Denial::new(Code::AttestationProvider).found(job.slug.as_str());
    let binding = Binding {
        home: forge::home(job.provider).ok_or_else(unsupported)?,
        kind: job.provider.kind,
        claims,
    };
    let mut compared = Vec::new();
    for (field, expected) in binding.expectations(job) {
        let certificate = claims.of(field);
        compared.push(binding.compare(field, certificate, expected.as_ref())?);
    }
    binding.signed_by_identity()?;
    match job.provider.kind {
        ProviderKind::Github => compared.extend(binding.run(job.workflow, same_attempt)?),
        ProviderKind::Gitlab => compared.push(binding.job(job.workflow)?),
        ProviderKind::Generic => return Err(unsupported()),
    }
    if let Some(expected) = &publisher.environment {
        compared.push(binding.environment(expected)?);
    }
    compared.sort_by_key(|pair| pair.field);
    Ok(compared)
}

/// The code of a denial because this field differs.
pub fn code_of(field: Field) -> Code {
    match field {
        Field::Attempt => Code::AttestationAttempt,
        Field::BuildConfig => Code::AttestationBuildConfig,
        Field::BuildConfigCommit => Code::AttestationBuildConfigCommit,
        Field::Commit => Code::AttestationCommit,
        Field::Environment => Code::AttestationEnvironment,
        Field::Issuer => Code::AttestationIssuer,
        Field::Job => Code::AttestationJob,
        Field::OwnerId => Code::AttestationOwnerId,
        Field::Ref => Code::AttestationRef,
        Field::Repository => Code::AttestationRepository,
        Field::RepositoryId => Code::AttestationRepositoryId,
        Field::Run => Code::AttestationRun,
        Field::Runner => Code::AttestationRunner,
        Field::Signer => Code::AttestationSigner,
        Field::SignerCommit => Code::AttestationSignerCommit,
        Field::Trigger => Code::AttestationTrigger,
        Field::Visibility => Code::AttestationVisibility,
    }
}

fn mismatch(field: Field, expected: &str, found: &str) -> Denial {
    Denial {
        tell: true,
        ..Denial::new(code_of(field)).expected(expected).found(found)
    }
}

/// One side says nothing of a field that both must have.
fn missing(field: Field, side: &str) -> Denial {
    Denial {
        tell: true,
        ..Denial::new(Code::AttestationClaimMissing)
            .expected(name_of(field))
            .found(side)
    }
}

/// The field's name as codes and answers have it.
pub fn name_of(field: Field) -> &'static str {
    let code = code_of(field).as_str();
    let name = code.strip_prefix("attestation_");
    name.and_then(|name| name.strip_suffix("_mismatch"))
        .unwrap_or(code)
}

struct Binding<'a> {
    /// Where the forge's repositories are.
    home: String,
    kind: ProviderKind,
    claims: &'a Claims,
}

impl Binding<'_> {
    /// What the job stated of each field that is compared as it is, the most telling first.
    fn expectations(&self, job: &Job<'_>) -> [(Field, Option<Text>); 13] {
        let workflow = job.workflow;
        let repository = Text::claim(&format!("{}/{}", self.home, workflow.repository));
        let config = workflow.workflow_ref.as_ref().map(|text| self.file(text));
        // GitLab has one file, which is both; it states it once.
        let (signer, signer_commit) = match self.kind {
            ProviderKind::Github => (
                workflow
                    .job_workflow_ref
                    .as_ref()
                    .map(|text| self.file(text)),
                workflow.job_workflow_commit.clone(),
            ),
            ProviderKind::Gitlab | ProviderKind::Generic => {
                (config.clone(), workflow.workflow_commit.clone())
            }
        };
        [
            (Field::Issuer, Some(job.provider.issuer.clone())),
            (Field::Repository, Some(repository)),
            (Field::RepositoryId, Some(workflow.repository_id.clone())),
            (Field::OwnerId, workflow.owner_id.clone()),
            (Field::Ref, workflow.git_ref.clone()),
            (Field::Commit, workflow.commit.clone()),
            (Field::Trigger, workflow.trigger.clone()),
            (Field::Runner, workflow.runner.clone()),
            (Field::BuildConfig, config),
            (Field::Signer, signer),
            (Field::BuildConfigCommit, workflow.workflow_commit.clone()),
            (Field::SignerCommit, signer_commit),
            (Field::Visibility, workflow.visibility.clone()),
        ]
    }

    /// The address of a workflow file. GitLab states it with its host, GitHub without.
    fn file(&self, stated: &Text) -> Text {
        let address = match self.kind {
            ProviderKind::Github => format!("{}/{stated}", self.home),
            ProviderKind::Gitlab | ProviderKind::Generic => format!("https://{stated}"),
        };
        Text::claim(&address)
    }

    fn compare(
        &self,
        field: Field,
        certificate: Option<&Text>,
        expected: Option<&Text>,
    ) -> Result<Compared, Denial> {
        let expected = expected.ok_or_else(|| missing(field, NOT_STATED))?;
        let certificate = certificate.ok_or_else(|| missing(field, NOT_CERTIFIED))?;
        if !self.same(field, certificate.as_str(), expected.as_str()) {
            return Err(mismatch(field, expected.as_str(), certificate.as_str()));
        }
        Ok(Compared {
            certificate: certificate.clone(),
            expected: expected.clone(),
            field,
        })
    }

    fn same(&self, field: Field, certificate: &str, expected: &str) -> bool {
        let address = matches!(
            field,
            Field::Repository | Field::BuildConfig | Field::Signer | Field::Run | Field::Job
        );
        if !address || certificate == expected {
            return certificate == expected;
        }
        match (self.path(certificate), self.path(expected)) {
            (Some((path, rest)), Some((other, tail))) => {
                path.eq_ignore_ascii_case(other) && rest == tail
            }
            _ => false,
        }
    }

    /// The repository's path in an address of this forge, and what follows it.
    fn path<'b>(&self, address: &'b str) -> Option<(&'b str, &'b str)> {
        let rest = address.strip_prefix(&self.home)?.strip_prefix('/')?;
        let end = match self.kind {
            ProviderKind::Github => rest.match_indices('/').nth(1).map(|(at, _)| at),
            ProviderKind::Gitlab | ProviderKind::Generic => {
                let end = |mark: &str| rest.find(mark);
                [end("//"), end("/-/")].into_iter().flatten().min()
            }
        };
        rest.split_at_checked(end.unwrap_or(rest.len()))
    }

    /// The name that the certificate was issued to is the workflow that signed, and nobody else.
    fn signed_by_identity(&self) -> Result<(), Denial> {
        let signer = self.claims.of(Field::Signer).map_or("", Text::as_str);
        match &self.claims.identity {
            None => Err(missing(Field::Signer, NOT_CERTIFIED)),
            Some(identity) if identity.as_str() == signer => Ok(()),
            Some(identity) => Err(mismatch(Field::Signer, signer, identity.as_str())),
        }
    }

    /// The same run, in this attempt or an earlier one: whoever runs failed jobs again keeps what the others built.
    fn run(&self, workflow: &Workflow, same_attempt: bool) -> Result<[Compared; 2], Denial> {
        let stated =
            |claim: &Option<Text>, field| claim.clone().ok_or_else(|| missing(field, NOT_STATED));
        let (id, expected) = (
            stated(&workflow.run_id, Field::Run)?,
            stated(&workflow.run_attempt, Field::Attempt)?,
        );
        let address = format!("{}/{}/actions/runs/{id}", self.home, workflow.repository);
        let whole = self.claims.of(Field::Run);
        let whole = whole.ok_or_else(|| missing(Field::Run, NOT_CERTIFIED))?;
        let (run, attempt) = run::split(whole.as_str())
            .ok_or_else(|| mismatch(Field::Run, &address, whole.as_str()))?;
        let run = self.compare(
            Field::Run,
            Some(&Text::claim(run)),
            Some(&Text::claim(&address)),
        )?;
        let stated = run::number(expected.as_str());
        let fits =
            stated.is_some_and(|stated| attempt == stated || (attempt < stated && !same_attempt));
        let attempt = Text::claim(&attempt.to_string());
        if !fits {
            return Err(mismatch(
                Field::Attempt,
                expected.as_str(),
                attempt.as_str(),
            ));
        }
        let attempt = Compared {
            certificate: attempt,
            expected,
            field: Field::Attempt,
        };
        Ok([attempt, run])
    }

    /// The very job: a GitLab certificate does not name its pipeline, so that another job of the same commit cannot be
    /// told from one of another pipeline.
    fn job(&self, workflow: &Workflow) -> Result<Compared, Denial> {
        let id = workflow.run_attempt.as_ref();
        let address = id.map(|id| {
            Text::claim(&format!(
                "{}/{}/-/jobs/{id}",
                self.home, workflow.repository
            ))
        });
        self.compare(Field::Job, self.claims.of(Field::Run), address.as_ref())
    }

    /// The environment that the publisher names. A certificate that says nothing of it cannot show that it ran there.
    fn environment(&self, expected: &Text) -> Result<Compared, Denial> {
        let found = self.claims.of(Field::Environment);
        let found =
            found.ok_or_else(|| mismatch(Field::Environment, expected.as_str(), NOT_CERTIFIED))?;
        let same = match self.kind {
            ProviderKind::Github => found.as_str().eq_ignore_ascii_case(expected.as_str()),
            ProviderKind::Gitlab | ProviderKind::Generic => found == expected,
        };
        if !same {
            return Err(mismatch(
                Field::Environment,
                expected.as_str(),
                found.as_str(),
            ));
        }
        Ok(Compared {
            certificate: found.clone(),
            expected: expected.clone(),
            field: Field::Environment,
        })
    }
}
