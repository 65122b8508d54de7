//! The canonical writer: one spelling, or none.
use std::collections::BTreeMap;

use events::canonical::{CanonicalError, MAX_INTEGER, to_bytes};
use proptest::prelude::*;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

fn written<T: Serialize + ?Sized>(value: &T) -> String {
    String::from_utf8(to_bytes(value).unwrap()).unwrap()
}

fn refused<T: Serialize + ?Sized>(value: &T) -> CanonicalError {
    to_bytes(value).unwrap_err()
}

#[test]
fn strings_are_escaped_as_rfc_8785_escapes_them() {
    // The example of section 3.2.2: the input's `\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\"\/`.
    assert_eq!(
        written("\u{20ac}$\u{f}\nA'B\"\\\\\"/"),
        r#""€$\u000f\nA'B\"\\\\\"/""#
    );
    assert_eq!(written("\u{8}\t\n\u{c}\r"), r#""\b\t\n\f\r""#);
    assert_eq!(written("\0\u{1f}\u{7f}"), "\"\\u0000\\u001f\u{7f}\"");
    assert_eq!(written("</script>\u{2028}😂"), "\"</script>\u{2028}😂\"");
    assert_eq!(written(&'"'), r#""\"""#);
    assert_eq!(written(""), r#""""#);
}

#[test]
fn numbers_are_integers_that_everybody_reads_exactly() {
    assert_eq!(written(&0_u8), "0");
    assert_eq!(written(&u16::MAX), "65535");
    assert_eq!(written(&u32::MAX), "4294967295");
    assert_eq!(written(&MAX_INTEGER), "9007199254740991");
    assert_eq!(
        refused(&(MAX_INTEGER + 1)),
        CanonicalError::Unwritable("an integer of 2^53 or more")
    );
    refused(&u64::MAX);
    for error in [
        refused(&-1_i64),
        refused(&1_i32),
        refused(&1_i8),
        refused(&1_i16),
    ] {
        assert_eq!(error, CanonicalError::Unwritable("a signed number"));
    }
    for error in [refused(&1.0_f64), refused(&0.0_f32), refused(&f64::NAN)] {
        assert_eq!(error, CanonicalError::Unwritable("a float"));
    }
}

#[test]
fn nothing_is_ever_null() {
    #[derive(Serialize)]
    struct Unit;
    assert_eq!(refused(&None::<u8>), CanonicalError::Unwritable("null"));
    assert_eq!(refused(&()), CanonicalError::Unwritable("null"));
    refused(&Unit);
    assert_eq!(
        refused(&[Some(1_u8), None]),
        CanonicalError::Unwritable("null")
    );
    assert_eq!(written(&Some(true)), "true");
}

/// An object with these keys, in this order.
struct Keys<'a>(&'a [&'a str]);

impl Serialize for Keys<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for key in self.0 {
            map.serialize_entry(key, &1_u8)?;
        }
        map.end()
    }
}

#[test]
fn keys_rise_and_are_plain() {
    assert_eq!(written(&Keys(&[])), "{}");
    assert_eq!(
        written(&Keys(&["a", "a1", "a_", "b"])),
        r#"{"a":1,"a1":1,"a_":1,"b":1}"#
    );
    for keys in [
        &["b", "a"][..],
        &["a", "a"],
        &["a", "b", "a"],
        &["A"],
        &[""],
        &["a-b"],
        &["é"],
        &["a\""],
    ] {
        assert!(
            matches!(refused(&Keys(keys)), CanonicalError::Key(_)),
            "{keys:?}"
        );
    }
    refused(&BTreeMap::from([(1_u8, 1_u8)]));
}

#[test]
fn a_struct_whose_fields_do_not_rise_is_refused() {
    #[derive(Serialize)]
    struct Fallen {
        b: bool,
        a: bool,
    }
    let fallen = Fallen { b: true, a: false };
    assert_eq!(refused(&fallen), CanonicalError::Key("a".into()));
}

#[test]
fn shapes_that_have_two_spellings_have_none() {
    #[derive(Serialize)]
    struct Pair(u8, u8);
    #[derive(Serialize)]
    enum Shape {
        Tuple(u8, u8),
        Struct { a: u8 },
        Newtype(u8),
        Plain,
    }
    refused(&Pair(1, 2));
    refused(&Shape::Tuple(1, 2));
    refused(&Shape::Struct { a: 1 });
    assert!(matches!(
        refused(&Shape::Newtype(1)),
        CanonicalError::Key(_)
    ));
    assert_eq!(written(&Shape::Plain), r#""Plain""#);
    assert_eq!(written(&[1_u8, 2]), "[1,2]");
    assert_eq!(written(&Vec::<u8>::new()), "[]");
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (0..=MAX_INTEGER).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map("[a-z0-9_]{1,4}", inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// What is written here and what serde_json writes mean the same, and it is the shortest way to say it.
    #[test]
    fn whatever_is_written_is_json_of_the_same_value(value in json()) {
        let bytes = to_bytes(&value).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value.clone());
        prop_assert_eq!(String::from_utf8(bytes).unwrap(), value.to_string());
    }
}
