//! DER, as little of it as certificates' extensions and timestamps need: values inside values.
use std::io;

pub(super) const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// A value with this tag, of these contents one after the other.
pub(super) fn value(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let length: usize = contents.iter().map(|part| part.len()).sum();
    let mut der = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => der.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let digits = bytes.iter().skip_while(|byte| **byte == 0);
            der.push(0x80 | u8::try_from(digits.clone().count()).unwrap_or_default());
            der.extend(digits);
        }
    }
    der.extend(contents.iter().copied().flatten());
    der
}

pub(super) fn sequence(contents: &[&[u8]]) -> Vec<u8> {
    value(SEQUENCE, contents)
}

pub(super) fn set(contents: &[&[u8]]) -> Vec<u8> {
    value(SET, contents)
}

pub(super) fn octets(contents: &[u8]) -> Vec<u8> {
    value(OCTET_STRING, &[contents])
}

pub(super) fn utf8(text: &str) -> Vec<u8> {
    value(UTF8_STRING, &[text.as_bytes()])
}

/// `20261123023000Z`.
pub(super) fn generalized_time(text: &str) -> Vec<u8> {
    value(GENERALIZED_TIME, &[text.as_bytes()])
}

/// A number that is not negative.
pub(super) fn integer(number: u64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let digits: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    // A first bit that is set would make it negative, and no digit at all is not a number.
    let lead: &[u8] = match digits.first() {
        Some(first) if *first < 0x80 => &[],
        Some(_) | None => &[0],
    };
    value(INTEGER, &[lead, &digits])
}

/// An object identifier of at least two arcs.
pub(super) fn oid(arcs: &[u64]) -> Vec<u8> {
    let mut contents = Vec::new();
    let (first, rest) = arcs.split_at_checked(2).unwrap_or_default();
    let first = first.iter().fold(0, |sum, arc| sum * 40 + arc);
    for arc in std::iter::once(&first).chain(rest) {
        let mut digits = vec![low_seven(*arc)];
        let mut left = arc >> 7;
        while left > 0 {
            digits.push(low_seven(left) | 0x80);
            left >>= 7;
        }
        contents.extend(digits.into_iter().rev());
    }
    value(OBJECT_IDENTIFIER, &[&contents])
}

fn low_seven(number: u64) -> u8 {
    u8::try_from(number & 0x7f).unwrap_or_default()
}

/// The values inside of a value, each with its tag and length.
pub(super) fn inside(der: &[u8]) -> io::Result<Vec<&[u8]>> {
    let (contents, _) = split(der)?;
    let mut rest = contents;
    let mut values = Vec::new();
    while !rest.is_empty() {
        let (_, after) = split(rest)?;
        let length = rest.len() - after.len();
        values.push(rest.get(..length).unwrap_or_default());
        rest = after;
    }
    Ok(values)
}

/// The contents of the first value, and what follows it.
fn split(der: &[u8]) -> io::Result<(&[u8], &[u8])> {
    let short = || io::Error::other("the DER ends early");
    let [_, first, rest @ ..] = der else {
        return Err(short());
    };
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest
            .split_at_checked(usize::from(first & 0x7f))
            .ok_or_else(short)?;
        let add = |sum: usize, digit: &u8| {
            sum.checked_mul(256)
                .map(|sum| sum.saturating_add((*digit).into()))
        };
        let length = digits.iter().try_fold(0, add).ok_or_else(short)?;
        (length, rest)
    };
    rest.split_at_checked(length).ok_or_else(short)
}
