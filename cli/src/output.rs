//! Results on standard output, messages on standard error.
//!
//! A result is one JSON value. With `--json` it is printed as such; without, it is laid out for people, one field a
//! line. Both say the same.
#![forbid(unsafe_code)]

use serde_json::{Value, json};
use sogov::error::Error;
use std::borrow::Cow;
use std::io::{self, ErrorKind, Write};

/// Where results go. A reader that goes away (`sogov inspect x | head -1`) is no failure; any other trouble is told
/// by [`finish`](Self::finish).
pub struct Output {
    out: io::StdoutLock<'static>,
    json: bool,
    empty: bool,
    trouble: Option<io::Error>,
}

impl Output {
    pub fn stdout() -> Self {
        Self { out: io::stdout().lock(), json: false, empty: true, trouble: None }
    }

    pub fn set_json(&mut self, json: bool) {
        self.json = json;
    }

    /// The result of a command.
    pub fn show(&mut self, result: &Value) {
        let text = if self.json { format!("{result}\n") } else { laid_out(result) };
        self.text(&text);
    }

    /// A result whose one important part is `text`, which stands alone without `--json`: good for `$(...)`.
    pub fn show_line(&mut self, text: &str, result: &Value) {
        let line = if self.json { format!("{result}\n") } else { format!("{text}\n") };
        self.text(&line);
    }

    /// A result that is bytes, which stand alone without `--json`.
    pub fn show_bytes(&mut self, bytes: &[u8], result: &Value) {
        if self.json { self.show(result) } else { self.write(bytes) }
    }

    /// An error in place of the result: with `--json` there is one object on standard output whatever happens.
    pub fn error(&mut self, error: &Error) {
        if self.json && self.empty {
            self.show(&json!({ "error": of_error(error) }));
        }
    }

    /// Text as it is.
    pub fn text(&mut self, text: &str) {
        self.write(text.as_bytes());
    }

    /// Everything is written, or why not.
    pub fn finish(mut self) -> io::Result<()> {
        if self.trouble.is_none() {
            self.trouble = self.out.flush().err();
        }
        match self.trouble {
            Some(trouble) if trouble.kind() != ErrorKind::BrokenPipe => Err(trouble),
            _ => Ok(()),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.empty = false;
        if self.trouble.is_none() {
            self.trouble = self.out.write_all(bytes).err();
        }
    }
}

/// An error inside a result.
pub fn of_error(error: &Error) -> Value {
    json!({ "status": error.status().name(), "code": error.status() as i32, "message": error.message() })
}

/// One line on standard error.
pub fn complain(message: &str) {
    // Where standard error is gone, nobody is left to be told.
    let _ = writeln!(io::stderr(), "sogov: {}", printable(message));
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn laid_out(result: &Value) -> String {
    let mut lines = Vec::new();
    lay_out(&mut lines, result, 0);
    lines.concat()
}

/// Fields as `name: value`, what is inside of them indented; what is absent or empty is left out.
fn lay_out(lines: &mut Vec<String>, value: &Value, indent: usize) {
    let Some(fields) = value.as_object() else { return };
    let margin = " ".repeat(indent);
    for (name, field) in fields {
        let name = printable(name).replace('_', " ");
        match field {
            Value::Object(inner) if !inner.is_empty() => {
                lines.push(format!("{margin}{name}:\n"));
                lay_out(lines, field, indent + 2);
            }
            Value::Array(elements) if elements.iter().any(Value::is_object) => {
                lines.push(format!("{margin}{name}:\n"));
                for element in elements {
                    let first = lines.len();
                    lay_out(lines, element, indent + 4);
                    if let Some(line) = lines.get_mut(first) {
                        *line = format!("{margin}  - {}", line.trim_start());
                    }
                }
            }
            _ => match word(field) {
                word if word.is_empty() => {}
                word => lines.push(format!("{margin}{name}: {word}\n")),
            },
        }
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text).into_owned(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Number(number) => number.to_string(),
        Value::Array(elements) => elements.iter().map(word).collect::<Vec<_>>().join(", "),
        Value::Null | Value::Object(_) => String::new(),
    }
}

/// The text with control characters escaped: what a hostile file says of itself must not move the cursor. So are the
/// characters that turn the direction of what follows.
fn printable(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let escaped =
        text.chars().map(|c| if harmful(c) { c.escape_default().to_string() } else { c.to_string() });
    Cow::Owned(escaped.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_laid_out_one_field_a_line() {
        let result = json!({
            "file": "fee.so", "whole": true, "absent": null, "none": [], "names": ["a", "b"],
            "signed_by": [{"key_id": "sm3:1", "scheme": "sm2-sm3"}, {"key_id": "sm3:2"}],
            "elf": {"soname": "\u{1b}[2Jx", "exports": 1},
        });
        let expected = "file: fee.so\nwhole: yes\nnames: a, b\nsigned by:\n  - key id: sm3:1\n    scheme: sm2-sm3\n  \
                        - key id: sm3:2\nelf:\n  soname: \\u{1b}[2Jx\n  exports: 1\n";
        assert_eq!(laid_out(&result), expected);
    }
}
