//! A mirror of a served ledger, as a folder: what anybody could have copied.
use std::{fs, path::Path};

use tlog::{Checkpoint, VerifierKey, entries_of, tiles_of};

use super::http::found;

/// Copies checkpoint, key, tiles and entries, and these files of the registry; says how many events the checkpoint covers.
pub(crate) fn mirror(url: &str, to: &Path, files: &[String]) -> u64 {
    let put = |name: &str, bytes: &[u8]| {
        let path = to.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let note = found(&format!("{url}/log/checkpoint"));
    let vkey = String::from_utf8(found(&format!("{url}/log/vkey"))).unwrap();
    let key = VerifierKey::parse(vkey.trim_end()).unwrap();
    let size = Checkpoint::open(&note, &key).unwrap().size();
    put("checkpoint", &note);
    put("vkey", vkey.as_bytes());
    let tiles = tiles_of(size)
        .take_while(|tile| tile.level() < 8)
        .map(|tile| tile.to_string());
    for path in tiles.chain(entries_of(size).map(|entries| entries.to_string())) {
        put(
            &format!("tile/{path}"),
            &found(&format!("{url}/log/tile/{path}")),
        );
    }
    for name in files {
        put(name, &found(&format!("{url}/{name}")));
    }
    size
}
