//! Git repositories, written object by object as git's documentation describes them: no git, no library.
use std::{collections::BTreeMap, fs, io::Write as _, path::Path};

use flate2::{Compression, write::ZlibEncoder};
use sha1::{Digest as _, Sha1};
use tempfile::TempDir;

/// What stands at a path.
#[derive(Clone, Debug)]
pub(crate) enum At {
    File(Vec<u8>),
    Executable(Vec<u8>),
    Link(&'static str),
    /// A commit of another repository.
    Submodule(String),
    /// An object that is not in the repository, by its id.
    Missing(String),
}

/// A file's bytes.
pub(crate) fn file(bytes: impl AsRef<[u8]>) -> At {
    At::File(bytes.as_ref().to_vec())
}

/// An object: its kind and its bytes.
pub(crate) type Object = (&'static str, Vec<u8>);

/// A bare repository on disk.
pub(crate) struct Git {
    pub(crate) folder: TempDir,
    pub(crate) objects: BTreeMap<String, Object>,
}

fn unhex(id: &str) -> Vec<u8> {
    events::digest::unhex(id).unwrap()
}

pub(crate) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn framed(kind: &str, bytes: &[u8]) -> Vec<u8> {
    [format!("{kind} {}\0", bytes.len()).as_bytes(), bytes].concat()
}

pub(crate) fn id_of(kind: &str, bytes: &[u8]) -> String {
    events::digest::hex(&Sha1::digest(framed(kind, bytes)))
}

impl Git {
    pub(crate) fn bare() -> Self {
        let git = Self {
            folder: tempfile::tempdir().unwrap(),
            objects: BTreeMap::new(),
        };
        fs::create_dir_all(git.path().join("objects")).unwrap();
        fs::create_dir_all(git.path().join("refs/heads")).unwrap();
        fs::write(git.path().join("HEAD"), "ref: refs/heads/main\n").unwrap();
        git.configure("");
        git
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The repository's configuration, with more lines.
    pub(crate) fn configure(&self, more: &str) {
        let text = format!("[core]\n\trepositoryformatversion = 0\n\tbare = true\n{more}");
        fs::write(self.path().join("config"), text).unwrap();
    }

    pub(crate) fn put(&mut self, kind: &'static str, bytes: &[u8]) -> String {
        let id = id_of(kind, bytes);
        self.put_as(&id, kind, bytes);
        id
    }

    /// Puts an object under an id, whether it is its own or not.
    pub(crate) fn put_as(&mut self, id: &str, kind: &'static str, bytes: &[u8]) {
        let folder = self.path().join("objects").join(&id[..2]);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(&id[2..]), zlib(&framed(kind, bytes))).unwrap();
        self.objects.insert(id.to_owned(), (kind, bytes.to_vec()));
    }

    /// A tree of these entries, as they are: mode, name, id.
    pub(crate) fn raw_tree(&mut self, entries: &[(&str, &[u8], String)]) -> String {
        let bytes: Vec<u8> = entries
            .iter()
            .flat_map(|(mode, name, id)| [mode.as_bytes(), b" ", name, b"\0", &unhex(id)].concat())
            .collect();
        self.put("tree", &bytes)
    }

    /// The tree of these paths.
    pub(crate) fn tree(&mut self, files: &[(&str, At)]) -> String {
        // Names sort as if those of folders ended with a slash.
        let mut entries = BTreeMap::<String, (&str, String, String)>::new();
        let mut folders = BTreeMap::<&str, Vec<(&str, At)>>::new();
        for (path, at) in files {
            if let Some((folder, rest)) = path.split_once('/') {
                folders.entry(folder).or_default().push((rest, at.clone()));
                continue;
            }
            let (mode, id) = match at {
                At::File(bytes) => ("100644", self.put("blob", bytes)),
                At::Executable(bytes) => ("100755", self.put("blob", bytes)),
                At::Link(target) => ("120000", self.put("blob", target.as_bytes())),
                At::Submodule(id) => ("160000", id.clone()),
                At::Missing(id) => ("100644", id.clone()),
            };
            entries.insert((*path).to_owned(), (mode, (*path).to_owned(), id));
        }
        for (folder, files) in folders {
            let id = self.tree(&files);
            entries.insert(format!("{folder}/"), ("40000", folder.to_owned(), id));
        }
        let entries: Vec<_> = entries
            .values()
            .map(|(mode, name, id)| (*mode, name.as_bytes(), id.clone()))
            .collect();
        self.raw_tree(&entries)
    }

    pub(crate) fn commit_of(&mut self, tree: &str) -> String {
        let who = "A <a@example.com> 1795402502 +0000";
        let text = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nRelease\n");
        let id = self.put("commit", text.as_bytes());
        fs::write(self.path().join("refs/heads/main"), format!("{id}\n")).unwrap();
        id
    }

    /// A commit with these files, and the branch `main` on it.
    pub(crate) fn commit(&mut self, files: &[(&str, At)]) -> String {
        let tree = self.tree(files);
        self.commit_of(&tree)
    }

    /// An annotated tag.
    pub(crate) fn tag(&mut self, name: &str, kind: &str, id: &str) -> String {
        let text = format!(
            "object {id}\ntype {kind}\ntag {name}\ntagger A <a@example.com> 1795402502 +0000\n\nRelease\n"
        );
        self.put("tag", text.as_bytes())
    }

    /// A pack of everything, each object whole.
    pub(crate) fn pack(&self) -> Vec<u8> {
        let count = u32::try_from(self.objects.len()).unwrap();
        let mut pack = [
            b"PACK".as_slice(),
            &2_u32.to_be_bytes(),
            &count.to_be_bytes(),
        ]
        .concat();
        for (kind, bytes) in self.objects.values() {
            let kind = ["commit", "tree", "blob", "tag"]
                .iter()
                .position(|name| name == kind)
                .unwrap();
            let mut size = bytes.len();
            let mut byte = u8::try_from((kind + 1) << 4 | size & 15).unwrap();
            size >>= 4;
            while size > 0 {
                pack.push(byte | 0x80);
                byte = u8::try_from(size & 0x7f).unwrap();
                size >>= 7;
            }
            pack.push(byte);
            pack.extend(zlib(bytes));
        }
        pack.extend(Sha1::digest(&pack));
        pack
    }
}
