//! A form (`multipart/form-data`, RFC 7578), taken apart in place: every byte belongs to the content of a part or to the
//! frame around it, and nothing is skipped, so that no other reader finds something in it that this one did not.
//!
//! ```text
//! form = *( "--" boundary CRLF *( header CRLF ) CRLF content CRLF ) "--" boundary "--" *space
//! ```
//! Content goes on to the first line that begins with the boundary. One search for it, whatever the bytes are.
use actix_web::{
    http::header::{ContentDisposition, HeaderValue},
    web::Bytes,
};
use memchr::memmem::{Finder, find};

/// Bytes of a part's headers.
const MAX_HEAD: usize = 4 << 10;
/// Bytes of a boundary, by RFC 2046.
const MAX_BOUNDARY: usize = 70;
const LINE_END: &[u8] = b"\r\n";

/// A part of a form.
pub(super) struct Part {
    pub(super) name: String,
    /// It says that it was a file.
    pub(super) is_file: bool,
    pub(super) content: Bytes,
}

/// Why a form is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FormError {
    #[error("the form cannot be read: {0}")]
    Malformed(&'static str),
    /// Such as `Content-Length`, which says a second time where a part ends.
    #[error(
        "a part of the form has the header `{0}`: only `content-disposition` and `content-type` are known"
    )]
    Header(String),
    #[error("the form goes on after its last boundary")]
    Trailing,
}

/// The parts of a form that are not read yet.
pub(super) struct Form {
    /// What stands behind the last boundary.
    rest: Bytes,
    delimiter: Finder<'static>,
}

impl Form {
    /// A form with this boundary.
    pub(super) fn new(boundary: &str, body: &Bytes) -> Result<Self, FormError> {
        if boundary.is_empty() || boundary.len() > MAX_BOUNDARY {
            return Err(FormError::Malformed("its boundary has no sensible length"));
        }
        let first = format!("--{boundary}");
        let rest = body
            .strip_prefix(first.as_bytes())
            .ok_or(FormError::Malformed("it does not begin with its boundary"))?;
        Ok(Self {
            rest: body.slice_ref(rest),
            delimiter: Finder::new(&format!("\r\n{first}")).into_owned(),
        })
    }

    /// The next part; `None` at the end, behind which there is nothing.
    pub(super) fn part(&mut self) -> Result<Option<Part>, FormError> {
        if let Some(end) = self.rest.strip_prefix(b"--") {
            let end = end.trim_ascii();
            return end.is_empty().then_some(None).ok_or(FormError::Trailing);
        }
        let cut = FormError::Malformed("it ends before its last boundary");
        let text = self
            .rest
            .strip_prefix(LINE_END)
            .ok_or(match self.rest.len() {
                0 | 1 => cut,
                _ => FormError::Malformed("something stands behind a boundary"),
            })?;
        let (head, content) = split(text)?;
        let cut = FormError::Malformed("it ends before its last boundary");
        let end = self.delimiter.find(content).ok_or(cut)?;
        let (content, rest) = content
            .split_at_checked(end)
            .and_then(|(content, rest)| Some((content, rest.get(self.delimiter.needle().len()..)?)))
            .ok_or(FormError::Malformed("it ends before its last boundary"))?;
        let (name, is_file) = named(head)?;
        let part = Part {
            name,
            is_file,
            content: self.rest.slice_ref(content),
        };
        self.rest = self.rest.slice_ref(rest);
        Ok(Some(part))
    }
}

/// The headers of a part, and what follows the empty line behind them.
fn split(text: &[u8]) -> Result<(&[u8], &[u8]), FormError> {
    const HEAD_END: &[u8] = b"\r\n\r\n";
    let start = text.get(..MAX_HEAD).unwrap_or(text);
    let wrong = FormError::Malformed("the headers of a part do not end, or are too long");
    let end = find(start, HEAD_END).ok_or(wrong)?;
    let content = text.get(end + HEAD_END.len()..).unwrap_or_default();
    Ok((text.get(..end).unwrap_or_default(), content))
}

/// The name of a part, and whether it says that it was a file.
fn named(head: &[u8]) -> Result<(String, bool), FormError> {
    let wrong = FormError::Malformed;
    let head = str::from_utf8(head).map_err(|_| wrong("a header of a part is not text"))?;
    let mut disposition = None;
    let mut kinds = 0;
    for line in head.split("\r\n") {
        let (name, value) = line
            .split_once(':')
            .ok_or(wrong("a header of a part has no colon"))?;
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" if disposition.is_none() => disposition = Some(value.trim()),
            "content-type" if kinds == 0 => kinds += 1,
            "content-disposition" | "content-type" => {
                return Err(wrong("a header of a part is there twice"));
            }
            other => {
                let known = other.bytes().all(|byte| byte.is_ascii_graphic());
                let name = if known { other } else { "…" };
                return Err(FormError::Header(name.chars().take(64).collect()));
            }
        }
    }
    let disposition = disposition
        .and_then(|value| HeaderValue::from_str(value).ok())
        .and_then(|value| ContentDisposition::from_raw(&value).ok())
        .filter(ContentDisposition::is_form_data)
        .ok_or(wrong("a part has no name"))?;
    let name = disposition.get_name().ok_or(wrong("a part has no name"))?;
    let is_file = disposition.get_filename().is_some() || disposition.get_filename_ext().is_some();
    Ok((name.to_owned(), is_file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Vec<(String, bool, Vec<u8>)>, FormError> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let mut form = Form::new("B", &body)?;
        let mut parts = Vec::new();
        while let Some(part) = form.part()? {
            parts.push((part.name, part.is_file, part.content.to_vec()));
        }
        Ok(parts)
    }

    const HEAD: &str = "--B\r\nContent-Disposition: form-data; name=\"gem\"\r\n\r\n";

    #[test]
    fn every_byte_is_of_a_part_or_of_the_frame() {
        let plain = |content: &str| ("gem".to_owned(), false, content.as_bytes().to_vec());
        assert_eq!(read("--B--").unwrap(), []);
        for content in [
            "",
            "x",
            "\r\n",
            "\r\n--",
            "--B",
            "\n--B--",
            "a\r\n-B\r\n--\r\nb",
        ] {
            let body = format!("{HEAD}{content}\r\n--B--\r\n");
            assert_eq!(read(&body).unwrap(), [plain(content)], "{content:?}");
        }
        let file = "--B\r\ncontent-type: x\r\nCONTENT-DISPOSITION: form-data; name=a; filename=\"b\"\r\n\r\n1\r\n";
        let two = format!("{file}{HEAD}2\r\n--B-- \r\n\t");
        let first = ("a".to_owned(), true, b"1".to_vec());
        assert_eq!(read(&two).unwrap(), [first, plain("2")]);
    }

    #[test]
    fn whatever_else_stands_in_a_form_is_refused() {
        let good = format!("{HEAD}x\r\n--B--\r\n");
        for after in ["x", "--B--", "\r\n--B\r\n", "\0"] {
            assert_eq!(read(&format!("{good}{after}")), Err(FormError::Trailing));
        }
        for length in [
            "Content-Length: 1",
            "content-transfer-encoding: base64",
            "X: y",
        ] {
            let body = good.replace("\r\n\r\n", &format!("\r\n{length}\r\n\r\n"));
            assert!(matches!(read(&body), Err(FormError::Header(_))), "{length}");
        }
        for wrong in [
            String::new(),
            format!("\r\n{good}"),
            format!("preamble\r\n{good}"),
            good.replace("--B--", "--B"),
            good.replace("--B--", "--BB--"),
            good.replace("--B--", "--B "),
            good.replacen("--B\r\n", "--B \r\n", 1),
            good.replace("--B--\r\n", ""),
            good.replace("form-data", "attachment"),
            good.replace("; name=\"gem\"", ""),
            good.replace("Content-Disposition: form-data; name=\"gem\"", ""),
            good.replace("Content-Disposition", "Content-Type"),
            good.replace("Content-Disposition", " "),
            good.replace(
                "\r\n\r\n",
                "\r\nContent-Disposition: form-data; name=a\r\n\r\n",
            ),
            good.replace("\r\n\r\n", &format!("{}\r\n\r\n", "x".repeat(MAX_HEAD))),
        ] {
            assert!(read(&wrong).is_err(), "{wrong:?}");
        }
        let body = Bytes::from_static(b"----");
        assert!(Form::new("", &body).is_err());
        assert!(Form::new(&"b".repeat(MAX_BOUNDARY + 1), &body).is_err());
    }
}
