//! The story's repository: one commit, made by hand, and the gem that was built from it held against it.
use std::path::Path;

use anyhow::ensure;
use gix::{
    ObjectId,
    objs::{Commit, Tree, tree},
};

use super::{CODE, GEM, REPOSITORY, SUMMARY, Stage, Teller, VERSION};
use crate::compare::{Asked, Repository, StatedBy, Verdict, compare};

/// The folder of the repository, within that of the story.
const FOLDER: &str = "repository";

/// Makes the repository, with one commit; its id.
pub(super) fn make(folder: &Path) -> anyhow::Result<String> {
    let (kind, options) = (gix::create::Kind::Bare, gix::create::Options::default());
    let isolated = gix::open::Options::isolated();
    let place = folder.join(FOLDER);
    let git = gix::ThreadSafeRepository::init_opts(place, kind, options, isolated)?;
    let git = git.to_thread_local();
    let entry = |kind: tree::EntryKind, name: &str, oid: ObjectId| tree::Entry {
        mode: kind.into(),
        filename: name.into(),
        oid,
    };
    let file = |name: &str, bytes: &[u8]| {
        let id = git.write_blob(bytes)?.detach();
        anyhow::Ok(entry(tree::EntryKind::Blob, name, id))
    };
    let folder = |entries| anyhow::Ok(git.write_object(Tree { entries })?.detach());
    let library = folder(vec![file(&format!("{GEM}.rb"), CODE)?])?;
    let tree = folder(vec![
        file(&format!("{GEM}.gemspec"), gemspec().as_bytes())?,
        entry(tree::EntryKind::Tree, "lib", library),
    ])?;
    let author = gix::actor::Signature {
        name: "The gemledger authors".into(),
        email: "".into(),
        time: gix::date::Time::new(1_795_000_000, 0),
    };
    let commit = Commit {
        tree,
        parents: Vec::new().into(),
        committer: author.clone(),
        author,
        encoding: None,
        message: "Say hello\n".into(),
        extra_headers: Vec::new(),
    };
    Ok(git.write_object(commit)?.to_string())
}

fn gemspec() -> String {
    format!(
        "Gem::Specification.new do |spec|
  spec.name = \"{GEM}\"
  spec.version = \"{VERSION}\"
  spec.summary = \"{SUMMARY}\"
  spec.authors = [\"The gemledger authors\"]
  spec.homepage = \"https://example.com/{GEM}\"
  spec.license = \"MIT\"
  spec.files = [\"lib/{GEM}.rb\"]
end
"
    )
}

impl Stage {
    /// What `gemledger compare` does.
    pub(super) fn compare(
        &self,
        gem: &[u8],
        commit: &str,
        teller: &mut dyn Teller,
    ) -> anyhow::Result<()> {
        let place = self.app.folder.data.join(FOLDER);
        let asked = Asked {
            built_for_platform: false,
            files_only: false,
            commit: commit.to_owned(),
            stated_by: StatedBy::Ledger,
            recorded: Some(REPOSITORY.to_owned()),
            path: None,
            generated: Vec::new(),
        };
        let compared = compare(gem, &Repository::open(&place)?, &asked)?;
        ensure!(
            compared.verdict == Verdict::Same,
            "the gem is not what is in its repository: {compared:?}"
        );
        let text = format!(
            "compared the gem with the commit that its record names: files that are the same: {} of {}, and nothing is \
             unexplained. Again: gemledger compare {GEM} {VERSION} --repo {}",
            compared.counts.same,
            compared.counts.files,
            place.display()
        );
        teller.step(None, &text);
        Ok(())
    }
}
