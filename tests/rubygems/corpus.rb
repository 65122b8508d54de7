# Writes gems into a folder: good ones over a spread of shapes, crooked ones that must be refused, and odd ones made by damaging good ones.
# The same seed writes the same bytes. Usage: ruby corpus.rb SEED ODD_COUNT FOLDER
require "digest"
require "rubygems"
require "rubygems/package"
require "stringio"
require "zlib"

SEED, ODD, FOLDER = Integer(ARGV[0]), Integer(ARGV[1]), ARGV[2]
RNG = Random.new(SEED)
def pick(list) = list[RNG.rand(list.size)]

def gz(bytes)
  io = StringIO.new("".b)
  writer = Zlib::GzipWriter.new(io, Zlib::BEST_COMPRESSION)
  writer.mtime = 1
  writer.write(bytes)
  writer.close
  io.string
end

# Entries are [name, bytes], or [:link, name, target].
def tar(entries)
  io = StringIO.new("".b)
  Gem::Package::TarWriter.new(io) do |writer|
    entries.each do |name, bytes, target|
      name == :link ? writer.add_symlink(bytes, target, 0o777) : writer.add_file_simple(name, 0o644, bytes.bytesize) { |f| f.write(bytes) }
    end
  end
  io.string
end

# A ustar header written by hand, for what TarWriter would not write.
def header(name, size, type: "0", link: "", prefix: "", magic: "ustar\0" + "00", size_field: nil)
  fields = [name, "0000644\0", "0000000\0", "0000000\0", size_field || format("%011o\0", size), "00000000001\0", " " * 8, type, link, magic,
            "wheel", "wheel", "0000000\0", "0000000\0", prefix, ""]
  block = fields.pack("a100a8a8a8a12a12a8a1a100a8a32a32a8a8a155a12")
  block[148, 8] = format("%06o\0 ", block.bytes.sum)
  block
end

def padded(bytes) = bytes + "\0" * (-bytes.bytesize % 512)
def raw(name, bytes, **options) = header(name, bytes.bytesize, **options) + padded(bytes)
FINISH = "\0" * 1024

def checksums(metadata, data)
  digests = ->(klass) { "  metadata.gz: #{klass.hexdigest(metadata)}\n  data.tar.gz: #{klass.hexdigest(data)}\n" }
  gz("---\nSHA256:\n#{digests[Digest::SHA256]}SHA512:\n#{digests[Digest::SHA512]}")
end

DATA = gz(tar([["lib/a.rb", "A = 1\n"]]))
def parts(yaml, data = DATA)
  metadata = gz(yaml)
  [["metadata.gz", metadata], ["data.tar.gz", data], ["checksums.yaml.gz", checksums(metadata, data)]]
end
def pack(yaml, data = DATA) = tar(parts(yaml, data))
def save(name, bytes) = File.binwrite(File.join(FOLDER, "#{name}.gem"), bytes)

TEXTS = [
  "plain words", "no", "Yes", "~", "null", "1.0", "1", "0x1f", "0b1", "08", "1e3", "1_000", "1:30", ":symbol", ":\"quoted\"", "2011-01-01", "2011-01-01 10:00:00 Z", ".inf",
  "- dash", "# hash", "a # hash", "a: colon", "colon:", "'single'", "\"double\"", "back\\slash", "tab\there", " leading", "trailing ", "line\nline", "line\n\nline\n",
  "\n leading line", "  indented\nthen not", "trailing newline\n", "two newlines\n\n", "crlf\r\nline", "ünïcödé", "日本語", "emoji \u{1F600}", "nbsp\u00a0x", "[flow]", "{a: b}",
  "!tag", "&anchor", "*alias", "%directive", "@at", "`tick", "? key", "| pipe", "> fold", "---", "--- doc", "...", "a" * 200, "word " * 60, "wörd " * 60 + "\nnext",
  "x: y\n# z\n- w", "=", "<<", "y", "n", "", "\u2028separator", "é\n  é\n\té", "'", "\"", "a\\nb", "it's \"both\"", "comma, here", "foo\n---\nbar", "foo\n...\nbar", " ", "on\noff",
  "100%", "<a@b.c>", "A <a@b.c>", "\e[31mred", "zero\0byte", "date: 2011-04-26 00:00:00.000000000Z", "a !!null \nb", "  ", "\n", "a\n ", "12:30:45", "190:20:30.15", "1,000", "+1",
].freeze
NAMES = %w[a rake RedCloth net-ssh x_1 a.b 2captcha foo-1 concurrent-ruby-ext].freeze
VERSIONS = %w[0 1 1.0 0.0.1 1.2.3 10.20.30.40 1.0.a 2.0.0.rc1 1.0.0.beta.2 3.b 2024.01.02].freeze
PLATFORMS = %w[ruby java x86_64-linux x86_64-linux-musl x86_64-linux-gnu arm64-darwin universal-darwin-20 x64-mingw-ucrt x86-mingw32 x86-mswin32-60 aarch64-linux].freeze
REQUIREMENTS = [[">= 0"], ["~> 1.0"], [">= 1.0", "< 3"], ["= 2.0.0"], ["!= 1.1", "> 1"], ["<= 5.a"], ["1.0"], ["~> 1.2.3.rc1"], [">= 0.a"]].freeze
LINKS = %w[homepage_uri source_code_uri changelog_uri bug_tracker_uri documentation_uri].freeze

def specification
  Gem::Specification.new do |s|
    s.name = pick(NAMES)
    s.version = pick(VERSIONS)
    s.platform = pick(PLATFORMS)
    s.date = "20#{10 + RNG.rand(16)}-0#{1 + RNG.rand(9)}-#{10 + RNG.rand(18)}"
    s.authors = Array.new(1 + RNG.rand(3)) { pick(TEXTS) }
    s.email = [nil, pick(TEXTS), [pick(TEXTS)], [pick(TEXTS), pick(TEXTS)], []].sample(random: RNG)
    s.summary = pick(TEXTS)
    s.description = pick(TEXTS + [nil])
    s.homepage = pick(["https://example.com/a", "http://example.com", nil, ""])
    s.licenses = pick([[], ["MIT"], ["MIT", "Apache-2.0"], [pick(TEXTS)[0, 60]]])
    s.metadata = Array.new(RNG.rand(4)) { pick([[pick(LINKS), "https://example.com/#{RNG.rand(9)}"], [pick(TEXTS), pick(TEXTS)]]) }.to_h
    s.files = pick([[], ["lib/a.rb"], ["lib/a.rb", "README.md", ".hidden", "bin/x"]])
    s.executables = pick([[], ["x"], ["x", "y.rb"]])
    s.extensions = pick([[], ["ext/x/extconf.rb"]])
    s.post_install_message = pick(TEXTS + [nil])
    s.requirements = pick([[], [pick(TEXTS)]])
    s.required_ruby_version = pick(REQUIREMENTS)
    s.required_rubygems_version = pick(REQUIREMENTS)
    NAMES.sample(RNG.rand(4), random: RNG).each { |name| pick([:add_runtime_dependency, :add_development_dependency]).then { |add| s.send(add, name, *pick(REQUIREMENTS)) } }
  end
end

def simple = Gem::Specification.new { |s| s.name, s.version, s.authors, s.summary, s.date, s.homepage = "rake", "1.0", ["A"], "S", "2024-01-02", "https://example.com" }
YAML_TEXT = simple.to_yaml.freeze

# What earlier versions of Ruby and RubyGems wrote, and still may be pushed.
def good_shapes
  syck = File.read(File.join(__dir__, "syck.yaml"))
  ruby19 = YAML_TEXT.gsub(/"?>="?$/, "! '>='").sub("version: '1.0'", "version: '1.0'\n  prerelease: ")
  long = tar([["a" * 90 + "/" + "b" * 90 + ".rb", "x"], ["./lib/a.rb", "x" * 512], [:link, "bin/a", "../lib/a.rb"], ["empty", ""]])
  signed = parts(YAML_TEXT.sub("cert_chain: []", "cert_chain:\n- |\n  -----BEGIN CERTIFICATE-----\n  x\n  -----END CERTIFICATE-----"))
  {
    "syck" => pack(syck), "ruby19" => pack(ruby19), "data" => pack(YAML_TEXT, gz(long)), "empty-data" => pack(YAML_TEXT, gz(tar([]))),
    "no-checksums" => tar(parts(YAML_TEXT).first(2)), "order" => tar(parts(YAML_TEXT).reverse), "signed" => tar(signed.flat_map { |name, bytes| [[name, bytes], ["#{name}.sig", "x" * 256]] }),
    "directory" => pack(YAML_TEXT, gz(raw("lib/", "", type: "5") + raw("lib/a.rb", "x") + FINISH)), "old-type" => pack(YAML_TEXT, gz(raw("a", "x", type: "\0") + FINISH)),
    "more-zeros" => pack(YAML_TEXT) + FINISH, "sha1" => tar(parts(YAML_TEXT).first(2) + [["checksums.yaml.gz", gz(sha1_checksums(*parts(YAML_TEXT).first(2).map(&:last)))]]),
  }
end

def sha1_checksums(metadata, data)
  lines = { "SHA1" => Digest::SHA1, "SHA512" => Digest::SHA512 }.map { |name, klass| "#{name}:\n  metadata.gz: #{klass.hexdigest(metadata)}\n  data.tar.gz: #{klass.hexdigest(data)}\n" }
  "---\n#{lines.join}"
end

# Edits of a good gemspec, each of which must be refused.
CROOKED_YAML = {
  "alias" => ["summary: S", "summary: &a S\ndescription: *a"], "anchor" => ["summary: S", "summary: &a S"], "duplicate" => ["summary: S", "summary: S\nsummary: T"],
  "second-document" => [/\z/, "--- !ruby/object:Gem::Specification\nname: evil\n"], "merge" => ["metadata: {}", "metadata:\n  <<:\n    a: b"], "flow" => ["metadata: {}", "metadata: {a: b}"],
  "flow-list" => ["- A\n", "- A\nlicenses: [MIT]\n"], "unknown" => ["summary: S", "summary: S\nloaded_from: /etc"], "ruby-object" => ["summary: S", "summary: !ruby/object:Object {}"],
  "regexp" => ["summary: S", "summary: !ruby/regexp /a/"], "float" => ["summary: S", "summary: 1.0"], "boolean" => ["summary: S", "summary: yes"], "time" => ["summary: S", "summary: 2024-01-01"],
  "symbol" => ["summary: S", "summary: :s"], "null-summary" => ["summary: S", "summary: "], "no-summary" => ["summary: S\n", ""], "no-date" => [/^date:.*\n/, ""], "bad-date" => [/^date:.*/, "date: 2024-02-30 00:00:00.000000000 Z"],
  "local-date" => [/^date:.*/, "date: 2024-02-03 00:00:00"], "edited-date" => [/^date:.*/, "date: 2024-02-03 00:00:00.000000000Z"], "binary" => ["summary: S", "summary: !binary |-\n  YQ=="],
  "integer-version" => ["  version: '1.0'", "  version: 1.0"], "dash-version" => ["  version: '1.0'", "  version: 1.0-1"], "spaced-version" => ["  version: '1.0'", "  version: ' 1.0'"], "line-version" => ["  version: '1.0'", "  version: \"1.0\\n\""],
  "name" => ["name: rake", "name: -rake"], "name-space" => ["name: rake", "name: 'ra ke'"], "name-list" => ["name: rake", "name:\n- rake"], "platform-i686" => ["platform: ruby", "platform: i686-linux"],
  "platform-unknown" => ["platform: ruby", "platform: x86-beos"], "platform-path" => ["platform: ruby", "platform: ../x"], "link" => ["metadata: {}", "metadata:\n  homepage_uri: javascript:alert(1)"], "homepage" => ["https://example.com", "javascript:alert(1)"],
  "metadata-list" => ["metadata: {}", "metadata:\n  a:\n  - b"], "metadata-number" => ["metadata: {}", "metadata:\n  a: 1"], "metadata-key" => ["metadata: {}", "metadata:\n  1: a"], "license" => ["licenses: []", "licenses:\n- #{"x" * 65}"],
  "tab" => ["summary: S", "summary:\tS"], "cr" => ["summary: S\n", "summary: S\r\n"], "nel" => ["summary: S", "summary: \"S\u0085T\""], "ls" => ["summary: S", "summary: \"S\u2028T\""], "bom" => [/\A/, "\uFEFF"],
  "directive" => [/\A/, "%YAML 1.1\n"], "comment-start" => [/\A/, "# x\n"], "no-tag" => [" !ruby/object:Gem::Specification", ""], "other-tag" => ["Gem::Specification", "Gem::Requirement"], "no-authors" => ["authors:\n- A\n", "authors: []\n"],
  "todo" => ["summary: S", "summary: 'TODO: write'"], "itself" => ["files: []", "files:\n- rake-1.0.gem"], "no-paths" => ["require_paths:\n- lib", "require_paths: []"], "format" => ["specification_version: 4", "specification_version: 5"],
  "tag-handle" => ["!ruby/object:Gem::Version", "!<!ruby/object:Gem::Versions>"], "set" => ["metadata: {}", "metadata: !!set\n  a: "], "omap" => ["metadata: {}", "metadata: !!omap\n- a: b"], "complex-key" => ["metadata: {}", "metadata:\n  ? [a]\n  : b"],
  "cert-chain" => ["cert_chain: []", "cert_chain:\n- x"], "null-tag" => [/^description:.*/, "description: !!null "], "control" => ["summary: S", "summary: \"S\\e[31m\""], "surrogate" => ["summary: S", 'summary: "\ud83d\ude00"'],
  "deep" => ["metadata: {}", "metadata:\n  a: " + "- " * 40 + "x"], "text" => ["summary: S", "summary: #{"x" * 64_001}"], "constraint" => ["- - \">=\"", "- - \"=>\""], "version-tag" => ["version: !ruby/object:Gem::Version\n", "version:\n"],
}.freeze

DEPENDENCY = "dependencies:\n- !ruby/object:Gem::Dependency\n  name: %s\n  requirement: %s  type: %s\n  prerelease: false\n  version_requirements: %s"
def requirement(version) = "!ruby/object:Gem::Requirement\n    requirements:\n    - - \">=\"\n      - !ruby/object:Gem::Version\n        version: '#{version}'\n"
def with_dependency(name: "a", one: "1", type: ":runtime", two: one) = YAML_TEXT.sub("dependencies: []", format(DEPENDENCY, name, requirement(one), type, requirement(two)).chomp)

def crooked_yaml
  found = CROOKED_YAML.transform_values { |from, to| YAML_TEXT.sub(from) { to } }
  found.each { |name, yaml| raise "#{name} changes nothing" if yaml == YAML_TEXT }
  found.merge(
    "two-requirements" => with_dependency(two: "2"), "dependency-name" => with_dependency(name: '"a,b"'), "dependency-line" => with_dependency(name: "\"a\\nb\""), "dependency-type" => with_dependency(type: ":evil"),
    "dependency-string-type" => with_dependency(type: '":runtime"'), "dependency-twice" => with_dependency.sub("dependencies:\n") { "dependencies:\n#{with_dependency[/^- !ruby.*?version_requirements.*?version: '1'\n/m]}" },
  )
end

def crooked_files
  good = parts(YAML_TEXT)
  metadata, data, sums = good.map(&:last)
  other = gz(YAML_TEXT.sub("name: rake", "name: evil"))
  data_of = ->(bytes) { pack(YAML_TEXT, gz(bytes)) }
  {
    "metadata-twice" => tar(good + [["metadata.gz", other]]), "plain-metadata" => tar([["metadata", YAML_TEXT]] + good.drop(1)), "both-metadata" => tar(good + [["metadata", YAML_TEXT]]), "extra" => tar(good + [["evil", "x"]]),
    "no-data" => tar(good.first(1)), "no-metadata" => tar(good.drop(1)), "two-members" => tar(parts("").then { [["metadata.gz", metadata + gz("name: evil\n")], good[1]] }), "gz-trailing" => tar([["metadata.gz", metadata + "x"], good[1]]),
    "data-two-members" => tar([good[0], ["data.tar.gz", data + gz(tar([["evil", "x"]]))]]), "data-trailing" => tar([good[0], ["data.tar.gz", data + "\0"]]), "checksum" => tar([good[0], ["data.tar.gz", gz(tar([["evil", "x"]]))], good[2]]), "checksum-weak" => tar(good.first(2) + [["checksums.yaml.gz", gz("---\nMD5:\n  metadata.gz: x\n")]]),
    "checksum-missing" => tar(good.first(2) + [["checksums.yaml.gz", gz(Zlib.gunzip(sums).sub(/^  data.*\n/, ""))]]), "checksum-not-yaml" => tar(good.first(2) + [["checksums.yaml.gz", gz("--- x\n")]]), "half-signed" => tar(good + [["metadata.gz.sig", "x"]]), "signed-without-chain" => tar(good.flat_map { |n, b| [[n, b], ["#{n}.sig", "x"]] }),
    "garbage" => pack(YAML_TEXT) + "garbage", "no-end" => pack(YAML_TEXT)[0...-1024], "one-end" => pack(YAML_TEXT)[0...-512], "after-end" => pack(YAML_TEXT) + raw("metadata.gz", other) + FINISH, "truncated" => pack(YAML_TEXT)[0, 700], "empty" => "", "text" => "not a gem",
    "pax" => raw("x", "20 path=metadata.gz\n", type: "x") + pack(YAML_TEXT), "gnu-long" => raw("././@LongLink", "metadata.gz\0", type: "L") + pack(YAML_TEXT), "gnu-magic" => raw("metadata.gz", metadata, magic: "ustar  \0") + raw("data.tar.gz", data) + FINISH, "old-magic" => raw("metadata.gz", metadata, magic: "\0" * 8) + raw("data.tar.gz", data) + FINISH,
    "base-256" => raw("metadata.gz", metadata, size_field: "\x80".b + [metadata.bytesize].pack("x7N")) + raw("data.tar.gz", data) + FINISH, "bad-octal" => raw("metadata.gz", metadata, size_field: "0000000099 \0") + raw("data.tar.gz", data) + FINISH, "sparse" => raw("metadata.gz", metadata, type: "S") + raw("data.tar.gz", data) + FINISH,
    "hard-link" => raw("metadata.gz", metadata) + header("data.tar.gz", 0, type: "1", link: "metadata.gz") + FINISH, "soft-link" => raw("metadata.gz", metadata) + header("data.tar.gz", 0, type: "2", link: "metadata.gz") + FINISH, "folder" => header("metadata.gz", 0, type: "5") + pack(YAML_TEXT), "prefix" => raw("metadata.gz", other, prefix: "x") + pack(YAML_TEXT),
    "padded-name" => raw("metadata.gz ", other) + pack(YAML_TEXT), "nul-name" => raw("metadata.gz\0x", other) + pack(YAML_TEXT), "header-checksum" => pack(YAML_TEXT).tap { |bytes| bytes[150] = (bytes[150].ord ^ 1).chr }, "padding" => pack(YAML_TEXT).tap { |bytes| bytes[512 + metadata.bytesize] = "x" },
    "huge-size" => header("metadata.gz", 0, size_field: "77777777777\0") + FINISH, "data-up" => data_of[raw("../evil", "x") + FINISH], "data-absolute" => data_of[raw("/evil", "x") + FINISH], "data-link-up" => data_of[tar([[:link, "a", "../../evil"]])], "data-link-absolute" => data_of[tar([[:link, "a", "/etc/passwd"]])],
    "data-behind-link" => data_of[tar([[:link, "a", "lib"], ["a/b", "x"]])], "data-twice" => data_of[tar([["a", "1"], ["a", "2"]])], "data-twice-dot" => data_of[tar([["a", "1"], ["./a", "2"]])], "data-under-file" => data_of[tar([["a", "1"], ["a/b", "2"]])], "data-pax" => data_of[raw("x", "12 path=evil\n", type: "x") + raw("a", "x") + FINISH],
    "data-hard-link" => data_of[tar([["a", "1"]])[0...-1024] + header("b", 0, type: "1", link: "a") + FINISH], "data-device" => data_of[header("a", 0, type: "3") + FINISH], "data-garbage" => data_of[tar([["a", "1"]]) + "x"], "data-no-end" => data_of[tar([["a", "1"]])[0...-1024]], "data-not-gz" => pack(YAML_TEXT, tar([["a", "1"]])), "data-bytes" => pack(YAML_TEXT, "x"),
    "bomb" => pack(YAML_TEXT + "# #{"x" * (11 << 20)}\n"), "latin1" => pack(YAML_TEXT.b.sub("summary: S".b, "summary: \xE9".b)), "gz-flags" => tar([["metadata.gz", metadata.dup.tap { |bytes| bytes[3] = "\x02".b }], good[1]]), "gz-crc" => tar([["metadata.gz", metadata.dup.tap { |bytes| bytes[-8] = (bytes[-8].ord ^ 1).chr }], good[1]]),
  }
end

ALPHABET = (":-#'\"[]{}!&*|>%@,?~=<\\ \n0123456789aZé.+_" + "\t\r\0\u0085\u2028\u{1F600}").chars.freeze
SNIPPETS = [": ", " #", "- ", "\n  ", "\n", "  ", "''", "\\n", "|\n  ", ">-\n  ", "|2\n    ", "? ", "!!str ", "! ", "&a ", "*a", "~", "yes", "1.0", ":x", "---\n", "...\n", "\n\n", "\\x41", "\\u00e9", "\\\n", "'\n '", "\"", "<<: ", "0x1", "\n# c\n", "\\/", "\\e", "\\ ", "- - "].freeze

def mutate_text(text)
  text = text.dup
  (1 + RNG.rand(3)).times do
    place = RNG.rand(text.size + 1)
    case RNG.rand(7)
    when 0 then text.insert(place, pick(ALPHABET))
    when 1 then text[place, 1 + RNG.rand(3)] = ""
    when 2 then text.insert(place, pick(SNIPPETS))
    when 3 then text[place, 1] = pick(ALPHABET)
    when 4 then lines = text.lines.then { |all| all.insert(RNG.rand(all.size), pick(all)); all }; text = lines.join
    when 5 then lines = text.lines.then { |all| all.delete_at(RNG.rand(all.size)); all }; text = lines.join
    when 6 then lines = text.lines.then { |all| i = RNG.rand(all.size); all[i] = pick(["  ", " "]) + all[i]; all }; text = lines.join
    end
  end
  text
end

# A good gemspec with a text field replaced by random YAML.
def with_random_scalar(yaml)
  scalar = Array.new(1 + RNG.rand(6)) { pick([*SNIPPETS, *ALPHABET, "word", "two words", "é"]) }.join
  quoted = case RNG.rand(6)
           when 0 then "\"#{scalar.delete('"')}\""
           when 1 then "'#{scalar.delete("'")}'"
           when 2 then "|#{pick(["", "-", "+", "2", "1-", "3+"])}\n#{scalar.lines.map { |line| "  #{line}" }.join}"
           when 3 then ">#{pick(["", "-", "+", "2"])}\n#{scalar.lines.map { |line| "  #{line}" }.join}"
           else scalar
           end
  yaml.sub(/^#{pick(%w[summary description])}:.*(\n  .*)*\n/) { "#{$&[/\A\w+/]}: #{quoted}\n" }
end

def mutate_bytes(bytes)
  bytes = bytes.dup
  (1 + RNG.rand(2)).times do
    place = RNG.rand(bytes.bytesize)
    case RNG.rand(4)
    when 0 then bytes.setbyte(place, bytes.getbyte(place) ^ (1 << RNG.rand(8)))
    when 1 then bytes = bytes.byteslice(0, place)
    when 2 then bytes = bytes.byteslice(0, place) + RNG.bytes(1 + RNG.rand(4)) + bytes.byteslice(place..)
    when 3 then bytes = bytes.byteslice(0, place) + bytes.byteslice([place + 512, bytes.bytesize].min..)
    end
    break if bytes.empty?
  end
  bytes
end

good_shapes.each { |name, bytes| save("good-#{name}", bytes) }
crooked_yaml.each { |name, yaml| save("bad-yaml-#{name}", pack(yaml)) }
crooked_files.each { |name, bytes| save("bad-file-#{name}", bytes) }
ODD.times do |number|
  yaml = specification.to_yaml
  bytes = case number % 8
          when 0 then pack(yaml)
          when 1, 2, 3 then pack(mutate_text(yaml))
          when 4, 5 then pack(with_random_scalar(yaml))
          when 6 then pack(mutate_text(with_random_scalar(YAML_TEXT)))
          when 7 then mutate_bytes(pack(yaml))
          end
  save(format("odd-%05d", number), bytes)
end
