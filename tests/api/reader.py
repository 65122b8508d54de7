"""Reads a log with somebody else's program: the newest independent reader that this Python can run.

    python reader.py LOG VKEY-FILE OLD-CHECKPOINT INDEX...

LOG is the address of the log. Prints which reader it was and how many tiles and entry bundles it authenticated; ends with 1
and a reason where something does not verify.
"""

import contextlib
import io
import json
import sys


def aics(log, vkey, old, indexes):
    """aics-tlog: its commands as they are typed, and its walk over every tile."""
    from aics_tlog.checkpoint import parse_checkpoint
    from aics_tlog.cli import main
    from aics_tlog.note import parse_note
    from aics_tlog.remote import HttpTileReader
    from aics_tlog.verified import audit_tiles

    def run(*arguments):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = main([*arguments, "--tiles", log, "--vkey-file", vkey])
        assert code == 0, said.getvalue()
        return json.loads(said.getvalue())

    new = old + ".new"
    run("verify-checkpoint", "--save-checkpoint", new)
    for index in indexes:
        run("verify-inclusion", "--index", str(index))
    run("verify-consistency", "--old-checkpoint", old)
    checkpoint = parse_checkpoint(parse_note(open(new, encoding="utf-8").read()).text)
    report = audit_tiles(HttpTileReader(log, proxies={}), checkpoint.size, checkpoint.root)
    return {"reader": "aics-tlog", "size": report.size, "tiles": report.tiles, "bundles": report.bundles}


def scales(log, vkey, old, indexes):
    """tlog-scales: proofs made from tiles, and every tile held against the one above it or the root."""
    from tlog_scales.backend import make_backend
    from tlog_scales.reader import TilesReader
    from tlog_scales.signing import Vkey
    from tlog_scales.tiles import leaf_hash, level_tiles, next_split
    from tlog_scales.tlog import Checkpoint
    from tlog_scales.utils import sha256

    key = Vkey.from_string(open(vkey, encoding="utf-8").read().strip())
    before = Checkpoint.from_text(open(old, encoding="utf-8").read())
    reader = TilesReader(make_backend(log))
    checkpoint = reader.get_checkpoint()
    size, root = checkpoint.size, checkpoint.root_hash
    for each in (before, checkpoint):
        each.verify(key)
    assert reader.calculate_root_hash() == root, "the tiles give another root"
    for index in indexes:
        proof = reader.get_inclusion_proof(index, size)
        proof.check(leaf_hash(reader.get_entry(index)), root)
    reader.get_consistency_proof(before.size, size).check(before.root_hash, root)

    def mth(hashes):
        if len(hashes) == 1:
            return hashes[0]
        k = next_split(len(hashes))
        return sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:]))

    def tiles(level):
        full, width = level_tiles(size, level)
        for n in range(full + (width > 0)):
            tile = reader._get_tile(level, n, width if n == full else 0)
            assert tile is not None and tile.length == (width if n == full else 256), f"tile {level} {n}"
            yield tile.entries

    below = [[leaf_hash(entry) for entry in entries] for entries in tiles(-1)]
    counted, level = 0, 0
    while below:
        found = list(tiles(level))
        assert found == below, f"the tiles of level {level} do not fit those below"
        counted, level = counted + len(found), level + 1
        roots = [mth(hashes) for hashes in found if len(hashes) == 256]
        below = [roots[at : at + 256] for at in range(0, len(roots), 256)]
    return {"reader": "tlog-scales", "size": size, "tiles": counted, "bundles": (size + 255) // 256}


log, vkey, old, *indexes = sys.argv[1:]
indexes = [int(index) for index in indexes]
# What is installed depends on this Python alone; see tests/setup/requirements.txt.
read = aics if sys.version_info >= (3, 12) else scales
try:
    print(json.dumps(read(log, vkey, old, indexes)))
except Exception as error:  # noqa: BLE001
    sys.exit(f"{type(error).__name__}: {error}")
