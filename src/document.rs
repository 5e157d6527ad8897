//! JSON documents as governance needs them: read strictly, then walked by cursors that know where they
//! stand, so that every refusal says where it is, what was expected and what was found.
//!
//! ```text
//! weight["v2"]: expected a non-negative integer, found the string "80"
//! ```
#![forbid(unsafe_code)]

mod reader;

use crate::error::{Error, Result, Status};
use serde_json::{Map, Value};

pub use reader::MAX_DEPTH;

/// A JSON document that was read strictly (RFC 8259, and no name twice in an object).
#[derive(Debug)]
pub struct Document {
    root: Value,
    status: Status,
}

impl Document {
    /// Reads `bytes`; every error of this document, now and from its cursors, has `status`.
    ///
    /// Refused: more than `max_len` bytes, a byte order mark, bytes that are not UTF-8, nesting over
    /// [`MAX_DEPTH`], a name given twice in one object, anything after the value.
    pub fn parse(bytes: &[u8], max_len: usize, status: Status) -> Result<Self> {
        let root = reader::read(bytes, max_len).map_err(|message| Error::new(status, message))?;
        Ok(Self { root, status })
    }

    /// The whole value.
    pub fn root(&self) -> Field<'_> {
        Field { value: &self.root, path: String::new(), status: self.status }
    }

    /// The whole value, which must be an object.
    pub fn object(&self) -> Result<Object<'_>> {
        self.root().object()
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    value: &'a Value,
    path: String,
    status: Status,
}

impl<'a> Field<'a> {
    /// Where the value stands, such as `rules[3].when.header` or `weight["v2"]`; the root is `document`.
    pub fn path(&self) -> &str {
        if self.path.is_empty() { "document" } else { &self.path }
    }

    /// A refusal of this value that says `message`, with the path in front.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::new(self.status, message).of(self.path())
    }

    /// A string of at most `max_len` bytes.
    pub fn text(&self, max_len: usize) -> Result<&'a str> {
        let text = self.value.as_str().ok_or_else(|| self.expected("a string"))?;
        if text.len() > max_len {
            return Err(self.error(format!("expected at most {max_len} bytes, found {}", text.len())));
        }
        Ok(text)
    }

    /// One of the strings of `choices`.
    pub fn one_of(&self, choices: &[&'static str]) -> Result<&'static str> {
        let text = self.value.as_str();
        choices.iter().copied().find(|&choice| text == Some(choice)).ok_or_else(|| {
            let quoted: Vec<String> = choices.iter().map(|choice| format!("{choice:?}")).collect();
            self.expected(&quoted.join(" or "))
        })
    }

    /// A non-negative integer below 2^64; `1.0` and `1e3` are not integers here.
    pub fn unsigned(&self) -> Result<u64> {
        self.value.as_u64().ok_or_else(|| self.expected("a non-negative integer"))
    }

    /// A non-negative integer of at most `max`.
    pub fn unsigned_up_to(&self, max: u64) -> Result<u64> {
        let number = self.unsigned()?;
        if number > max {
            return Err(self.error(format!("expected at most {max}, found {number}")));
        }
        Ok(number)
    }

    /// A number from 0 to 1, in thousandths.
    pub fn thousandths(&self) -> Result<u16> {
        let ratio = self.value.as_f64().filter(|ratio| (0.0..=1.0).contains(ratio));
        let ratio = ratio.ok_or_else(|| self.expected("a number from 0 to 1"))?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 0 to 1000")]
        Ok((ratio * 1000.0).round() as u16)
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Result<bool> {
        self.value.as_bool().ok_or_else(|| self.expected("true or false"))
    }

    /// The elements of an array, in order.
    pub fn array(&self) -> Result<Vec<Field<'a>>> {
        let elements = self.value.as_array().ok_or_else(|| self.expected("an array"))?;
        let element = |(index, value)| self.at(format!("{}[{index}]", self.path), value);
        Ok(elements.iter().enumerate().map(element).collect())
    }

    /// The object itself, to be asked for its fields.
    pub fn object(&self) -> Result<Object<'a>> {
        let map = self.value.as_object().ok_or_else(|| self.expected("an object"))?;
        Ok(Object { field: self.clone(), map, known: Vec::new() })
    }

    /// A refusal that says what was `wanted` here and what was found.
    pub fn expected(&self, wanted: &str) -> Error {
        self.error(format!("expected {wanted}, found {}", described(self.value)))
    }

    fn at(&self, path: String, value: &'a Value) -> Field<'a> {
        Field { value, path, status: self.status }
    }
}

/// An object being read: it remembers which fields it was asked for, so that [`Object::finish`] can refuse
/// the others.
#[derive(Debug)]
pub struct Object<'a> {
    field: Field<'a>,
    map: &'a Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'a> Object<'a> {
    /// Where the object stands.
    pub fn path(&self) -> &str {
        self.field.path()
    }

    /// A refusal of the object as a whole.
    pub fn error(&self, message: impl Into<String>) -> Error {
        self.field.error(message)
    }

    /// A refusal of the field `name`, whether it is there or not.
    pub fn error_at(&self, name: &str, message: impl Into<String>) -> Error {
        Error::new(self.field.status, message).of(self.path_of(name))
    }

    /// The field `name`, which must be there.
    pub fn required(&mut self, name: &'static str) -> Result<Field<'a>> {
        self.optional(name).ok_or_else(|| self.error_at(name, "required, but missing"))
    }

    /// The field `name`, if it is there. `null` is a value, not an absence.
    pub fn optional(&mut self, name: &'static str) -> Option<Field<'a>> {
        self.known.push(name);
        self.map.get(name).map(|value| self.field.at(self.path_of(name), value))
    }

    /// Every name with its value, in the document's order: for objects whose names are data.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> {
        self.map.iter().map(|(name, value)| {
            let path = format!("{}[{}]", self.field.path, quoted(name));
            (name.as_str(), self.field.at(path, value))
        })
    }

    /// How many fields the object has.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether the object has no field.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// Refuses a field that was never asked for and names those that were.
    pub fn finish(self) -> Result<()> {
        match self.map.keys().find(|name| !self.known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => {
                let known = self.known.join(", ");
                Err(self.error(format!("unknown field {}, known are {known}", quoted(name))))
            }
        }
    }

    fn path_of(&self, name: &str) -> String {
        if self.field.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.field.path) }
    }
}

/// What a value is, for messages.
fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the string {}", quoted(text)),
        Value::Array(_) => "an array".into(),
        Value::Object(_) => "an object".into(),
    }
}

/// The text in quotes, escaped to one line and cut to a length that a message bears.
pub fn quoted(text: &str) -> String {
    const SHOWN: usize = 64;
    match text.char_indices().nth(SHOWN) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests;
