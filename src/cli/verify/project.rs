//! What a project installs: the lockfile read, the registry asked, the table printed.
use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use events::digest::Digest;
use tlog::CosignerKey;

use super::{Answer, Common, out};
use crate::{
    cli::time,
    config::{self, BaseUrl},
    lockfile::{Lockfile, MAX_LOCKFILE},
    project::{
        self, GemReport, Level, Report, Trust, VerifyError,
        listing::Listing,
        select::{self, Selected},
        tree::Since,
    },
    remote::{Credential, HttpClient, Settings, Source},
    world::Clock,
};

/// With witnesses, what was cosigned longer ago than this is old, in seconds.
const WITNESSED_AGE: u64 = 86_400;

/// What is asked of a project's gems.
#[derive(Args)]
pub(super) struct Asked {
    /// The registry, where the lockfile names several
    #[arg(long, value_name = "URL")]
    registry: Option<String>,
    /// How sure the origin of every gem must be
    #[arg(long, value_name = "LEVEL", default_value = "logged")]
    require: Required,
    /// A witness whose cosignature counts; repeat it for each
    #[arg(long, value_name = "VKEY")]
    witness: Vec<String>,
    /// How many of the witnesses must have cosigned [default: all that are given]
    #[arg(long, value_name = "N", requires = "witness")]
    quorum: Option<usize>,
    /// How old the newest that the registry shows may be, such as 12h [default: 1d with witnesses, else any]
    #[arg(long, value_name = "DURATION", value_parser = time::seconds)]
    max_age: Option<u64>,
    /// Where the last tree seen is remembered [default: a file for each registry in the user's state folder]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Also write the findings as SARIF 2.1.0, for code scanning
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// The variable with the API key of a private registry [default: `GEMLEDGER_API_KEY`, then what Bundler uses]
    #[arg(long, value_name = "NAME")]
    credentials_env: Option<String>,
}

/// How sure a gem's origin must be.
#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Required {
    /// In the log
    Logged,
    /// Released by a trusted publisher's workflow
    Trusted,
    /// With an attestation that the registry held against the run; a timestamp authority may be all that vouches for it
    AttestedUnlogged,
    /// The same, and a transparency log has it
    Attested,
}

pub(super) async fn run(
    common: &Common,
    file: &Path,
    key: Option<String>,
    asked: Asked,
) -> anyhow::Result<Answer> {
    let lockfile = read(file)?;
    let has_checksums = lockfile.has_checksums;
    let registry = asked.registry.as_deref().map(BaseUrl::parse).transpose()?;
    let selected = select::select(lockfile, registry)?;
    let registry = &selected.registry;
    let credential = credential(&asked, &selected)?;
    let settings = Settings::default();
    let client = HttpClient::new(registry.as_str(), credential.clone(), settings)?;
    let log = Source::parse(registry.as_str(), credential, settings)?;
    let witnesses = witnesses(&asked.witness)?;
    let quorum = asked.quorum.unwrap_or(witnesses.len());
    anyhow::ensure!(
        quorum <= witnesses.len() && (quorum > 0 || witnesses.is_empty()),
        "--quorum is between 1 and the number of witnesses, {}",
        witnesses.len()
    );
    let state = asked.state.or_else(|| state_of(registry));
    if state.is_none() {
        out::note(
            "there is no home folder, so this tree will not be remembered: name a file with --state",
        );
    }
    let wanted = project::Asked {
        key: key.as_deref().map(super::key).transpose()?,
        require: match asked.require {
            Required::Logged => Level::Logged,
            Required::Trusted => Level::Trusted,
            Required::AttestedUnlogged => Level::AttestedUnlogged,
            Required::Attested => Level::Attested,
        },
        quorum,
        max_age_seconds: asked.max_age.or((quorum > 0).then_some(WITNESSED_AGE)),
        witnesses,
        state,
        now: Clock::system().now(),
    };
    let bar = out::progress(u64::try_from(selected.gems.len()).unwrap_or(0), "verifying");
    let report = project::verify(&client, log, &selected.gems, &wanted, || bar.inc(1)).await;
    bar.finish_and_clear();
    let report = report.map_err(|error| match error {
        VerifyError::Remote(error) => anyhow::Error::from(error),
        VerifyError::Seen(error) => error.into(),
    })?;
    if let Some(path) = &asked.sarif {
        let sarif =
            serde_json::to_vec_pretty(&report.to_sarif(&file.to_string_lossy()).to_sarif())?;
        fs::write(path, sarif).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if common.json {
        out::json(&report.to_json());
    } else {
        table(&report);
    }
    remarks(&report, has_checksums);
    Ok(match report.verdict() {
        Some(true) => Answer::True,
        Some(false) => Answer::False,
        None => Answer::CouldNotTell,
    })
}

fn read(file: &Path) -> anyhow::Result<Lockfile> {
    let cannot = || format!("cannot read {}", file.display());
    let most = u64::try_from(MAX_LOCKFILE).unwrap_or(u64::MAX);
    let mut text = String::new();
    let opened = fs::File::open(file).with_context(cannot)?;
    opened
        .take(most + 1)
        .read_to_string(&mut text)
        .with_context(cannot)?;
    anyhow::ensure!(
        text.len() <= MAX_LOCKFILE,
        "{} is too long for a lockfile",
        file.display()
    );
    Lockfile::parse(&text).with_context(|| file.display().to_string())
}

fn witnesses(typed: &[String]) -> anyhow::Result<Vec<CosignerKey>> {
    let mut keys: Vec<CosignerKey> = Vec::new();
    for typed in typed {
        let text = fs::read_to_string(typed).unwrap_or_else(|_| typed.clone());
        let key = CosignerKey::parse(text.trim()).context("the key of a witness")?;
        anyhow::ensure!(
            !keys.contains(&key),
            "a witness is given twice: {}",
            key.name()
        );
        keys.push(key);
    }
    Ok(keys)
}

/// The first of: the named variable, `GEMLEDGER_API_KEY`, Bundler's variable for the host, the lockfile's own address.
fn credential(asked: &Asked, selected: &Selected) -> anyhow::Result<Option<Credential>> {
    let header = match &asked.credentials_env {
        Some(name) => Some(config::variable(name).with_context(|| format!("{name} is not set"))?),
        None => config::variable("GEMLEDGER_API_KEY").or_else(|| {
            let bundler = config::variable(&select::bundler_variable(&selected.registry));
            bundler
                .or_else(|| selected.user.clone())
                .map(|user| select::basic(&user))
        }),
    };
    header
        .map(|header| {
            Credential::new(&header).context("the API key has characters that no header can carry")
        })
        .transpose()
}

/// One file for each registry, with a name that people recognise and that two addresses never share.
pub(in crate::cli) fn state_of(registry: &BaseUrl) -> Option<PathBuf> {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' || c == '-' {
            c
        } else {
            '_'
        }
    };
    let name: String = format!("{}{}", registry.authority(), registry.path())
        .chars()
        .map(plain)
        .take(100)
        .collect();
    let digest: String = Digest::of(registry.as_str().as_bytes())
        .hex()
        .chars()
        .take(8)
        .collect();
    Some(
        config::user_state()?
            .join("verify")
            .join(format!("{name}-{digest}.json")),
    )
}

fn table(report: &Report) {
    let mut rows = vec![
        [
            "GEM",
            "VERSION",
            "SURE",
            "PUBLISHED BY",
            "REPOSITORY",
            "COMMIT",
        ]
        .map(str::to_owned),
    ];
    rows.extend(report.gems.iter().map(row));
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    for row in &rows {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        out::line(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    for flaw in &report.flaws {
        out::line(&format!(
            "FAILED {}: {} ({})",
            report.registry, flaw.message, flaw.rule.id
        ));
    }
    for gem in &report.gems {
        let name = format!("{} {}", gem.locked.name, gem.locked.version);
        for flaw in &gem.flaws {
            out::line(&format!(
                "FAILED {name}: {} ({})",
                flaw.message, flaw.rule.id
            ));
        }
        if let Some(unknown) = &gem.unknown {
            out::line(&format!("could not tell {name}: {unknown}"));
        }
    }
}

fn row(gem: &GemReport) -> [String; 6] {
    let dash = || "-".to_owned();
    let Some(origin) = &gem.logged else {
        return [
            gem.locked.name.clone(),
            gem.locked.version.clone(),
            dash(),
            dash(),
            dash(),
            dash(),
        ];
    };
    let commit = origin
        .commit
        .as_ref()
        .map(|commit| commit.chars().take(12).collect());
    let sure = if gem.passed() {
        origin.level.as_str()
    } else {
        "FAILED"
    };
    [
        gem.locked.name.clone(),
        gem.locked.version.clone(),
        sure.to_owned(),
        origin.published_by.clone(),
        origin.repository.clone().unwrap_or_else(dash),
        commit.unwrap_or_else(dash),
    ]
}

fn remarks(report: &Report, has_checksums: bool) {
    let passed = report.gems.iter().filter(|gem| gem.passed()).count();
    let tree = &report.tree;
    let since = match tree.since {
        Since::NotSeenBefore => "not seen before".to_owned(),
        Since::Same => "the same as last time".to_owned(),
        Since::Grown(from) => format!("grown from {from}"),
    };
    let last = tree
        .last_event
        .map(|time| format!(", last event {time}"))
        .unwrap_or_default();
    out::note(&format!(
        "{passed} of {} gems verified against {}, a tree of {} events ({since}{last})",
        report.gems.len(),
        report.origin,
        tree.size
    ));
    let unlocked = report
        .gems
        .iter()
        .filter(|gem| gem.locked.checksum.is_none())
        .count();
    let listed = |gem: &&GemReport| matches!(gem.listing, Some(Listing::None));
    if report.gems.iter().any(|gem| listed(&gem)) {
        out::note(
            "the registry shows no list of all versions, so whether it hides some was not checked",
        );
    }
    if unlocked > 0 {
        out::note(&format!(
            "checksum not locked: {unlocked} gems; whether the installed files are those in the log was not compared"
        ));
        let hint = if has_checksums {
            "bundle lock"
        } else {
            "bundle lock --add-checksums, with Bundler 2.6 or newer"
        };
        out::note(&format!("hint: {hint}"));
    }
    for path in &tree.evidence {
        out::note(&format!(
            "what contradicts itself was kept in {}: show it to others",
            path.display()
        ));
    }
    if report.trust == Trust::FirstUse {
        out::note(&format!(
            "no key was given, so the one that the registry shows was believed: {}",
            report.vkey
        ));
        out::note(
            "hint: compare it with the one that the operator publishes elsewhere, and pin it: --key VKEY",
        );
    }
}
