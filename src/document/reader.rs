//! From bytes to a tree, refusing what two readers might understand differently.
#![forbid(unsafe_code)]

use super::quoted;
use serde_core::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Number, Value};
use std::fmt;

/// How deep arrays and objects may stand in each other.
pub const MAX_DEPTH: usize = 32;

const BYTE_ORDER_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// The value of `bytes`, or why they are refused.
pub(super) fn read(bytes: &[u8], max_len: usize) -> Result<Value, String> {
    if bytes.len() > max_len {
        return Err(format!("expected at most {max_len} bytes, found {}", bytes.len()));
    }
    if bytes.starts_with(BYTE_ORDER_MARK) {
        return Err("expected JSON, found a byte order mark at its head".into());
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|cause| format!("expected UTF-8, found another byte at offset {}", cause.valid_up_to()))?;
    let mut json = serde_json::Deserializer::from_str(text);
    let root = Node { place: &Place::Root, depth: 0 };
    root.deserialize(&mut json).and_then(|value| json.end().map(|()| value)).map_err(|cause| {
        match cause.classify() {
            Category::Data => cause.to_string(),
            Category::Io | Category::Syntax | Category::Eof => format!("not JSON: {cause}"),
        }
    })
}

/// Where the reader stands, as a list from the leaf to the root.
enum Place<'a> {
    Root,
    Name(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root => Ok(()),
            Place::Name(Place::Root, name) if is_plain(name) => f.write_str(name),
            Place::Name(parent, name) if is_plain(name) => write!(f, "{parent}.{name}"),
            Place::Name(parent, name) => write!(f, "{parent}[{}]", quoted(name)),
            Place::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

fn is_plain(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|c| c == b'_' || c.is_ascii_alphanumeric())
}

/// One value about to be read, `depth` arrays and objects deep.
#[derive(Clone, Copy)]
struct Node<'a> {
    place: &'a Place<'a>,
    depth: usize,
}

impl Node<'_> {
    /// The depth of this array's or object's children.
    fn depth_inside<E: Error>(&self) -> Result<usize, E> {
        if self.depth < MAX_DEPTH {
            return Ok(self.depth + 1);
        }
        Err(self.refusal(format_args!("expected at most {MAX_DEPTH} levels of nesting, found more")))
    }

    fn refusal<E: Error>(&self, message: impl fmt::Display) -> E {
        match self.place {
            Place::Root => E::custom(format_args!("document: {message}")),
            place => E::custom(format_args!("{place}: {message}")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        let number = Number::from_f64(number).ok_or_else(|| self.refusal("the number is out of range"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Value, A::Error> {
        let depth = self.depth_inside()?;
        let mut elements = Vec::new();
        loop {
            let place = Place::Index(self.place, elements.len());
            match array.next_element_seed(Node { place: &place, depth })? {
                Some(element) => elements.push(element),
                None => return Ok(Value::Array(elements)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let depth = self.depth_inside()?;
        let mut fields = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            if fields.contains_key(&name) {
                return Err(self.refusal(format_args!("the name {} stands here twice", quoted(&name))));
            }
            let place = Place::Name(self.place, &name);
            let value = object.next_value_seed(Node { place: &place, depth })?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}
