//! Gemspecs in the shapes of well-known gems: what is known of each, and what is not.
use super::{super::Gemspec, of, said};

/// Files that all of the shapes can ask for.
const TREE: [&str; 16] = [
    "CHANGELOG.md",
    "Gemfile",
    "LICENSE",
    "MIT-LICENSE",
    "README.md",
    "README.rdoc",
    "Rakefile",
    "VERSION",
    "bin/foo",
    "exe/foo",
    "ext/foo/extconf.rb",
    "ext/foo/foo.c",
    "foo.gemspec",
    "lib/foo.rb",
    "lib/foo/version.rb",
    "test/foo_test.rb",
];

fn read(text: &str) -> Gemspec {
    of(text, &TREE, &|path| match path {
        "lib/foo/version.rb" => Some("module Foo\n  VERSION = '1.2.3'.freeze\nend\n".into()),
        "VERSION" | "../FOO_VERSION" => Some("1.2.3\n".into()),
        _ => None,
    })
}

/// The fields that decide and are not known, and whether the files are.
fn unknown(gemspec: &Gemspec) -> (Vec<&str>, bool) {
    let fields = gemspec.fields.iter();
    let unknown = fields
        .filter(|(field, known)| field.decides && known.is_err())
        .map(|(field, _)| field.name);
    (unknown.collect(), gemspec.files.is_ok())
}

fn files(gemspec: &Gemspec) -> Vec<&str> {
    gemspec
        .files
        .as_ref()
        .unwrap()
        .iter()
        .map(String::as_str)
        .collect()
}

#[test]
fn what_bundler_wrote_from_2010_to_2012_is_known_but_for_a_shell_s_braces() {
    let template = |tests: &str| {
        read(&format!(
            r#"# -*- encoding: utf-8 -*-
$:.push File.expand_path("../lib", __FILE__)
require "foo/version"

Gem::Specification.new do |s|
  s.name        = "foo"
  s.version     = Foo::VERSION
  s.platform    = Gem::Platform::RUBY
  s.authors     = ["A"]
  s.homepage    = ""
  s.rubyforge_project = "foo"

  s.files         = `git ls-files`.split("\n")
{tests}
  s.executables   = `git ls-files -- bin/*`.split("\n").map{{ |f| File.basename(f) }}
  s.require_paths = ["lib"]
end
"#
        ))
    };
    let plain = template("  s.test_files    = `git ls-files -- test/*`.split(\"\\n\")");
    assert_eq!(unknown(&plain), (vec![], true), "{plain:?}");
    assert_eq!(said(&plain, "executables").unwrap(), "foo");
    assert_eq!(files(&plain), TREE);
    // Some shells expand braces, and some do not.
    let braces = "  s.test_files    = `git ls-files -- {test,spec,features}/*`.split(\"\\n\")";
    assert_eq!(unknown(&template(braces)), (vec![], false));
}

#[test]
fn what_bundler_wrote_from_2013_on_is_known() {
    for list in [
        r"`git ls-files`.split($/)",
        r#"`git ls-files -z`.split("\x0")"#,
        r#"`git ls-files -z`.split("\x0").reject { |f| f.match(%r{^(test|spec|features)/}) }"#,
        r#"Dir.chdir(File.expand_path('..', __FILE__)) do
    `git ls-files -z`.split("\x0").reject { |f| f.match(%r{^(test|spec|features)/}) }
  end"#,
        r#"Dir.chdir(__dir__) do
    `git ls-files -z`.split("\x0").reject do |f|
      (File.expand_path(f) == __FILE__) || f.match(%r{\A(?:(?:bin|test|spec|features)/|\.(?:git|travis|circleci)|appveyor)})
    end
  end"#,
        r#"Dir.chdir(__dir__) do
    `git ls-files -z`.split("\x0").reject do |f|
      (f == __FILE__) || f.match(%r{\A(?:(?:bin|test|spec|features)/|\.(?:git|travis|circleci)|appveyor)})
    end
  end"#,
    ] {
        let gemspec = read(&format!(
            r#"lib = File.expand_path("../lib", __FILE__)
$LOAD_PATH.unshift(lib) unless $LOAD_PATH.include?(lib)
require "foo/version"

Gem::Specification.new do |spec|
  spec.name          = "foo"
  spec.version       = Foo::VERSION
  spec.authors       = ["A"]
  spec.license       = "MIT"

  if spec.respond_to?(:metadata)
    spec.metadata["allowed_push_host"] = "TODO"
  else
    raise "RubyGems 2.0 or newer is required to protect against " \
      "public gem pushes."
  end

  spec.files         = {list}
  spec.bindir        = "exe"
  spec.executables   = spec.files.grep(%r{{^exe/}}) {{ |f| File.basename(f) }}
  spec.require_paths = ["lib"]

  spec.add_development_dependency "bundler", "~> 1.17"
end
"#
        ));
        assert_eq!(unknown(&gemspec), (vec![], true), "{list}\n{gemspec:?}");
        assert_eq!(said(&gemspec, "executables").unwrap(), "foo");
        assert_eq!(said(&gemspec, "bindir").unwrap(), "exe");
    }
}

#[test]
fn one_of_a_framework_s_many_gems_is_known() {
    let gemspec = read(
        r#"# frozen_string_literal: true

version = File.read(File.expand_path("../FOO_VERSION", __dir__)).strip

Gem::Specification.new do |s|
  s.platform    = Gem::Platform::RUBY
  s.name        = "foo"
  s.version     = version
  s.summary     = "S"
  s.required_ruby_version = ">= 3.2.0"
  s.license = "MIT"
  s.author   = "A"
  s.files        = Dir["CHANGELOG.md", "MIT-LICENSE", "README.rdoc", "lib/**/*"]
  s.require_path = "lib"
  s.metadata = {
    "changelog_uri" => "https://example.com/blob/v#{version}/CHANGELOG.md",
    "rubygems_mfa_required" => "true",
  }
  # NOTE: Please read our dependency guidelines before updating.
  s.add_dependency "concurrent-ruby", "~> 1.0", ">= 1.3.1"
  s.add_dependency "sibling", version
end
"#,
    );
    assert_eq!(unknown(&gemspec), (vec![], true), "{gemspec:?}");
    assert_eq!(said(&gemspec, "version").unwrap(), "1.2.3");
    let needed = "concurrent-ruby (>= 1.3.1&~> 1.0), sibling (= 1.2.3)";
    assert_eq!(said(&gemspec, "dependencies").unwrap(), needed);
    let expected = [
        "CHANGELOG.md",
        "MIT-LICENSE",
        "README.rdoc",
        "lib/foo.rb",
        "lib/foo/version.rb",
    ];
    assert_eq!(files(&gemspec), expected);
}

#[test]
fn a_specification_made_with_name_and_version_is_known() {
    let gemspec = read(
        r"$LOAD_PATH.unshift File.expand_path('lib', __dir__)
require 'foo/version'

Gem::Specification.new 'foo', Foo::VERSION do |s|
  s.description       = 'D'
  s.authors           = ['A']
  s.files             = Dir['README*.md', 'lib/**/*', 'examples/*'] + %w[
    LICENSE
    Rakefile
  ]
  s.extra_rdoc_files  = %w[README.md LICENSE]
  s.rdoc_options      = %w[--line-numbers --title Foo]
  s.required_ruby_version = '>= 2.7.8'
  s.add_dependency 'rack', '>= 3.0.0', '< 4'
end
",
    );
    assert_eq!(unknown(&gemspec), (vec![], true), "{gemspec:?}");
    assert_eq!(said(&gemspec, "name").unwrap(), "foo");
    assert_eq!(said(&gemspec, "version").unwrap(), "1.2.3");
    // A list that is added to where it is made is not: it could be the specification's own.
    let gemspec = read(
        "Gem::Specification.new 'foo', '1' do |s|\n  s.files = `git ls-files`.split(\"\\n\")\n  s.extra_rdoc_files = s.files.select { |p| p =~ /^README/ } << 'LICENSE'\nend\n",
    );
    assert!(gemspec.files.is_err());
}

#[test]
fn a_gem_whose_sources_are_compiled_is_known_where_nothing_depends_on_the_machine() {
    let gemspec = read(
        r#"require_relative "lib/foo/version"

Gem::Specification.new do |spec|
  spec.name = "foo"
  spec.version = Foo::VERSION
  spec.authors = ["A"]
  spec.files = Dir.glob("lib/**/*.rb") + Dir.glob("ext/**/*.{c,h,rb}")
  spec.extensions << "ext/foo/extconf.rb"
  spec.extra_rdoc_files += Dir.glob("README*")
  spec.add_runtime_dependency("mini_portile2", "~> 2.8.2")
end
"#,
    );
    assert_eq!(unknown(&gemspec), (vec![], true), "{gemspec:?}");
    assert_eq!(said(&gemspec, "extensions").unwrap(), "ext/foo/extconf.rb");
    assert!(files(&gemspec).contains(&"README.rdoc"));

    let gemspec = read(
        r#"begin
  require File.expand_path(File.join(File.dirname(__FILE__), "lib/foo/version"))
rescue LoadError
  puts "WARNING: Could not load Foo::VERSION"
end

Gem::Specification.new do |spec|
  spec.name = "foo"
  spec.version = defined?(Foo::VERSION) ? Foo::VERSION : "0.0.0"
  spec.files = ["lib/foo.rb"]
end
"#,
    );
    let (fields, files_known) = unknown(&gemspec);
    assert_eq!((fields.len(), files_known), (9, false));
}

#[test]
fn what_depends_on_the_ruby_that_builds_is_not_known() {
    let gemspec = read(
        r#"spec = Gem::Specification.new do |s|
  java_ext = Foo::JAVA
  s.name = "foo"
  s.version = "1"
  s.files = Dir["lib/**/*.rb"]
  s.require_paths = ["lib"]
  if RUBY_ENGINE == "jruby"
    s.platform = "java"
    s.files += Dir["lib/**/*.jar"]
  else
    s.extensions = Dir["ext/**/extconf.rb"]
  end
end
"#,
    );
    assert_eq!(unknown(&gemspec), (vec!["extensions", "platform"], false));
    let gemspec = read(
        r#"spec = Gem::Specification.new do |s|
  s.name = "foo"
end
if RUBY_ENGINE == 'jruby' && $0 == __FILE__
  Gem::Builder.new(spec).build
else
  spec
end
"#,
    );
    assert_eq!(unknown(&gemspec).0.len(), 9);
}

#[test]
fn a_list_of_files_from_git_and_a_key_to_sign_with_are_known_and_a_pipe_is_not() {
    let template = |list: &str| {
        read(&format!(
            r#"# -*- encoding: utf-8 -*-
$LOAD_PATH.unshift File.expand_path("../lib", __FILE__)
require "foo/version"

Gem::Specification.new do |s|
  s.name        = "foo"
  s.version     = Foo::VERSION
  s.license     = "MIT"
  s.authors     = ["A", "B"]
  s.metadata = {{
    'bug_tracker_uri'   => 'https://example.com/issues',
  }}
  s.files            = {list}
  s.files           += %w[README.md LICENSE CHANGELOG.md]
  s.test_files       = []
  s.bindir           = 'exe'
  s.executables      = `git ls-files -- exe/*`.split("\n").map{{ |f| File.basename(f) }}
  s.rdoc_options     = ["--charset=UTF-8"]
  s.require_path     = "lib"
  s.required_ruby_version = '>= 1.8.7'
  private_key = File.expand_path('~/.gem/foo-private_key.pem')
  if File.exist?(private_key)
    s.signing_key = private_key
    s.cert_chain = [File.expand_path('~/.gem/foo-public_cert.pem')]
  end
  s.add_development_dependency "cucumber", "~> 1.3"
end
"#
        ))
    };
    let gemspec = template("`git ls-files -- lib/*`.split(\"\\n\")");
    assert_eq!(unknown(&gemspec), (vec![], true), "{gemspec:?}");
    assert_eq!(said(&gemspec, "executables").unwrap(), "foo");
    let expected = [
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "exe/foo",
        "lib/foo.rb",
        "lib/foo/version.rb",
    ];
    assert_eq!(files(&gemspec), expected);
    let piped = template("`git ls-files | grep -Ev '^(test|examples)'`.split(\"\\n\")");
    assert_eq!(unknown(&piped), (vec![], false));
}

#[test]
fn what_older_tools_generate_is_not_known_where_it_asks_for_the_version_of_rubygems() {
    let gemspec = read(
        r#"Gem::Specification.new do |s|
  s.name = %q{foo}
  s.version = "1.2.3"
  s.required_rubygems_version = Gem::Requirement.new(">= 0") if s.respond_to? :required_rubygems_version=
  s.authors = [%q{A}]
  s.date = %q{2011-06-11}
  s.files = ["lib/foo.rb", "LICENSE"]
  s.require_paths = [%q{lib}]
  s.rubygems_version = %q{1.8.5}
  if s.respond_to? :specification_version then
    s.specification_version = 3
    if Gem::Version.new(Gem::VERSION) >= Gem::Version.new('1.2.0') then
      s.add_runtime_dependency(%q<rack>, ["~> 1.2"])
    else
      s.add_dependency(%q<rack>, ["~> 1.2"])
    end
  else
    s.add_dependency(%q<rack>, ["~> 1.2"])
  end
end
"#,
    );
    assert_eq!(
        unknown(&gemspec),
        (vec!["dependencies"], true),
        "{gemspec:?}"
    );
}

#[test]
fn a_repository_of_thirty_thousand_files_is_read_within_the_budget() {
    let paths: Vec<String> = (0..30_000)
        .map(|n| format!("lib/foo/resources/number_{}/part_{n}.rb", n % 300))
        .collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    for list in [
        r#"`git ls-files -z`.split("\x0").reject { |f| f.match(%r{^(test|spec|features)/}) }"#,
        r#"`git ls-files -z`.split("\x0").reject { |f| f.start_with?(*%w[bin/ test/ spec/ .git Gemfile]) }"#,
        r#"Dir["{lib,exe}/**/*", "README.md"]"#,
    ] {
        let text = format!(
            "Gem::Specification.new do |s|\n  s.files = {list}\n  s.executables = s.files.grep(%r{{^exe/}}) {{ |f| File.basename(f) }}\n  s.test_files = s.files.grep(%r{{^(test|spec|features)/}})\nend\n"
        );
        let gemspec = of(&text, &paths, &|_| None);
        assert_eq!(gemspec.files.unwrap().len(), 30_000, "{list}");
    }
}
