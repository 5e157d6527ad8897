//! Header rules, arranged so that a request pays for its headers and not for the number of rules.
#![forbid(unsafe_code)]

use crate::route::policy::{Rule, Test};
use crate::route::request::Header;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The rules by header. A rule's number is its place in the order of priority.
#[derive(Debug)]
pub(super) struct RuleIndex {
    /// Sorted by the length of the name, then by the name: most headers of a request differ in length.
    headers: Box<[HeaderRules]>,
    /// Of each rule.
    rules: Box<[(Box<str>, u32)]>,
}

/// The rules that look at one header.
#[derive(Debug, Default)]
struct HeaderRules {
    name: Box<[u8]>,
    /// The first rule that any value passes.
    exists: Option<u32>,
    /// The first rule for each value.
    equal: BTreeMap<Box<[u8]>, u32>,
    /// In the order of priority.
    prefixes: Vec<(Box<[u8]>, u32)>,
}

impl RuleIndex {
    /// The index of `rules`, which are in the order of priority.
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut by_name: BTreeMap<(usize, &str), HeaderRules> = BTreeMap::new();
        for (number, rule) in (0_u32..).zip(rules) {
            let name = rule.header.as_str();
            by_name.entry((name.len(), name)).or_default().add(number, &rule.test);
        }
        let headers = by_name
            .into_iter()
            .map(|((_, name), rules)| HeaderRules { name: name.as_bytes().into(), ..rules });
        let targets = rules.iter().map(|rule| (rule.id.as_str().into(), rule.to));
        Self { headers: headers.collect(), rules: targets.collect() }
    }

    /// The first rule that the headers of a request pass: its number and its version.
    pub(super) fn first_match(&self, headers: &[Header<'_>]) -> Option<(u32, u32)> {
        if self.headers.is_empty() {
            return None;
        }
        let mut best = None;
        for (position, header) in headers.iter().enumerate() {
            let found = self.rules_of(header.name).and_then(|rules| rules.first_match(header.value, best));
            if found.is_some() && is_first_of_its_name(headers, position, header) {
                best = found;
            }
        }
        let number = best?;
        self.rules.get(number as usize).map(|&(_, version)| (number, version))
    }

    /// The name of a rule.
    pub(super) fn id(&self, number: u32) -> Option<&str> {
        self.rules.get(number as usize).map(|(id, _)| id.as_ref())
    }

    fn rules_of(&self, name: &[u8]) -> Option<&HeaderRules> {
        let place = self.headers.binary_search_by(|rules| compare_names(&rules.name, name)).ok()?;
        self.headers.get(place)
    }
}

impl HeaderRules {
    fn add(&mut self, number: u32, test: &Test) {
        match test {
            Test::Exists => {
                self.exists.get_or_insert(number);
            }
            Test::In(values) => {
                for value in values {
                    self.equal.entry(value.as_bytes().into()).or_insert(number);
                }
            }
            Test::Prefix(prefix) => self.prefixes.push((prefix.as_bytes().into(), number)),
        }
    }

    /// The first rule that `value` passes, if it comes before the rule `best`.
    fn first_match(&self, value: &[u8], best: Option<u32>) -> Option<u32> {
        let best = best.unwrap_or(u32::MAX);
        let simple = [self.exists, self.equal.get(value).copied()].into_iter().flatten().min();
        let bound = simple.map_or(best, |number| number.min(best));
        let earlier = self.prefixes.iter().take_while(|&&(_, number)| number < bound);
        let prefix =
            earlier.into_iter().find(|(prefix, _)| value.starts_with(prefix)).map(|&(_, number)| number);
        prefix.or(simple.filter(|&number| number < best))
    }
}

/// By length, then by bytes; `lower` is in lower case, `name` in any.
fn compare_names(lower: &[u8], name: &[u8]) -> Ordering {
    let bytes = || lower.iter().copied().cmp(name.iter().map(u8::to_ascii_lowercase));
    lower.len().cmp(&name.len()).then_with(bytes)
}

fn is_first_of_its_name(headers: &[Header<'_>], position: usize, header: &Header<'_>) -> bool {
    !headers.iter().take(position).any(|earlier| earlier.name.eq_ignore_ascii_case(header.name))
}
