//! Newtypes that stand in a leaf as one string: written without a copy, read with at most one.
use alloc::borrow::Cow;
use core::{fmt, marker::PhantomData};

use serde::de::{self, Deserializer, Visitor};

/// Room for the longest spelling that is not kept as text: a digest, 71 bytes.
pub(crate) type Room = [u8; 71];

/// A value with exactly one spelling.
pub(crate) trait Spelled: Sized {
    /// Why a text is not such a value.
    type Error: fmt::Display;

    /// The spelling. What is not kept as text is written into the room.
    fn spelled<'a>(&'a self, room: &'a mut Room) -> Cow<'a, str>;

    /// Reads the spelling, and no other one.
    fn read(text: &str) -> Result<Self, Self::Error>;
}

/// Reads a string as a [`Spelled`] value.
pub(crate) fn deserialize<'de, T: Spelled, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    struct Reader<T>(PhantomData<T>);

    impl<T: Spelled> Visitor<'_> for Reader<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            T::read(text).map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Reader(PhantomData))
}

/// Serde by spelling, for types that are [`Spelled`].
macro_rules! by_spelling {
    ($($name:ty),*) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut room = [0; 71];
                serializer.serialize_str(&$crate::spelled::Spelled::spelled(self, &mut room))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::spelled::deserialize(deserializer)
            }
        }
    )*};
}

/// Types that keep their spelling: a string that was checked by `parse`.
macro_rules! kept_as_text {
    ($($name:ty: $error:ty),*) => {$(
        impl $crate::spelled::Spelled for $name {
            type Error = $error;

            fn spelled<'a>(&'a self, _: &'a mut $crate::spelled::Room) -> alloc::borrow::Cow<'a, str> {
                alloc::borrow::Cow::Borrowed(&self.0)
            }

            fn read(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }

        $crate::spelled::by_spelling!($name);
    )*};
}

pub(crate) use {by_spelling, kept_as_text};
