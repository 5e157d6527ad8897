//! The names of keys: URIs of attributes, in the form of RFC 7512, section 2.3.
//!
//! ```text
//! scheme ":" [ name "=" value *( ";" name "=" value ) ] [ "?" name "=" value *( "&" name "=" value ) ]
//! ```
//!
//! Read strictly: characters beside those of the RFC have to be percent-encoded, no attribute stands twice, and one that
//! nobody asks for is an error, since it would have narrowed down which key is meant.
#![forbid(unsafe_code)]

use crate::error::{Error, Result};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// The longest URI.
const MAX_LEN: usize = 8 << 10;

/// The attributes of a URI that were not taken yet.
#[derive(Debug)]
pub(super) struct Uri<'a> {
    scheme: &'a str,
    path: Vec<(&'a str, Vec<u8>)>,
    query: Vec<(&'a str, Vec<u8>)>,
}

impl<'a> Uri<'a> {
    /// Reads `text`, which begins with `scheme` and a colon.
    pub(super) fn read(text: &'a str, scheme: &'a str) -> Result<Self> {
        if text.len() > MAX_LEN {
            return Err(wrong(scheme, format!("expected at most {MAX_LEN} bytes, found {}", text.len())));
        }
        let rest = text.strip_prefix(scheme).and_then(|rest| rest.strip_prefix(':'));
        let rest = rest.ok_or_else(|| wrong(scheme, format!("expected {scheme}: in front")))?;
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        Self::read_parts(scheme, path, query)
    }

    fn read_parts(scheme: &'a str, path: &'a str, query: Option<&'a str>) -> Result<Self> {
        Ok(Self {
            scheme,
            path: attributes(scheme, path, ';', b"&")?,
            query: query.map_or(Ok(vec![]), |query| attributes(scheme, query, '&', b"?|"))?,
        })
    }

    /// The absolute path and the pin-source of a URI of a file, `scheme:PATH?pin-source=...`.
    pub(super) fn file(text: &'a str, scheme: &'a str) -> Result<(PathBuf, Option<String>)> {
        let (whole, query) = text.split_once('?').map_or((text, ""), |(whole, query)| (whole, query));
        let mut uri = Self::read_parts(scheme, "", Some(query))?;
        let path = whole.strip_prefix(scheme).and_then(|rest| rest.strip_prefix(':')).unwrap_or_default();
        let path = decode(path.as_bytes(), b"&;").filter(|path| path.starts_with(b"/"));
        let path = path.ok_or_else(|| wrong(scheme, "expected an absolute path, found another"))?;
        let source = uri.query_text("pin-source")?;
        uri.finish()?;
        Ok((PathBuf::from(OsString::from_vec(path)), source))
    }

    /// Takes the bytes of an attribute of the path.
    pub(super) fn path_bytes(&mut self, name: &str) -> Option<Vec<u8>> {
        take(&mut self.path, name)
    }

    /// Takes the text of an attribute of the path.
    pub(super) fn path_text(&mut self, name: &str) -> Result<Option<String>> {
        let bytes = take(&mut self.path, name);
        bytes.map(|bytes| text(self.scheme, name, bytes)).transpose()
    }

    /// Takes the text of an attribute of the query.
    pub(super) fn query_text(&mut self, name: &str) -> Result<Option<String>> {
        let bytes = take(&mut self.query, name);
        bytes.map(|bytes| text(self.scheme, name, bytes)).transpose()
    }

    /// Takes the number of an attribute of the path: decimal, or hexadecimal behind 0x.
    pub(super) fn path_number(&mut self, name: &str) -> Result<Option<u64>> {
        self.path_text(name)?.map(|text| number(self.scheme, name, &text)).transpose()
    }

    /// The same of the query.
    pub(super) fn query_number(&mut self, name: &str) -> Result<Option<u64>> {
        self.query_text(name)?.map(|text| number(self.scheme, name, &text)).transpose()
    }

    /// Refuses what was not taken.
    pub(super) fn finish(self) -> Result<()> {
        match self.path.first().or(self.query.first()) {
            None => Ok(()),
            Some((name, _)) => Err(wrong(self.scheme, format!("the attribute {name} is not known here"))),
        }
    }

    /// The error that an attribute is missing.
    pub(super) fn missing(&self, name: &str) -> Error {
        wrong(self.scheme, format!("expected the attribute {name}, found none"))
    }
}

/// An error about a URI. It repeats no value: somebody may have put a PIN there.
pub(super) fn wrong(scheme: &str, why: impl std::fmt::Display) -> Error {
    Error::argument(format!("key URI {scheme}: {why}"))
}

fn take(attributes: &mut Vec<(&str, Vec<u8>)>, name: &str) -> Option<Vec<u8>> {
    let place = attributes.iter().position(|(found, _)| *found == name)?;
    Some(attributes.swap_remove(place).1)
}

fn text(scheme: &str, name: &str, bytes: Vec<u8>) -> Result<String> {
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0') && !text.is_empty());
    text.ok_or_else(|| wrong(scheme, format!("{name}: expected a text in UTF-8 without NUL, found another")))
}

fn number(scheme: &str, name: &str, text: &str) -> Result<u64> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            u64::from_str_radix(digits, 16).ok()
        }
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    parsed.ok_or_else(|| wrong(scheme, format!("{name}: expected a number, found another text")))
}

fn attributes<'a>(
    scheme: &str,
    part: &'a str,
    separator: char,
    also: &[u8],
) -> Result<Vec<(&'a str, Vec<u8>)>> {
    let mut attributes: Vec<(&str, Vec<u8>)> = Vec::new();
    if part.is_empty() {
        return Ok(attributes);
    }
    for attribute in part.split(separator) {
        let (name, value) = attribute
            .split_once('=')
            .ok_or_else(|| wrong(scheme, "expected name=value, found an attribute without ="))?;
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || !name.bytes().all(good) {
            return Err(wrong(scheme, "expected names of a-z 0-9 -, found another"));
        }
        if attributes.iter().any(|(present, _)| *present == name) {
            return Err(wrong(scheme, format!("the attribute {name} stands twice")));
        }
        let value = decode(value.as_bytes(), also).ok_or_else(|| {
            wrong(
                scheme,
                format!("{name}: expected characters of RFC 7512, the others percent-encoded, found another"),
            )
        })?;
        attributes.push((name, value));
    }
    Ok(attributes)
}

fn decode(value: &[u8], also: &[u8]) -> Option<Vec<u8>> {
    const PLAIN: &[u8] = b"-._~:[]@!$'()*+,=/";
    let mut decoded = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|d| u8::try_from(d).ok());
            let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
            decoded.push(high << 4 | low);
        } else if byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) || also.contains(&byte) {
            decoded.push(byte);
        } else {
            return None;
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;

    #[test]
    fn attributes_are_decoded_and_taken_once() {
        let mut uri =
            Uri::read("pkcs11:token=My%20token;id=%00%ff;slot-id=0x10?module-path=/usr/lib/x.so", "pkcs11")
                .unwrap();
        assert_eq!(uri.path_text("token").unwrap().as_deref(), Some("My token"));
        assert_eq!(uri.path_bytes("id"), Some(vec![0, 255]));
        assert_eq!(uri.path_number("slot-id"), Ok(Some(16)));
        assert_eq!(uri.query_text("module-path").unwrap().as_deref(), Some("/usr/lib/x.so"));
        assert_eq!(uri.query_text("module-path"), Ok(None));
        assert_eq!(uri.finish(), Ok(()));
    }

    #[test]
    fn what_is_not_known_or_not_clear_is_refused() {
        for text in [
            "pkcs11",
            "PKCS11:token=a",
            "pkcs11:token",
            "pkcs11:token=a;",
            "pkcs11:token=a;token=b",
            "pkcs11:Token=a",
            "pkcs11:=a",
            "pkcs11:token=a b",
            "pkcs11:token=%4",
            "pkcs11:token=%+1",
            "pkcs11:token=%zz",
            "pkcs11:token=\u{e9}",
            "pkcs11:other=a",
            "pkcs11:token=a?b",
            "pkcs11:token=a?b=c",
        ] {
            let read = Uri::read(text, "pkcs11").and_then(|mut uri| {
                uri.path_text("token")?;
                uri.finish()
            });
            assert_eq!(read.unwrap_err().status(), Status::InvalidArgument, "{text}");
        }
        for (value, name) in [("%ff", "token"), ("", "token"), ("a%00", "token")] {
            let text = format!("pkcs11:{name}={value}");
            assert!(Uri::read(&text, "pkcs11").unwrap().path_text(name).is_err(), "{value}");
        }
        for value in ["", "-1", "+1", "0x", "0x+1", "1e3", "99999999999999999999"] {
            let text = format!("pkcs11:slot-id={value}");
            let mut uri = Uri::read(&text, "pkcs11").unwrap();
            assert!(uri.path_number("slot-id").is_err(), "{value}");
        }
        assert!(Uri::read(&format!("pkcs11:token={}", "a".repeat(MAX_LEN)), "pkcs11").is_err());
    }
}
