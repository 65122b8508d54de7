//! The bytes of an event: RFC 8785 canonical JSON, written by a small writer that refuses what has two spellings.
//!
//! - Objects: keys of `[a-z0-9_]` in strictly ascending order, which makes a duplicate impossible. The writer does not
//!   sort: structs declare their fields in order, and a struct that does not is refused by the first test that writes it.
//! - Numbers: integers from 0 to 2^53 - 1. No floats, no negative numbers.
//! - Strings: UTF-8; `"`, `\` and control characters escaped as RFC 8785 section 3.2.2.2 says, everything else as it is.
//! - `true`, `false`. Never `null`: what is absent is left out.
//! - No white space.
//!
//! Reading has no rules of its own: a leaf is read by `serde_json` and must then write itself back to the same bytes.
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;
use serde::ser::{self, Serialize};

/// Largest integer that every JSON reader understands exactly: 2^53 - 1.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Why a value has no canonical form here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// Keys are out of order, repeated, or not of `[a-z0-9_]`.
    #[error("key {0:?} is repeated, out of order or not of [a-z0-9_]")]
    Key(String),
    /// A float, a negative or a too large number, a byte string or a null.
    #[error("{0} has no canonical form in an event")]
    Unwritable(&'static str),
    /// An error of a type's own `Serialize`.
    #[error("{0}")]
    Custom(String),
}

impl ser::Error for CanonicalError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

/// The canonical bytes of a value.
pub fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let mut bytes = Vec::with_capacity(1024);
    value.serialize(Writer { out: &mut bytes })?;
    Ok(bytes)
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    // Nearly every string is plain; looking at all bytes without stopping lets the compiler look at many at once.
    let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    if !text
        .bytes()
        .fold(false, |found, byte| found | special(byte))
    {
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' | b'\\' => Some(byte),
            0x08 => Some(b'b'),
            0x09 => Some(b't'),
            0x0a => Some(b'n'),
            0x0c => Some(b'f'),
            0x0d => Some(b'r'),
            0x00..=0x1f => None,
            _ => continue,
        };
        out.extend_from_slice(text.as_bytes().get(plain_from..at).unwrap_or_default());
        plain_from = at + 1;
        if let Some(letter) = short {
            out.extend_from_slice(&[b'\\', letter]);
        } else {
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out.extend_from_slice(text.as_bytes().get(plain_from..).unwrap_or_default());
    out.push(b'"');
}

fn write_integer(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0_u8; 20];
    let mut from = digits.len();
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + u8::try_from(value % 10).unwrap_or(0);
        from -= 1;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(from..).unwrap_or_default());
}

macro_rules! unwritable {
    ($($method:ident: $type:ty => $what:literal),* $(,)?) => {
        $(fn $method(self, _: $type) -> Result<(), CanonicalError> {
            Err(CanonicalError::Unwritable($what))
        })*
    };
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = CanonicalError;
    type SerializeSeq = Sequence<'a>;
    type SerializeTuple = Sequence<'a>;
    type SerializeTupleStruct = ser::Impossible<(), CanonicalError>;
    type SerializeTupleVariant = ser::Impossible<(), CanonicalError>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = ser::Impossible<(), CanonicalError>;

    fn serialize_bool(self, value: bool) -> Result<(), CanonicalError> {
        self.out
            .extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }
    fn serialize_u64(self, value: u64) -> Result<(), CanonicalError> {
        if value > MAX_INTEGER {
            return Err(CanonicalError::Unwritable("an integer of 2^53 or more"));
        }
        write_integer(self.out, value);
        Ok(())
    }
    fn serialize_u8(self, value: u8) -> Result<(), CanonicalError> {
        self.serialize_u64(value.into())
    }
    fn serialize_u16(self, value: u16) -> Result<(), CanonicalError> {
        self.serialize_u64(value.into())
    }
    fn serialize_u32(self, value: u32) -> Result<(), CanonicalError> {
        self.serialize_u64(value.into())
    }
    unwritable! {
        serialize_i8: i8 => "a signed number", serialize_i16: i16 => "a signed number",
        serialize_i32: i32 => "a signed number", serialize_i64: i64 => "a signed number",
        serialize_f32: f32 => "a float", serialize_f64: f64 => "a float",
        serialize_bytes: &[u8] => "a byte string", serialize_unit_struct: &'static str => "a unit",
    }
    fn serialize_char(self, value: char) -> Result<(), CanonicalError> {
        write_string(self.out, value.encode_utf8(&mut [0; 4]));
        Ok(())
    }
    fn serialize_str(self, value: &str) -> Result<(), CanonicalError> {
        write_string(self.out, value);
        Ok(())
    }
    fn serialize_none(self) -> Result<(), CanonicalError> {
        Err(CanonicalError::Unwritable("null"))
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CanonicalError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), CanonicalError> {
        Err(CanonicalError::Unwritable("null"))
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), CanonicalError> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        let mut object = self.serialize_map(None)?;
        object.entry(variant, value)?;
        ser::SerializeMap::end(object)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Sequence<'a>, CanonicalError> {
        self.out.push(b'[');
        Ok(Sequence {
            out: self.out,
            first: true,
        })
    }
    fn serialize_tuple(self, len: usize) -> Result<Sequence<'a>, CanonicalError> {
        self.serialize_seq(Some(len))
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, CanonicalError> {
        Err(CanonicalError::Unwritable("a tuple struct"))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, CanonicalError> {
        Err(CanonicalError::Unwritable("a tuple variant"))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, CanonicalError> {
        self.out.push(b'{');
        Ok(Object {
            out: self.out,
            last: None,
            pending: None,
        })
    }
    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Object<'a>, CanonicalError> {
        self.serialize_map(Some(len))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, CanonicalError> {
        Err(CanonicalError::Unwritable("a struct variant"))
    }
}

/// An array being written.
struct Sequence<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl ser::SerializeSeq for Sequence<'_> {
    type Ok = ();
    type Error = CanonicalError;
    fn serialize_element<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
    ) -> Result<(), CanonicalError> {
        if !core::mem::replace(&mut self.first, false) {
            self.out.push(b',');
        }
        value.serialize(Writer { out: self.out })
    }
    fn end(self) -> Result<(), CanonicalError> {
        self.out.push(b']');
        Ok(())
    }
}

impl ser::SerializeTuple for Sequence<'_> {
    type Ok = ();
    type Error = CanonicalError;
    fn serialize_element<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
    ) -> Result<(), CanonicalError> {
        ser::SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Result<(), CanonicalError> {
        ser::SerializeSeq::end(self)
    }
}

/// An object being written; remembers where its last key stands to hold the order.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    last: Option<(usize, usize)>,
    pending: Option<String>,
}

impl Object<'_> {
    fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), CanonicalError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let last = self.last.and_then(|(from, to)| self.out.get(from..to));
        let rises = last.is_none_or(|last| last < key.as_bytes());
        if key.is_empty() || !key.bytes().all(plain) || !rises {
            return Err(CanonicalError::Key(key.to_string()));
        }
        if self.last.is_some() {
            self.out.push(b',');
        }
        self.out.push(b'"');
        let from = self.out.len();
        self.out.extend_from_slice(key.as_bytes());
        self.last = Some((from, from + key.len()));
        self.out.extend_from_slice(b"\":");
        value.serialize(Writer { out: self.out })
    }
}

impl ser::SerializeStruct for Object<'_> {
    type Ok = ();
    type Error = CanonicalError;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        self.entry(key, value)
    }
    fn end(self) -> Result<(), CanonicalError> {
        self.out.push(b'}');
        Ok(())
    }
}

impl ser::SerializeMap for Object<'_> {
    type Ok = ();
    type Error = CanonicalError;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), CanonicalError> {
        let mut bytes = Vec::new();
        key.serialize(Writer { out: &mut bytes })?;
        let quoted = String::from_utf8(bytes).map_err(|_| CanonicalError::Unwritable("a key"))?;
        let bare = quoted
            .strip_prefix('"')
            .and_then(|key| key.strip_suffix('"'));
        self.pending = Some(
            bare.ok_or(CanonicalError::Unwritable("a key that is no string"))?
                .to_string(),
        );
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        let key = self
            .pending
            .take()
            .ok_or(CanonicalError::Unwritable("a value without a key"))?;
        self.entry(&key, value)
    }
    fn end(self) -> Result<(), CanonicalError> {
        self.out.push(b'}');
        Ok(())
    }
}
