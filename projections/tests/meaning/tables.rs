//! The tables: every write fits one of them.
use std::collections::{BTreeMap, BTreeSet};

use events::{Event, Recorded};
use projections::{
    Write, index, rows,
    tables::{ALL, Projection},
    write::Cells,
};

/// The columns of each table, and those that have a value even if nobody gives one.
fn columns(
    projection: &Projection,
) -> BTreeMap<&'static str, (BTreeSet<&'static str>, BTreeSet<&'static str>)> {
    let mut tables = BTreeMap::new();
    let statements = projection.ddl.split("CREATE TABLE ").skip(1);
    for statement in statements {
        let (name, rest) = statement.split_once(" (\n").unwrap();
        let (body, _) = rest.split_once("\n)").unwrap();
        let lines = body
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("PRIMARY KEY"));
        let named = |line: &'static str| line.split_once(' ').map(|(column, _)| column);
        let lines: Vec<_> = lines.collect();
        let optional =
            |line: &&&'static str| !line.contains("NOT NULL") || line.contains("DEFAULT");
        let all = lines.iter().filter_map(|line| named(line)).collect();
        let free = lines
            .iter()
            .filter(optional)
            .filter_map(|line| named(line))
            .collect();
        tables.insert(name, (all, free));
    }
    tables
}

#[test]
fn a_projection_makes_exactly_the_tables_it_names_and_each_bears_its_revision() {
    for projection in &ALL {
        let made: Vec<_> = columns(projection).into_keys().collect();
        let mut named = projection.tables.to_vec();
        named.sort_unstable();
        assert_eq!(made, named);
        let revision = |name: &str| {
            name.rsplit_once("_r")
                .map(|(_, revision)| revision.to_owned())
        };
        for table in &named {
            assert_eq!(revision(table), revision(projection.name), "{table}");
            assert!(revision(table).is_some_and(|it| it.parse::<u32>().is_ok()));
        }
        for index in projection.ddl.split("INDEX ").skip(1) {
            assert!(
                named.iter().any(|table| index.starts_with(table)),
                "{index}"
            );
        }
    }
}

/// Every golden event that there is.
fn golden() -> Vec<Recorded> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../events/vectors");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let leaves = files.filter(|file| file.extension().is_some_and(|it| it == "bytes"));
    let events = leaves.map(|file| Event::read(&std::fs::read(file).unwrap()).unwrap());
    (0..)
        .zip(events)
        .map(|(index, event)| Recorded { index, event })
        .collect()
}

#[test]
fn every_write_of_every_event_names_columns_that_exist() {
    let mut tables = BTreeMap::new();
    for projection in &ALL {
        tables.extend(columns(projection));
    }
    let mut written = BTreeSet::new();
    for recorded in golden() {
        let mut writes = rows::project(&recorded);
        writes.extend(index::fold(&mut index::Info::default(), &recorded));
        for write in writes {
            let (table, cells): (_, Cells) = match write {
                Write::Put { table, key, set } => (table, key.into_iter().chain(set).collect()),
                Write::Add {
                    table,
                    key,
                    column,
                    by,
                } => {
                    let added = (column, projections::Cell::Integer(by));
                    (table, key.into_iter().chain([added]).collect())
                }
                Write::Delete { table, key } => (table, key),
            };
            let (all, _) = &tables[table];
            for (column, _) in cells {
                assert!(all.contains(column), "{table} has no column {column}");
                written.insert((table, column));
            }
        }
    }
    for (table, (all, _)) in &tables {
        for column in all {
            assert!(
                written.contains(&(*table, *column)),
                "nothing ever writes {table}.{column}"
            );
        }
    }
}

#[test]
fn the_first_write_of_a_row_gives_every_column_that_needs_a_value() {
    let mut tables = BTreeMap::new();
    for projection in &ALL {
        tables.extend(columns(projection));
    }
    let makers = [
        "provider.registered",
        "account.created",
        "gem.registered",
        "publisher.added",
    ];
    let makers = [
        &makers[..],
        &[
            "pending_publisher.added",
            "api_key.issued",
            "release.pushed",
        ],
    ]
    .concat();
    for recorded in golden() {
        let name = recorded.event.body.event_type().name;
        let mut writes = rows::project(&recorded);
        writes.extend(index::fold(&mut index::Info::default(), &recorded));
        for write in writes {
            let Write::Put { table, key, set } = write else {
                continue;
            };
            // A release adds to the row that its gem's registration made.
            if !makers.contains(&name) || (name == "release.pushed" && table.starts_with("gem_")) {
                continue;
            }
            let given: BTreeSet<_> = key.iter().chain(&set).map(|(column, _)| *column).collect();
            let (all, free) = &tables[table];
            let missing: Vec<_> = all
                .difference(free)
                .filter(|column| !given.contains(*column))
                .collect();
            assert!(
                missing.is_empty(),
                "{name} leaves {missing:?} of {table} without a value"
            );
        }
    }
}
