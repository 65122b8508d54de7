//! Gemspecs that would take for ever, or all memory, or the stack.
use super::{field, of, read};

/// The files of a gemspec with this body are not known, because finding out takes more than it may.
fn given_up(body: &str, files: usize) {
    let paths: Vec<String> = (0..files).map(|n| format!("lib/{}/{n}", n % 100)).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let text = format!("Gem::Specification.new do |s|\n{body}\nend\n");
    let gemspec = of(&text, &paths, &|_| Some("x = 1\n".repeat(40_000)));
    let why = gemspec.files.unwrap_err();
    assert!(why.contains("takes too much"), "{why}: {}", &text[..60]);
}

#[test]
fn lists_that_grow_without_end_are_given_up() {
    let double = |line: &str| format!("s.files = ['a']\n{}", line.repeat(40));
    given_up(&double("s.files += s.files\n"), 1);
    given_up(&double("s.files << s.files\n"), 1);
    given_up(&double("s.files |= s.files\n"), 1);
    let text = format!("x = 'a'\n{}s.files = [x]", "x = x + x\n".repeat(60));
    given_up(&text, 1);
}

#[test]
fn copies_globs_and_differences_without_end_are_given_up() {
    let lines = |line: &dyn Fn(usize) -> String| (0..2000).map(line).collect::<String>();
    let copies = lines(&|n| format!("a{n} = `git ls-files lib`.split\n"));
    given_up(&format!("{copies}s.files = a0 + a1"), 50_000);
    let joined = lines(&|n| format!("a{n} = f + f\n"));
    given_up(
        &format!("f = Dir['lib/**/*']\n{joined}s.files = a0"),
        50_000,
    );
    let globs = lines(&|_| "x = Dir['**/{a,b,c,d,e,f,g}*{a,b,c,d}*']\n".into());
    given_up(&format!("{globs}s.files = Dir['lib/**/*']"), 5_000);
    let less = lines(&|_| "x = f - f\n".into());
    given_up(
        &format!("f = Dir['lib/**/*']\n{less}s.files = f - f"),
        50_000,
    );
    let constants = lines(&|_| "x = Foo::BAR\n".into());
    given_up(
        &format!("require 'a'\n{constants}s.files = Dir['lib/*']"),
        10,
    );
}

#[test]
fn conditions_are_read_once_and_their_matches_are_counted() {
    let pattern = format!("f.match(/{}b$/)", "(a*)*".repeat(40));
    let all = vec![pattern; 100].join(" || ");
    given_up(
        &format!("s.files = `git ls-files`.split.reject {{ |f| {all} }}"),
        10_000,
    );
    let patterns = format!("x = s.files.grep(/{}/)\n", "a*".repeat(1000)).repeat(100);
    given_up(
        &format!("s.files = ['a']\n{patterns}s.files = Dir['*']"),
        10,
    );
    let braces = format!("x = Dir['{}']\n", "{a,b}".repeat(150)).repeat(300);
    given_up(&format!("{braces}s.files = Dir['**/*']"), 100);
}

#[test]
fn nothing_is_read_deeper_than_the_stack_is() {
    let deep = 20_000;
    for expression in [
        format!(
            "Dir['*'].reject {{ |f| {}f.start_with?('x') }}",
            "!".repeat(deep)
        ),
        format!(
            "Dir['*'].reject {{ |f| {}f == 'x'{} }}",
            "(".repeat(deep),
            ")".repeat(deep)
        ),
        format!(
            "{}[]{}",
            "Dir.chdir(__dir__) { ".repeat(deep),
            " }".repeat(deep)
        ),
        format!("{}'a'{}", "(".repeat(deep), ")".repeat(deep)),
        format!("{}'a'{}", "[".repeat(deep), "]".repeat(deep)),
        format!("{}'a'", "File.join(__dir__, ".repeat(deep)),
        format!(
            "{}[]{}",
            "IO.popen('git ls-files') { |f| ".repeat(deep),
            "}".repeat(deep)
        ),
    ] {
        let text = format!("Gem::Specification.new do |s|\ns.files = {expression}\nend\n");
        assert!(read(&text).files.is_err(), "{}", &expression[..40]);
    }
    let deep = format!("s.name = {}'a'{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(field(&deep, "name").is_err());
}

#[test]
fn empty_lines_and_long_reasons_cost_little() {
    let lines = "\n".repeat(250_000);
    let text = format!("Gem::Specification.new do |s|{lines}s.files = ['a']{lines}end\n");
    assert!(read(&text[..256_000]).files.is_err());
    assert!(
        read(&format!(
            "Gem::Specification.new do |s|\ns.name = 'a'{lines}end"
        ))
        .files
        .is_ok()
    );
    let name = "n".repeat(100_000);
    let mut body = format!("a = {name}\n");
    body.push_str(&"b = a\n".repeat(10_000));
    let text = format!("Gem::Specification.new do |s|\n{body}s.files = a\nend\n");
    assert!(read(&text).files.unwrap_err().len() <= 200);
}
