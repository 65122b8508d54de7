"""Reads the registry's word on a release with libraries that share no code with it, and recomputes it from the log.

Usage: vsa.py ENVELOPE KEYS EVENTS GEM BUNDLES. Prints what the statement says as JSON; fails where anything does not fit.
"""
import base64
import hashlib
import json
import sys

from google.protobuf import json_format
from in_toto_attestation.predicates.vsa.v1 import vsa_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

envelope = json.load(open(sys.argv[1]))
keys = json.load(open(sys.argv[2]))
events = [json.loads(line)["leaf"] for line in open(sys.argv[3]) if '"leaf"' in line]
gem = open(sys.argv[4], "rb").read()
bundles = open(sys.argv[5]).read()

# The signature: by the key that the log introduced last before the release.
signed = Envelope.from_dict(envelope)
[keyid] = signed.signatures.keys()
[jwk] = [key["jwk"] for key in keys if key["keyid"] == keyid]
public = base64.urlsafe_b64decode(jwk["x"] + "=").hex()
# The name that securesystemslib's Go library computes of a key in PEM: what has another name is not held against it.
wire = b"".join(len(part).to_bytes(4, "big") + part for part in (b"ssh-ed25519", bytes.fromhex(public)))
computed = base64.b64encode(hashlib.sha256(wire).digest()).decode().rstrip("=")
assert keyid == "SHA256:" + computed, "another name"
key = SSlibKey(keyid, "ed25519", "ed25519", {"public": public})
signed.verify([key], 1)
release = next(event for event in events if event["type"] == "release.pushed")
place = events.index(release)
introduced = [event for event in events[:place] if event["type"] == "statement_key.introduced"]
assert introduced[-1]["data"]["jwk"] == jwk, "another key was in force"

# The digest that the log holds.
assert signed.payload_type == "application/vnd.in-toto+json"
digest = "sha256:" + hashlib.sha256(signed.payload).hexdigest()
assert digest == release["data"]["statement"], "the log holds another digest"

# The shape: an in-toto statement, and a predicate without a field that its specification does not know.
statement = json.loads(signed.payload)
parsed = json_format.Parse(signed.payload, Statement([], "", {}).pb)
Statement.copy_from_pb(parsed).validate()
predicate = statement["predicate"]
# The library's own definition has one level where the specification has a list.
one = {**predicate, "verifiedLevels": " ".join(predicate["verifiedLevels"])}
json_format.ParseDict(one, vsa_pb2.VerificationSummary())
assert statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
[subject] = statement["subject"]
assert subject["digest"]["sha256"] == hashlib.sha256(gem).hexdigest(), "another file"

# The policy's digest, from the events of its stream.
policy = release["data"]["policy"]
digest = bytes(32)
for event in events:
    if event["stream"] == policy["stream"] and event["revision"] <= policy["revision"]:
        data = json.dumps(event["data"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        digest = hashlib.sha256(digest + event["type"].encode() + b"\n" + data.encode()).digest()
assert predicate["policy"]["digest"]["sha256"] == digest.hex(), "another policy"
assert predicate["timeVerified"] == release["time"]

# The bundles, each by the digest of its exact bytes in the array that is served.
decoder, digests, at = json.JSONDecoder(), [], 1
while bundles[at] != "]":
    if bundles[at] in " ,":
        at += 1
        continue
    _, end = decoder.raw_decode(bundles, at)
    digests.append(hashlib.sha256(bundles[at:end].encode()).hexdigest())
    at = end
attested = [event["data"] for event in events[place + 1:] if event["type"] == "release.attested"]
assert digests == [data["bundle"].removeprefix("sha256:") for data in attested], "other bundles"
inputs = predicate["inputAttestations"] if attested else []
assert digests == [given["digest"]["sha256"] for given in inputs], "other bundles"
logged = any("entry" in data for data in attested)
assert ("GEMLEDGER_ATTESTED_SAME_RUN" in predicate["verifiedLevels"]) == logged, "another level"

print(json.dumps(statement))
