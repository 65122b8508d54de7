//! Gemspecs as people write them, and what is known of them.
use super::{
    Gemspec,
    budget::Budget,
    statements::{Sources, run},
    told,
};

mod hostile;
mod shapes;

const FILES: [&str; 12] = [
    ".gitignore",
    ".github/workflows/ci.yml",
    "CHANGELOG.md",
    "Gemfile",
    "README.md",
    "VERSION",
    "bin/console",
    "exe/foo",
    "foo.gemspec",
    "lib/foo.rb",
    "lib/foo/version.rb",
    "spec/foo_spec.rb",
];

fn read(text: &str) -> Gemspec {
    let source = |path: &str| match path {
        "lib/foo/version.rb" => Some("module Foo\n  VERSION = '1.2.3' # now\nend\n".to_owned()),
        "VERSION" => Some("1.2.4\n".to_owned()),
        "lib/foo.rb" => Some("x\n".to_owned()),
        _ => None,
    };
    of(text, &FILES, &source)
}

/// Reads a gemspec that stands among these files.
fn of(text: &str, files: &[&str], read: &dyn Fn(&str) -> Option<String>) -> Gemspec {
    let sources = Sources {
        gemspec: "foo.gemspec",
        files: files.iter().map(|path| (*path).into()).collect(),
        read,
        budget: Budget::default(),
    };
    match run(text, &sources) {
        Ok(read) => told(&read),
        Err(why) => Gemspec::unread(&why),
    }
}

/// The files of a gemspec that sets `files` like this.
fn files(expression: &str) -> Result<Vec<String>, String> {
    let text = format!("Gem::Specification.new do |s|\n  s.files = {expression}\nend\n");
    read(&text).files.map(|files| files.into_iter().collect())
}

fn field(body: &str, name: &str) -> Result<String, String> {
    let text = format!("require \"foo/version\"\nGem::Specification.new do |s|\n{body}\nend\n");
    said(&read(&text), name)
}

/// What a gemspec says in a field, as one text.
fn said(gemspec: &Gemspec, name: &str) -> Result<String, String> {
    let known = gemspec.field(name).unwrap().clone();
    known.map(|list| list.join(", "))
}

#[test]
fn the_gemspec_that_bundler_writes_is_read() {
    let spec = read(
        r##"# frozen_string_literal: true

require_relative "lib/foo/version"

Gem::Specification.new do |spec|
  spec.name = "foo"
  spec.version = Foo::VERSION
  spec.authors = ["A", "B"]
  spec.email = ["a@example.com"]

  spec.summary = "TODO: Write a short summary, because RubyGems requires one."
  spec.homepage = "https://example.com/foo"
  spec.required_ruby_version = ">= 3.1.0"
  spec.metadata["allowed_push_host"] = "TODO: Set to your gem server 'https://example.com'"
  spec.metadata["homepage_uri"] = spec.homepage
  spec.metadata["changelog_uri"] = "#{spec.homepage}/blob/v#{spec.version}/CHANGELOG.md"

  # Specify which files should be added to the gem when it is released.
  # The `git ls-files -z` loads the files in the RubyGem that have been added into git.
  gemspec = File.basename(__FILE__)
  spec.files = IO.popen(%w[git ls-files -z], chdir: __dir__, err: IO::NULL) do |ls|
    ls.readlines("\x0", chomp: true).reject do |f|
      (f == gemspec) ||
        f.start_with?(*%w[bin/ Gemfile .gitignore test/ spec/ features/ .github/])
    end
  end
  spec.bindir = "exe"
  spec.executables = spec.files.grep(%r{\Aexe/}) { |f| File.basename(f) }
  spec.require_paths = ["lib"]

  # Uncomment to register a new dependency of your gem
  # spec.add_dependency "example-gem", "~> 1.0"
  spec.add_dependency "bar", ">= 1", "< 3"
end
"##,
    );
    let files: Vec<String> = spec.files.clone().unwrap().into_iter().collect();
    assert_eq!(
        files,
        [
            "CHANGELOG.md",
            "README.md",
            "VERSION",
            "exe/foo",
            "lib/foo.rb",
            "lib/foo/version.rb"
        ]
    );
    for (name, expected) in [
        ("authors", "A, B"),
        ("dependencies", "bar (< 3&>= 1)"),
        ("executables", "foo"),
        ("bindir", "exe"),
        ("extensions", ""),
        ("platform", "ruby"),
        ("require_paths", "lib"),
        ("required_ruby_version", ">= 3.1.0"),
        ("homepage", "https://example.com/foo"),
        ("name", "foo"),
        ("version", "1.2.3"),
    ] {
        assert_eq!(said(&spec, name).as_deref(), Ok(expected), "{name}");
    }
}

#[test]
fn lists_of_files_are_read_as_ruby_reads_them() {
    let lib = ["lib/foo.rb", "lib/foo/version.rb"];
    let readme = ["README.md", "lib/foo.rb", "lib/foo/version.rb"];
    for expression in [
        r#"Dir["lib/**/*.rb"]"#,
        r#"Dir.glob("lib/**/*")"#,
        r"Dir.glob(%w[lib/**/*])",
        r#"Dir.glob("lib/**/*", base: __dir__)"#,
        r#"Dir["lib/**/*"].select { |f| File.file?(f) }"#,
        r#"Dir["lib/**/*"].reject { |f| File.directory?(f) }.sort.uniq"#,
        r"%w(lib/foo.rb lib/foo/version.rb)",
        r#"["lib/foo.rb"] + ['lib/foo/version.rb']"#,
        r"`git ls-files lib`.split($/)",
        r#"`git ls-files -z -- lib`.split("\x0")"#,
        r#"`git ls-files`.split("\n").grep(/^lib/)"#,
        r#"`git ls-files`.split("\n").select { |f| f =~ %r{\Alib/} }"#,
        r#"Dir.chdir(File.expand_path('..', __FILE__)) do
              `git ls-files -z`.split("\x0").reject { |f| !f.start_with?("lib/") }
            end"#,
        "Dir.chdir(__dir__) { Dir['lib/**/*'] }",
    ] {
        assert_eq!(files(expression).unwrap(), lib, "{expression}");
    }
    for expression in [
        r#"Dir["lib/**/*.rb"] + ["README.md"]"#,
        r#"Dir["{lib}/**/*", "README.md"]"#,
        r#"Dir["lib/**/*.rb",
              "README*"]"#,
        r#"`git ls-files`.split("\n") - %w[.gitignore .github/workflows/ci.yml CHANGELOG.md Gemfile VERSION bin/console exe/foo foo.gemspec spec/foo_spec.rb]"#,
        r#"`git ls-files -z`.split("\x0").reject { |f| f.match(%r{\A(?:spec|bin|exe|\.git.*)/}) || f.match?(/^(Gemfile|VERSION|CHANGELOG.md|\.gitignore)$/) || File.expand_path(f) == __FILE__ }"#,
    ] {
        assert_eq!(files(expression).unwrap(), readme, "{expression}");
    }
    // Between backticks a shell looks for names first, and takes a folder for all that it has.
    for (expression, expected) in [
        ("`git ls-files -- exe/*`.split", vec!["exe/foo"]),
        ("`git ls-files lib/*`.split", lib.to_vec()),
        (
            "`git ls-files lib/* READ??.md`.split",
            vec!["README.md", "lib/foo.rb", "lib/foo/version.rb"],
        ),
        ("`git ls-files e*/foo`.split", vec!["exe/foo"]),
        (
            "`git ls-files */foo`.split",
            vec!["exe/foo", "lib/foo/version.rb"],
        ),
        // It finds nothing, and git's own patterns reach across slashes.
        (
            "`git ls-files *version.rb`.split",
            vec!["lib/foo/version.rb"],
        ),
        ("IO.popen(%w[git ls-files -- *.rb]).read.split", {
            vec!["lib/foo.rb", "lib/foo/version.rb", "spec/foo_spec.rb"]
        }),
    ] {
        assert_eq!(files(expression).unwrap(), expected, "{expression}");
    }
    assert_eq!(files("Dir['**/*', '.*']").unwrap().len(), FILES.len() - 1);
    assert_eq!(
        files("Dir.glob('**/*', File::FNM_DOTMATCH)").unwrap().len(),
        FILES.len()
    );
}

#[test]
fn what_is_not_understood_is_not_known_and_never_guessed() {
    for expression in [
        "Dir[\"#{root}/**/*\"]",
        "FileList['lib/**/*']",
        "`find lib`.split",
        "`git ls-files -z --exclude-standard`.split",
        "Dir['/etc/*']",
        "Dir['../other/**/*']",
        "Dir['lib/**/*'].reject { |f| f.length > 3 }",
        "Dir['lib/**/*'].reject { |f| f.match(/LIB/i) }",
        "Dir['lib/**/*'].map { |f| f.sub('lib', 'x') }",
        "Dir['lib/**/*'].each { |f| puts f }",
        "ENV['FILES'].split",
        "eval('x')",
        "Dir.chdir('..') { Dir['lib/**/*'] }",
        "Dir.glob('**/*', base: '/etc')",
        "cond ? [] : Dir['lib/**/*']",
        "[] if something",
        "Foo::FILES",
        "[\"a\", b]",
        "`git ls-files | sort`.split",
        "`git ls-files; evil`.split",
        "`git ls-files > x`.split",
        "`git ls-files {lib,exe}/*`.split",
        "`git ls-files ~/x`.split",
        "`git ls-files :/`.split",
        "`git ls-files ../other`.split",
        "`git ls-files\nevil`.split",
        "",
    ] {
        assert!(
            files(expression).is_err(),
            "{expression}: {:?}",
            files(expression)
        );
    }
}

#[test]
fn a_statement_that_may_change_a_field_makes_it_unknown() {
    assert_eq!(field("s.name = 'foo'", "name").unwrap(), "foo");
    assert_eq!(
        field("s.version = Foo::VERSION.dup", "version").unwrap(),
        "1.2.3"
    );
    let version = "s.version = File.read(File.expand_path('../VERSION', __FILE__)).strip";
    assert_eq!(field(version, "version").unwrap(), "1.2.4");
    let both = "s.add_dependency 'a'\ns.add_runtime_dependency('b', ['>= 1'])";
    assert_eq!(field(both, "dependencies").unwrap(), "a (>= 0), b (>= 1)");
    for (body, name) in [
        ("s.name = 'foo' if x", "name"),
        ("s.name = 'foo'\nif x\n  s.name = 'bar'\nend", "name"),
        ("s.name = 'foo'\ns.name << 'bar' unless y", "name"),
        ("s.name = 'foo'\ns.send(:name=, 'bar')", "name"),
        ("s.name = 'foo'\nconfigure(s)", "name"),
        ("s.name = 'foo'\nsomething_else", "name"),
        ("s.name = 'foo'\nt = s\nt.name = 'bar'", "name"),
        ("s.name = 'foo'\n%w[a].each { |x| s.name = x }", "name"),
        (
            "s.add_dependency 'a'\nif jruby\n  s.add_dependency 'b'\nend",
            "dependencies",
        ),
        ("s.add_dependency 'a', VERSIONS[:a]", "dependencies"),
        ("s.add_dependency 'a', \"~> #{x}\"", "dependencies"),
        ("s.version = '1' + suffix", "version"),
        ("s.version = Foo::OTHER", "version"),
        ("", "name"),
    ] {
        assert!(
            field(body, name).is_err(),
            "{body}: {:?}",
            field(body, name)
        );
    }
    // Versions are kept as RubyGems keeps them.
    for (text, kept) in [
        ("'1.0-beta'", "1.0.pre.beta"),
        ("File.read('VERSION')", "1.2.4"),
    ] {
        let body = format!("s.version = {text}");
        assert_eq!(field(&body, "version").unwrap(), kept);
    }
    // A variable whose value changes the specification on the way.
    for (body, name) in [
        ("s.files = ['a']\nx = s.files.reject! { |f| f }", "files"),
        ("s.name = 'foo'\nx = s.name = other", "name"),
        ("s.name = 'foo'\nputs s.name.replace('bar')", "name"),
        ("s.files = ['a']\nx = s.files.push('b')", "files"),
    ] {
        let body = format!("{body}\n");
        let text = format!("Gem::Specification.new do |s|\n{body}end\n");
        let gemspec = read(&text);
        let is_known = match name {
            "files" => gemspec.files.is_ok(),
            name => gemspec.field(name).unwrap().is_ok(),
        };
        assert!(!is_known, "{body}");
    }
    // What is set otherwise stays known.
    let metadata = "s.name = 'foo'\nif s.respond_to?(:metadata)\n  s.metadata['a'] = 'b'\nend";
    assert_eq!(field(metadata, "name").unwrap(), "foo");
}

#[test]
fn files_that_are_no_gemspec_are_not_understood_and_nothing_is_run() {
    for text in [
        "",
        "system('touch /tmp/x')",
        "Gem::Specification.new do |s|\n  s.name = 'a'\n",
        "Gem::Specification.new { s.name = 'a' }",
        "Gem::Specification.new do |s|\nend\nGem::Specification.new do |s|\nend",
        "class Gem::Specification\nend\nGem::Specification.new do |s|\n s.name = 'a'\nend",
        "Gem::Specification.new do |s|\n  s.name = \"a\n",
        "Gem::Specification.new do |s|\n  s.name = <<~EOS\n",
        "((((((",
        "\u{0}\u{1}",
    ] {
        assert!(read(text).field("name").unwrap().is_err(), "{text}");
    }
}
