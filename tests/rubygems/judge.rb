# Says how Ruby reads things, as JSON, so that the tests can compare. Usage: ruby judge.rb MODE [FOLDER] < LINES
require "json"
require "rubygems"
require "rubygems/package"
require "rubygems/resolver"
require "rubygems/specification_policy"
require "rubygems/user_interaction"
require "stringio"
require "time"
require "zlib"

Gem::DefaultUserInteraction.ui = Gem::SilentUI.new

def specification(spec)
  {
    authors: spec.authors, date: spec.date.utc.strftime("%F"), description: spec.description, emails: Array(spec.email),
    dependencies: spec.dependencies.map { |d| { kind: d.type.to_s, name: d.name, requirement: d.requirement.to_s } },
    executables: spec.executables, has_extensions: !spec.extensions.empty?, homepage: spec.homepage, licenses: spec.licenses,
    metadata: spec.metadata, name: spec.name, platform: (spec.original_platform || "ruby").to_s,
    required_ruby_version: spec.required_ruby_version.to_s, required_rubygems_version: spec.required_rubygems_version.to_s,
    rubygems_version: spec.rubygems_version, specification_version: spec.specification_version, summary: spec.summary, version: spec.version.to_s,
  }
end

def judge_gem(path)
  package = Gem::Package.new(path)
  spec = package.spec
  Gem::SpecificationPolicy.new(spec).validate
  { ok: specification(spec), file_name: spec.file_name, entries: package.contents.size }
rescue StandardError, SyntaxError => error
  { error: "#{error.class}: #{error.message}" }
end

# What the loaders of newer RubyGems allow in a quick spec; this one loads anything, so the bytes are walked.
class StrictMarshal
  CLASSES = %w[Time Gem::Dependency Gem::Platform Gem::Requirement Gem::Specification Gem::Version].freeze
  VARIABLES = { "Gem::Dependency" => %w[@name @requirement @prerelease @version_requirements @type], "Gem::Platform" => %w[@os @cpu @version], "Time" => %w[zone], nil => %w[E] }.freeze

  def self.check(bytes) = new(bytes).check
  def initialize(bytes) = (@io, @symbols = StringIO.new(bytes.b), [])

  def check
    raise "header" unless @io.read(2) == "\x04\b".b
    element
    raise "trailing bytes" unless @io.eof?
  end

  private

  def integer
    byte = @io.getbyte
    return 0 if byte.zero?
    return Array.new(byte) { |place| @io.getbyte << (8 * place) }.sum if byte <= 4
    raise "negative" if byte >= 128
    byte - 5
  end

  def symbol
    case @io.getc
    when ":" then @io.read(integer).tap { |name| @symbols << name }
    when ";" then @symbols.fetch(integer)
    else raise "no symbol"
    end
  end

  def class_name = symbol.tap { |name| raise "class #{name}" unless CLASSES.include?(name) }

  def variables(owner)
    integer.times do
      name = symbol
      raise "variable #{name} of #{owner}" unless VARIABLES.fetch(owner).include?(name)
      element
    end
  end

  def element
    case type = @io.getc
    when "0", "T", "F" then nil
    when "i" then integer
    when "[" then integer.times { element }
    when "{" then integer.times { 2.times { element } }
    when ":", ";" then @io.ungetc(type) || symbol.then { |name| raise "symbol #{name}" unless %w[development runtime].include?(name) }
    when "I" then instance
    when "o" then variables(class_name)
    when "U" then class_name && element
    when "u" then user_defined
    else raise "type #{type.inspect}"
    end
  end

  def instance
    case @io.getc
    when "\"" then @io.read(integer) && variables(nil)
    when "u" then variables(user_defined)
    else raise "instance"
    end
  end

  def user_defined
    name = class_name
    bytes = @io.read(integer)
    StrictMarshal.check(bytes) if name == "Gem::Specification"
    name
  end
end

def quick(path)
  bytes = Zlib.inflate(File.binread(path))
  StrictMarshal.check(bytes)
  spec = Marshal.load(bytes)
  encodings = [spec.name, spec.summary, *spec.authors, *spec.metadata.to_a.flatten].map { |text| [text.encoding, text.valid_encoding?] }.uniq
  raise "encodings #{encodings}" unless encodings == [[Encoding::UTF_8, true]]
  platform = spec.instance_variable_get(:@new_platform)
  # `_load` puts the licences where no reader looks for them.
  spec.licenses = spec.instance_variable_get(:@license)
  { ok: specification(spec), parts: platform.is_a?(Gem::Platform) ? platform.to_a : nil, full_name: spec.full_name }
end

def index(path)
  bytes = Zlib.gunzip(File.binread(path))
  StrictMarshal.check(bytes)
  Marshal.load(bytes).map { |name, version, platform| [name, version.to_s, platform] }
end

def compare(line)
  left, right = line.split.map { |text| Gem::Version.new(text) }
  { order: left <=> right, canonical: [left, right].map { |version| version.canonical_segments.join(".") }, prerelease: left.prerelease? }
end

def requirement(line)
  { ok: Gem::Requirement.new(line.split(",", -1)).to_s }
rescue Gem::Requirement::BadRequirementError, ArgumentError
  { error: true }
end

def judge_platform(line)
  read = Gem::Platform.new(line)
  { text: read.to_s, parts: read.is_a?(Gem::Platform) ? read.to_a : nil }
end

def info(line)
  version, platform, dependencies, properties = Gem::Resolver::APISet::GemParser.new.parse(line)
  { version: version, platform: platform, dependencies: dependencies, properties: properties }
end

lines = -> { $stdin.read.force_encoding("UTF-8").split("\n") }
files = ->(&read) { Dir.children(ARGV[1]).sort.to_h { |name| [name, read.call(File.join(ARGV[1], name))] } }
# Gem::Package warns of every damaged file.
$stderr = StringIO.new if ARGV[0] == "gems"
result = case ARGV[0]
         when "gems" then files.call { |path| judge_gem(path) }
         when "quick" then files.call { |path| quick(path) }
         when "index" then files.call { |path| index(path) }
         when "versions" then lines.call.map { |line| compare(line) }
         when "requirements" then lines.call.map { |line| requirement(line) }
         when "platforms" then lines.call.map { |line| judge_platform(line) }
         when "info" then lines.call.map { |line| info(line) }
         else abort "unknown mode"
         end
puts JSON.generate(result)
