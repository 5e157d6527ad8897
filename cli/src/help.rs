//! `--help`, written from the commands' own description.
#![forbid(unsafe_code)]

use crate::args::{COMMON, Opt};
use crate::commands::{ALL, Command};
use crate::exit::MEANINGS;

const WIDTH: usize = 100;

/// The help of a command, a group of commands, or, for the empty `subject`, the program.
pub fn of(subject: &str) -> String {
    match ALL.iter().find(|command| command.name == subject) {
        Some(command) => of_command(command),
        None => of_group(subject),
    }
}

fn of_group(group: &str) -> String {
    let (name, about) = match group {
        "" => ("sogov".to_owned(), "Governs native plugins: signed, versioned, routed, rolled back."),
        "package" => ("sogov package".to_owned(), "Installed update packages."),
        "audit" => {
            ("sogov audit".to_owned(), "The audit trail: who changed what, when, and what became of it.")
        }
        group => (format!("sogov {group}"), "The trust directory: who may sign plugins of which services."),
    };
    let members = ALL.iter().filter(|command| is_member(command, group));
    let commands = table(members.map(|command| (command.name.to_owned(), command.summary)));
    let options = match group {
        "" => {
            table([("--help".to_owned(), "print this text"), ("--version".to_owned(), "print the version")])
        }
        _ => table([("--help".to_owned(), "print this text")]),
    };
    format!(
        "{about}\n\nUsage: {name} COMMAND [OPTIONS]\n\nCommands:\n{commands}\nOptions:\n{options}\n\
         {name} COMMAND --help has its options and examples.\n\n{}",
        exit_codes()
    )
}

fn is_member(command: &Command, group: &str) -> bool {
    group.is_empty() || command.name.split(' ').next() == Some(group)
}

fn of_command(command: &Command) -> String {
    let Command { name, summary, .. } = command;
    let usage: Vec<String> = command.usage.iter().map(|usage| format!("sogov {name} {usage}\n")).collect();
    let about: Vec<String> = command.about.iter().map(|paragraph| wrap(paragraph, 0) + "\n").collect();
    let options = command.options.iter().chain(COMMON);
    let examples: Vec<String> = command.examples.iter().map(|example| format!("  {example}\n")).collect();
    format!(
        "sogov {name}: {summary}\n\nUsage: {}\n{}Options:\n{}\nExamples:\n{}\n{}",
        usage.join("       "),
        about.concat(),
        table(options.map(|option| (left(option), option.help))),
        examples.concat(),
        exit_codes()
    )
}

fn exit_codes() -> String {
    let rows = MEANINGS.iter().map(|(exit, meaning)| ((*exit as u8).to_string(), *meaning));
    format!("Exit codes:\n{}", table(rows))
}

fn left(option: &Opt) -> String {
    option.value.map_or_else(|| format!("--{}", option.name), |value| format!("--{} {value}", option.name))
}

/// Two columns.
fn table<'a>(rows: impl IntoIterator<Item = (String, &'a str)>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    let width = rows.iter().map(|(left, _)| left.len()).max().unwrap_or_default();
    rows.iter().map(|(left, right)| format!("  {left:width$}  ") + &wrap(right, width + 4)).collect()
}

/// `words` in lines, of which all but the first are indented.
fn wrap(words: &str, indent: usize) -> String {
    let mut text = String::new();
    let mut column = indent;
    for (index, word) in words.split(' ').enumerate() {
        if index > 0 && column + 1 + word.len() > WIDTH {
            text.push('\n');
            text.push_str(&" ".repeat(indent));
            column = indent;
        } else if index > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
    text
}
