//! `gem` and `bundle` in a home of their own, and gems built by the real `gem build`.
use std::{
    env,
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::support::program::{Ran, run};

/// Whose RubyGems and Bundler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edition {
    /// The machine's: on Debian 12, 3.3 and 2.3.
    Installed,
    /// Those of a newer Debian, beside it: 3.6 and 2.6.
    Newer,
}

impl Edition {
    pub(super) const ALL: [Self; 2] = [Self::Installed, Self::Newer];
}

/// A user of Ruby.
pub(super) struct Ruby {
    home: TempDir,
    edition: Edition,
    /// `GEM_HOST_API_KEY`.
    key: Option<String>,
}

/// What the tests installed beside the machine's own.
pub(super) fn cached(path: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(".cache")
        .join(path);
    assert!(
        file.exists(),
        "{} is missing: run `make test`, which installs it",
        file.display()
    );
    file
}

impl Ruby {
    pub(super) fn new(edition: Edition) -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            edition,
            key: None,
        }
    }

    pub(super) fn with_key(self, key: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            ..self
        }
    }

    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    /// A fresh folder in the home.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.home().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Puts a program into the home; it goes before the machine's of that name.
    pub(super) fn has_program(&self, name: &str, script: &str) {
        let file = self.folder("programs").join(name);
        fs::write(&file, script).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self) -> OsString {
        let own = self.home().join("programs");
        let path = env::var_os("PATH").unwrap_or_default();
        env::join_paths([own].into_iter().chain(env::split_paths(&path))).unwrap()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = match (self.edition, program) {
            (Edition::Installed, program) => Command::new(program),
            (Edition::Newer, program) => {
                let mut ruby = Command::new("ruby");
                ruby.arg(cached("rubygems/bin").join(program));
                let gems = cached("rubygems/gems");
                ruby.env("RUBYLIB", cached("rubygems/rubygems"));
                ruby.env(
                    "GEM_PATH",
                    format!("{}:{}", self.home().join("gems").display(), gems.display()),
                );
                ruby
            }
        };
        let cleared = [
            "GEM_PATH",
            "RUBYLIB",
            "RUBYOPT",
            "BUNDLE_GEMFILE",
            "RUBYGEMS_HOST",
            "XDG_DATA_HOME",
            "XDG_CONFIG_HOME",
        ];
        let proxies = [
            "http_proxy",
            "HTTP_PROXY",
            "https_proxy",
            "HTTPS_PROXY",
            "no_proxy",
            "NO_PROXY",
        ];
        let set: Vec<_> = command
            .get_envs()
            .map(|(name, _)| name.to_owned())
            .collect();
        for name in cleared
            .into_iter()
            .chain(proxies)
            .filter(|name| !set.iter().any(|set| set == name))
        {
            command.env_remove(name);
        }
        command
            .env("HOME", self.home())
            .env("GEM_HOME", self.home().join("gems"))
            .env("PATH", self.path())
            .env("LANG", "C.UTF-8");
        match &self.key {
            Some(key) => command.env("GEM_HOST_API_KEY", key),
            None => command.env_remove("GEM_HOST_API_KEY"),
        };
        command.current_dir(self.home());
        command
    }

    #[track_caller]
    pub(super) fn gem(&self, arguments: &[&str]) -> Ran {
        run(self.command("gem").args(arguments))
    }

    /// Runs `bundle` in a folder.
    #[track_caller]
    pub(super) fn bundle(&self, folder: &Path, arguments: &[&str]) -> Ran {
        run(self.command("bundle").args(arguments).current_dir(folder))
    }

    /// Runs the `ruby` of this home.
    #[track_caller]
    pub(super) fn ruby(&self, code: &str) -> Ran {
        let mut command = self.command("gem");
        let mut ruby = Command::new("ruby");
        ruby.args(["-e", code]).current_dir(self.home());
        for (name, value) in command.env_remove("RUBYLIB").get_envs() {
            match value {
                Some(value) => ruby.env(name, value),
                None => ruby.env_remove(name),
            };
        }
        run(&ruby)
    }

    /// Builds a gem with `gem build`.
    #[track_caller]
    pub(super) fn build(&self, gem: &Gem) -> PathBuf {
        let platform = if gem.platform == "ruby" {
            String::new()
        } else {
            format!("-{}", gem.platform)
        };
        let full_name = format!("{}-{}{platform}", gem.name, gem.version);
        let folder = self.folder(&format!("src/{full_name}"));
        fs::create_dir_all(folder.join("lib")).unwrap();
        fs::write(folder.join(format!("lib/{}.rb", gem.name)), gem.code).unwrap();
        fs::write(folder.join("it.gemspec"), gem.specification()).unwrap();
        run(self
            .command("gem")
            .args(["build", "it.gemspec"])
            .current_dir(&folder))
        .ends(0, "Successfully built RubyGem");
        folder.join(format!("{full_name}.gem"))
    }

    /// Pushes a gem with `gem push`.
    #[track_caller]
    pub(super) fn push(&self, url: &str, file: &Path) -> Ran {
        self.gem(&["push", "--host", url, file.to_str().unwrap()])
    }

    /// Builds and pushes.
    #[track_caller]
    pub(super) fn release(&self, url: &str, gem: &Gem) -> PathBuf {
        let file = self.build(gem);
        self.push(url, &file).ends(0, "Successfully registered gem");
        file
    }

    /// A folder with this Gemfile.
    pub(super) fn project(&self, name: &str, gemfile: &str) -> PathBuf {
        let folder = self.folder(name);
        fs::write(folder.join("Gemfile"), gemfile).unwrap();
        folder
    }
}

/// A gem to be built.
#[derive(Clone, Copy)]
pub(super) struct Gem<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) platform: &'a str,
    /// What it needs: names and requirements.
    pub(super) needs: &'a [(&'a str, &'a str)],
    pub(super) code: &'a str,
}

impl<'a> Gem<'a> {
    pub(super) fn new(name: &'a str, version: &'a str) -> Self {
        Self {
            name,
            version,
            platform: "ruby",
            needs: &[],
            code: "# nothing\n",
        }
    }

    fn specification(&self) -> String {
        let needs = self
            .needs
            .iter()
            .map(|(name, requirement)| format!("  s.add_dependency '{name}', '{requirement}'\n"));
        format!(
            "Gem::Specification.new do |s|
  s.name = '{name}'
  s.version = '{version}'
  s.platform = '{platform}'
  s.summary = 'A gem of the tests'
  s.authors = ['The gemledger authors']
  s.homepage = 'https://example.com/{name}'
  s.license = 'MIT'
  s.files = ['lib/{name}.rb']
  s.required_ruby_version = '>= 2.7'
{needs}end
",
            name = self.name,
            version = self.version,
            platform = self.platform,
            needs = needs.collect::<String>(),
        )
    }
}

/// The SHA-256 of a file, in hex.
pub(super) fn sha256(file: &Path) -> String {
    events::digest::Digest::of(&fs::read(file).unwrap()).hex()
}
