//! `rules`: headers that select a version.
#![forbid(unsafe_code)]

use super::versions::Versions;
use super::{header_name, label};
use crate::document::{Field, Object};
use crate::error::Result;
use std::collections::BTreeMap;

/// How many rules a policy may have.
pub const MAX_RULES: usize = 10_000;

const MAX_VALUE: usize = 1024;

/// "Requests whose header passes the test go to this version".
#[derive(Debug)]
pub(in crate::route) struct Rule {
    pub(in crate::route) id: String,
    /// In lower case.
    pub(in crate::route) header: String,
    pub(in crate::route) test: Test,
    pub(in crate::route) to: u32,
}

/// What a header's value must be.
#[derive(Debug)]
pub(in crate::route) enum Test {
    /// One of these.
    In(Vec<String>),
    /// Something that begins with this.
    Prefix(String),
    /// Anything.
    Exists,
}

/// The rules in the order in which they are looked at: the lowest priority number first.
pub(super) fn read(root: &mut Object<'_>, versions: &Versions) -> Result<Vec<Rule>> {
    let Some(field) = root.optional("rules") else { return Ok(Vec::new()) };
    let fields = field.array()?;
    if fields.len() > MAX_RULES {
        return Err(field.error(format!("expected at most {MAX_RULES} rules, found {}", fields.len())));
    }
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    let mut by_priority: BTreeMap<u64, (usize, Rule)> = BTreeMap::new();
    for (index, field) in fields.iter().enumerate() {
        let mut object = field.object()?;
        let id = object.required("id")?;
        let name = label(&id)?;
        if let Some(other) = ids.insert(name, index) {
            return Err(id.error(format!("{name:?} is the id of rules[{other}] already")));
        }
        let priority = object.required("priority")?;
        let number = priority.unsigned()?;
        if let Some((other, _)) = by_priority.get(&number) {
            return Err(priority.error(format!("{number} is the priority of rules[{other}] already")));
        }
        let (header, test) = read_condition(&object.required("when")?)?;
        let to = object.required("to")?;
        let to = versions.index_of(label(&to)?, &to)?;
        object.finish()?;
        by_priority.insert(number, (index, Rule { id: name.to_owned(), header, test, to }));
    }
    Ok(by_priority.into_values().map(|(_, rule)| rule).collect())
}

fn read_condition(field: &Field<'_>) -> Result<(String, Test)> {
    let mut when = field.object()?;
    let header = header_name(&when.required("header")?)?;
    let operators = ["eq", "in", "prefix", "exists"];
    let mut given = operators.into_iter().filter_map(|name| Some((name, when.optional(name)?)));
    let (first, second) = (given.next(), given.next());
    drop(given);
    when.finish()?;
    match (first, second) {
        (Some((operator, operand)), None) => Ok((header, read_test(operator, &operand)?)),
        (Some((first, _)), Some((second, _))) => {
            Err(field.error(format!("expected one of eq, in, prefix and exists, found {first} and {second}")))
        }
        _ => Err(field.error("expected one of eq, in, prefix and exists, found none")),
    }
}

fn read_test(operator: &str, operand: &Field<'_>) -> Result<Test> {
    let value = |field: &Field<'_>| Ok(field.text(MAX_VALUE)?.to_owned());
    match operator {
        "eq" => Ok(Test::In(vec![value(operand)?])),
        "in" => {
            let values: Vec<String> = operand.array()?.iter().map(value).collect::<Result<_>>()?;
            if values.is_empty() {
                return Err(operand.error("expected at least one value, found none"));
            }
            Ok(Test::In(values))
        }
        "prefix" => {
            let prefix = value(operand)?;
            if prefix.is_empty() {
                return Err(
                    operand.error("expected at least one byte, found none: exists asks for any value")
                );
            }
            Ok(Test::Prefix(prefix))
        }
        _ if operand.boolean()? => Ok(Test::Exists),
        _ => Err(operand.expected("true")),
    }
}
