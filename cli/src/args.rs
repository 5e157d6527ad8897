//! Reads the command line by the commands' own description of their options.
#![forbid(unsafe_code)]

use crate::commands::{self, Command};
use crate::exit::Failure;
use lexopt::{Arg, Parser};
use sogov::crypto::sm2::UserId;
use sogov::timestamp::{self, UnixSeconds};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// An option of a command.
#[derive(Debug)]
pub struct Opt {
    /// The name without its dashes.
    pub name: &'static str,
    /// How `--help` calls its value; `None` for an option without one.
    pub value: Option<&'static str>,
    /// What it does, for `--help`.
    pub help: &'static str,
    /// Whether it may stand there several times.
    pub repeats: bool,
}

impl Opt {
    pub const fn flag(name: &'static str, help: &'static str) -> Self {
        Self { name, value: None, help, repeats: false }
    }

    pub const fn value(name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self { name, value: Some(value), help, repeats: false }
    }

    pub const fn many(name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self { name, value: Some(value), help, repeats: true }
    }
}

/// The options that every command has.
pub const COMMON: &[Opt] = &[
    Opt::flag("json", "print the result as one JSON object on one line"),
    Opt::flag("help", "print this text"),
];

/// What the command line asks for.
#[derive(Debug)]
pub enum Parsed {
    Command(&'static Command, Args),
    /// `--help`: of the program (empty), a group of commands such as `trust`, or a command.
    Help(&'static str),
    Version,
}

/// The options and operands of one command.
#[derive(Debug, Default)]
pub struct Args {
    options: Vec<(&'static str, OsString)>,
    operands: Vec<OsString>,
}

/// Reads the arguments behind the program's name.
pub fn parse(arguments: Vec<OsString>) -> Result<Parsed, Failure> {
    let mut words =
        arguments.iter().map_while(|word| word.to_str()).take_while(|word| !word.starts_with('-'));
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let pair = format!("{first} {second}");
    let found = commands::ALL.iter().find(|command| command.name == first || command.name == pair);
    if let Some(command) = found {
        let name_len = command.name.split(' ').count();
        return parse_command(command, Parser::from_args(arguments.into_iter().skip(name_len)));
    }
    let group = commands::GROUPS.iter().copied().find(|group| *group == first);
    let rest: Vec<&str> =
        arguments.iter().skip(usize::from(group.is_some())).filter_map(|word| word.to_str()).collect();
    match rest.as_slice() {
        ["--help" | "-h", ..] => Ok(Parsed::Help(group.unwrap_or_default())),
        ["--version" | "-V", ..] if group.is_none() => Ok(Parsed::Version),
        [unknown, ..] => Err(Failure::Usage(format!("expected a command, found {unknown:?}"))),
        [] => Err(Failure::Usage("expected a command, found none".into())),
    }
}

fn parse_command(command: &'static Command, mut parser: Parser) -> Result<Parsed, Failure> {
    let usage = |message: String| Failure::Usage(format!("{}: {message}", command.name));
    let mut args = Args::default();
    while let Some(arg) = parser.next().map_err(|e| usage(e.to_string()))? {
        let name = match arg {
            Arg::Long(name) => name.to_owned(),
            Arg::Short('h') => "help".to_owned(),
            Arg::Value(operand) if args.operands.len() < command.operands => {
                args.operands.push(operand);
                continue;
            }
            other => return Err(usage(other.unexpected().to_string())),
        };
        if name == "help" {
            return Ok(Parsed::Help(command.name));
        }
        let known = command.options.iter().chain(COMMON).find(|option| option.name == name);
        let option = known.ok_or_else(|| usage(format!("unknown option --{name}")))?;
        if !option.repeats && args.has(option.name) {
            return Err(usage(format!("--{name} stands there twice")));
        }
        let value = match option.value {
            Some(_) => parser.value().map_err(|e| usage(e.to_string()))?,
            None => OsString::new(),
        };
        args.options.push((option.name, value));
    }
    Ok(Parsed::Command(command, args))
}

impl Args {
    /// Whether an option is there.
    pub fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(given, _)| *given == name)
    }

    /// Every value of an option that repeats, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a OsStr> {
        self.options.iter().filter(move |(given, _)| *given == name).map(|(_, value)| value.as_os_str())
    }

    /// The value of an option as it stands there.
    pub fn value(&self, name: &str) -> Option<&OsStr> {
        self.options.iter().find(|(given, _)| *given == name).map(|(_, value)| value.as_os_str())
    }

    pub fn path(&self, name: &str) -> Option<&Path> {
        self.value(name).map(Path::new)
    }

    pub fn required_path(&self, name: &str) -> Result<&Path, Failure> {
        self.path(name).ok_or_else(|| missing(name))
    }

    pub fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        self.value(name).map(|value| utf8(value, name)).transpose()
    }

    pub fn required_text(&self, name: &str) -> Result<&str, Failure> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// A text, or the empty one where the option is absent.
    pub fn text_or_empty(&self, name: &str) -> Result<String, Failure> {
        Ok(self.text(name)?.unwrap_or_default().to_owned())
    }

    pub fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = text
            .parse()
            .map_err(|_| Failure::Usage(format!("--{name}: expected a number, found {text:?}")))?;
        Ok(Some(number))
    }

    /// A time in RFC 3339, UTC.
    pub fn time(&self, name: &str) -> Result<Option<UnixSeconds>, Failure> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let expected = "expected a time in UTC such as 2027-01-31T00:00:00Z";
        let time = timestamp::parse(text)
            .ok_or_else(|| Failure::Usage(format!("--{name}: {expected}, found {text:?}")))?;
        Ok(Some(time))
    }

    /// `--user-id`, whose empty value is an empty user id; without it the standard's default.
    pub fn user_id(&self) -> Result<UserId, Failure> {
        self.value("user-id").map_or_else(|| Ok(UserId::default()), |id| Ok(UserId::new(id.as_bytes())?))
    }

    /// The operand, if there is one.
    pub fn operand(&self) -> Option<&OsStr> {
        self.operands.first().map(OsString::as_os_str)
    }

    /// Every operand.
    pub fn operands(&self) -> impl Iterator<Item = &Path> {
        self.operands.iter().map(Path::new)
    }

    /// The operand, which `what` names.
    pub fn required_operand(&self, what: &str) -> Result<&Path, Failure> {
        self.operand().map(Path::new).ok_or_else(|| Failure::Usage(format!("expected {what}, found nothing")))
    }

    /// Refuses every option and operand that does not go with `--mode`.
    pub fn only(&self, mode: &str, allowed: &[&str], operands: usize) -> Result<(), Failure> {
        let fits = |name: &str| {
            name == mode || allowed.contains(&name) || COMMON.iter().any(|common| common.name == name)
        };
        if let Some((other, _)) = self.options.iter().find(|(name, _)| !fits(name)) {
            return Err(Failure::Usage(format!("--{other} does not go with --{mode}")));
        }
        if let Some(operand) = self.operands.get(operands) {
            return Err(Failure::Usage(format!("{} does not go with --{mode}", operand.display())));
        }
        Ok(())
    }
}

/// The text before and after the first `separator` of an option's value.
pub fn split<'a>(
    value: &'a OsStr,
    separator: u8,
    option: &str,
    form: &str,
) -> Result<(&'a str, &'a OsStr), Failure> {
    let bytes = value.as_bytes();
    let at = bytes.iter().position(|byte| *byte == separator).and_then(|at| bytes.split_at_checked(at));
    let Some((name, [_, rest @ ..])) = at else {
        return Err(Failure::Usage(format!("--{option}: expected {form}, found {}", value.display())));
    };
    Ok((utf8(OsStr::from_bytes(name), option)?, OsStr::from_bytes(rest)))
}

/// The value as text.
pub fn utf8<'a>(value: &'a OsStr, option: &str) -> Result<&'a str, Failure> {
    value
        .to_str()
        .ok_or_else(|| Failure::Usage(format!("--{option}: expected UTF-8, found {}", value.display())))
}

fn missing(name: &str) -> Failure {
    Failure::Usage(format!("--{name} is required"))
}
