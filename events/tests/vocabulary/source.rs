//! What `events/src` says of its own structures: just enough Rust to read their fields and comments.
use std::collections::BTreeMap;

/// A field of a structure.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) optional: bool,
    pub(crate) meaning: String,
}

/// A structure: what its comment says, and its fields.
pub(crate) struct Shape {
    pub(crate) meaning: String,
    pub(crate) fields: Vec<Field>,
}

/// The comment above, with links to Rust items reduced to their names.
fn plain(lines: &[&str]) -> String {
    let lines: Vec<_> = lines
        .iter()
        .filter(|line| !line.is_empty())
        .copied()
        .collect();
    let mut text = lines.join(" ").replace("[`", "`").replace("`]", "`");
    while let Some(at) = text.find("`(") {
        let end = text[at..].find(')').unwrap();
        text.replace_range(at + 1..=at + end, "");
    }
    text.trim().to_string()
}

/// Every public structure of a source, by its name.
pub(crate) fn shapes(source: &str) -> BTreeMap<String, Shape> {
    let mut shapes = BTreeMap::new();
    let (mut comment, mut rename) = (Vec::new(), None::<String>);
    let mut open: Option<(String, Shape)> = None;
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment.push(text.trim());
        } else if line.starts_with("#[") {
            let named = line.split_once("rename = \"").map(|(_, rest)| rest);
            let named = named.and_then(|rest| rest.split_once('"'));
            rename = named.map(|(name, _)| name.to_string()).or(rename);
        } else if let Some(name) = line.strip_prefix("pub struct ") {
            let shape = Shape {
                meaning: plain(&std::mem::take(&mut comment)),
                fields: Vec::new(),
            };
            if let Some(name) = name.strip_suffix(" {}") {
                shapes.insert(name.to_string(), shape);
            } else if let Some(name) = name.strip_suffix(" {") {
                open = Some((name.to_string(), shape));
            }
        } else if let Some((_, shape)) = &mut open
            && let Some((name, kind)) = line.strip_prefix("pub ").and_then(|it| it.split_once(": "))
        {
            let kind = kind.trim_end_matches(',');
            let inner = kind
                .strip_prefix("Option<")
                .and_then(|it| it.strip_suffix('>'));
            shape.fields.push(Field {
                name: rename.take().unwrap_or_else(|| name.to_string()),
                kind: inner.unwrap_or(kind).to_string(),
                optional: inner.is_some(),
                meaning: plain(&std::mem::take(&mut comment)),
            });
        } else {
            if line == "}"
                && let Some((name, shape)) = open.take()
            {
                shapes.insert(name, shape);
            }
            comment.clear();
            rename = None;
        }
    }
    shapes
}

/// The module and the structure behind each type of event, as `body.rs` lists them.
pub(crate) fn data_types() -> BTreeMap<String, (String, String)> {
    let body = include_str!("../../src/body.rs");
    let (_, vocabulary) = body.split_once("\nvocabulary! {").unwrap();
    let lines = vocabulary
        .lines()
        .filter_map(|line| line.trim().split_once('(')?.1.split_once(") = \""));
    lines
        .map(|(data, rest)| {
            let (module, structure) = data.split_once("::").unwrap();
            let (name, _) = rest.split_once('"').unwrap();
            (
                name.to_string(),
                (module.to_string(), structure.to_string()),
            )
        })
        .collect()
}
