#!/usr/bin/env ruby
# frozen_string_literal: true

# Checks a receipt of a gemledger registry without any server, gem or program of the registry.
#
#   ruby verify.rb VKEY RECEIPT [GEM]
#
# VKEY is the log's verification key, or a file with it; RECEIPT is a .tlog-proof file; GEM is the file that it is to be
# of. It needs Ruby 3.1 or newer and nothing else. Exit codes: 0 verified, 1 not verified, 2 could not tell.
#
# The receipt (c2sp.org/tlog-proof) holds the event itself, the way from it to the root of the log, and the log's signed
# checkpoint (c2sp.org/tlog-checkpoint, c2sp.org/signed-note) of that root.

require "digest"
require "json"
require "openssl"

Refused = Class.new(StandardError)

def refuse(reason) = raise(Refused, reason)

# Base64 with one spelling only: a receipt cannot be changed and stay valid.
def base64(text)
  bytes = text.unpack1("m0")
  [bytes].pack("m0") == text ? bytes : refuse("this is not base64: #{text.inspect}")
rescue ArgumentError
  refuse("this is not base64: #{text.inspect}")
end

def decimal(text)
  text&.match?(/\A(0|[1-9][0-9]{0,18})\z/) ? text.to_i : refuse("this is not a number: #{text.inspect}")
end

# name+id+base64(type || key), where the id is the beginning of SHA-256(name || newline || type || key).
Key = Struct.new(:name, :id, :ed25519) do
  def self.parse(text)
    match = text.strip.match(%r{\A([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\z}) or refuse("this is not a verification key")
    name, id, key = match.captures
    key = base64(key)
    refuse("the key is not of Ed25519") unless key.bytesize == 33 && key.start_with?("\x01".b)
    refuse("the key has another id") unless Digest::SHA256.hexdigest("#{name}\n".b + key)[0, 8] == id
    new(name, [id].pack("H*"), key[1..])
  end

  def signed?(text, signature)
    # The header of a SubjectPublicKeyInfo with an Ed25519 key (RFC 8410).
    spki = ["302a300506032b6570032100"].pack("H*") + ed25519
    OpenSSL::PKey.read(spki).verify(nil, signature, text)
  rescue OpenSSL::PKey::PKeyError
    false
  end
end

# The size and root of the tree, if the key signed them.
def checkpoint(note, key)
  text, break_, signatures = note.rpartition("\n\n")
  refuse("the checkpoint is not signed") if break_.empty? || !signatures.end_with?("\n")
  text += "\n"
  mine = signatures.lines(chomp: true).filter_map do |line|
    match = line.match(%r{\A— ([^\s+]+) (\S+)\z}) or refuse("this is not a signature: #{line.inspect}")
    bytes = base64(match[2])
    bytes[4..] if match[1] == key.name && bytes[0, 4] == key.id
  end
  refuse("the checkpoint is not signed by #{key.name}") unless mine.size == 1 && key.signed?(text, mine.first)
  origin, size, root, = text.split("\n")
  refuse("the checkpoint is of #{origin.inspect}, the key of #{key.name}") unless origin == key.name
  [decimal(size), base64(root.to_s)]
end

def node(left, right) = Digest::SHA256.digest("\x01".b + left + right)

# The root that the proof leads to (RFC 9162, 2.1.3.2).
def root(leaf, index, size, proof)
  refuse("the checkpoint does not cover log index #{index}") unless index < size
  at, last = index, size - 1
  proof.each do |hash|
    refuse("a hash of the proof has not 32 bytes") unless hash.bytesize == 32
    refuse("the proof is too long") if last.zero?
    if at.odd? || at == last
      leaf = node(hash, leaf)
      at, last = at >> 1, last >> 1 until at.odd? || at.zero?
    else
      leaf = node(leaf, hash)
    end
    at, last = at >> 1, last >> 1
  end
  last.zero? ? leaf : refuse("the proof is too short")
end

# What the log says, and under which log index, if the receipt proves it.
def verify(receipt, key)
  receipt = receipt.dup.force_encoding(Encoding::UTF_8)
  refuse("the receipt is not UTF-8") unless receipt.valid_encoding?
  head, break_, note = receipt.partition("\n\n")
  header, extra, index, *proof = head.split("\n", -1)
  refuse("this is not a receipt") unless header == "c2sp.org/tlog-proof@v1" && !break_.empty?
  refuse("the receipt holds no event") unless extra&.start_with?("extra ")
  refuse("the receipt names no log index") unless index&.start_with?("index ")
  leaf, index = base64(extra.delete_prefix("extra ")), decimal(index.delete_prefix("index "))
  size, signed = checkpoint(note, key)
  proven = root(Digest::SHA256.digest("\x00".b + leaf), index, size, proof.map { |line| base64(line) })
  refuse("the proof does not lead to the signed root") unless proven == signed
  event = JSON.parse(leaf)
  refuse("the leaf is no event") unless event.is_a?(Hash) && event["data"].is_a?(Hash)
  [event, index]
rescue JSON::ParserError
  refuse("the leaf is not JSON")
end

# That the event is the release of this file.
def verify_gem(event, gem)
  refuse("the receipt is of #{event["type"].inspect}, not of a release") unless event["type"] == "release.pushed"
  logged, found = event["data"]["digest"], "sha256:#{Digest::SHA256.hexdigest(gem)}"
  refuse("the file has #{found} and the log says #{logged.inspect}") unless logged == found
end

if $PROGRAM_NAME == __FILE__
  abort_with = ->(text, code) { warn(text) || exit(code) }
  abort_with.("usage: ruby verify.rb VKEY RECEIPT [GEM]", 2) unless (2..3).cover?(ARGV.size)
  begin
    vkey, receipt, gem = ARGV
    key = Key.parse(File.file?(vkey) ? File.read(vkey) : vkey)
    receipt, gem = File.binread(receipt), gem && File.binread(gem)
  rescue SystemCallError, Refused => e
    abort_with.("could not tell: #{e.message}", 2)
  end
  begin
    event, index = verify(receipt, key)
    verify_gem(event, gem) if gem
  rescue Refused => e
    abort_with.("not verified: #{e.message}", 1)
  end
  puts "verified: log index #{index} of #{key.name} is"
  # JSON in ASCII, which cannot play tricks on a terminal.
  puts JSON.generate(event, ascii_only: true)
end
