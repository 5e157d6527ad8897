//! Header rules, arranged so that a request pays for its headers and not for the number of rules.
#![forbid(unsafe_code)]

use super::ends::{ByEnds, Ends, WHOLE, head, mask};
use crate::route::policy::{Rule, Test};
use crate::route::request::Header;
use std::collections::BTreeMap;

/// The rules by header. A rule's number is its place in the order of priority.
#[derive(Clone, Debug)]
pub(super) struct RuleIndex {
    headers: ByEnds<HeaderRules>,
    /// Of each rule.
    rules: Box<[(Box<str>, u32)]>,
}

/// The rules that look at one header.
#[derive(Clone, Debug)]
struct HeaderRules {
    /// In lower case.
    name: Box<[u8]>,
    /// The first rule that any value passes.
    exists: Option<u32>,
    /// Each value that a rule asks for, with the rule; of one value the first rule first.
    equal: ByEnds<(Box<[u8]>, u32)>,
    /// In the order of priority.
    prefixes: Box<[Prefix]>,
}

#[derive(Clone, Debug)]
struct Prefix {
    head: u64,
    mask: u64,
    text: Box<[u8]>,
    rule: u32,
}

impl RuleIndex {
    /// The index of `rules`, which are in the order of priority.
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut by_name: BTreeMap<&str, Vec<(u32, &Test)>> = BTreeMap::new();
        for (number, rule) in (0_u32..).zip(rules) {
            by_name.entry(&rule.header).or_default().push((number, &rule.test));
        }
        let headers = by_name.into_iter().map(|(name, tests)| {
            let name = name.as_bytes();
            (Ends::lower(name), HeaderRules::new(name, &tests))
        });
        let targets = rules.iter().map(|rule| (rule.id.as_str().into(), rule.to));
        Self { headers: ByEnds::new(headers.collect()), rules: targets.collect() }
    }

    /// The first rule that the headers of a request pass: its number and its version.
    #[inline]
    pub(super) fn first_match(&self, headers: &[Header<'_>]) -> Option<(u32, u32)> {
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

    #[inline]
    fn rules_of(&self, name: &[u8]) -> Option<&HeaderRules> {
        let mut same = self.headers.of(Ends::lower(name));
        same.find(|rules| name.len() <= WHOLE || rules.name.eq_ignore_ascii_case(name))
    }
}

impl HeaderRules {
    /// The rules with these numbers, in the order of priority.
    fn new(name: &[u8], tests: &[(u32, &Test)]) -> Self {
        let (mut exists, mut equal, mut prefixes) = (None, Vec::new(), Vec::new());
        for &(rule, test) in tests {
            match test {
                Test::Exists => exists = exists.or(Some(rule)),
                Test::In(values) => equal.extend(values.iter().map(|value| {
                    let value = value.as_bytes();
                    (Ends::of(value), (value.into(), rule))
                })),
                Test::Prefix(prefix) => {
                    let prefix = prefix.as_bytes();
                    let (head, mask) = (head(prefix), mask(prefix.len()));
                    prefixes.push(Prefix { head, mask, text: prefix.into(), rule });
                }
            }
        }
        Self { name: name.into(), exists, equal: ByEnds::new(equal), prefixes: prefixes.into() }
    }

    /// The first rule that `value` passes, if it comes before the rule `best`.
    #[inline]
    fn first_match(&self, value: &[u8], best: Option<u32>) -> Option<u32> {
        let best = best.unwrap_or(u32::MAX);
        let ends = Ends::of(value);
        let mut same = self.equal.of(ends);
        let equal = same.find(|(other, _)| value.len() <= WHOLE || **other == *value).map(|(_, rule)| *rule);
        let simple = [self.exists, equal].into_iter().flatten().min();
        let bound = simple.map_or(best, |rule| rule.min(best));
        let mut earlier = self.prefixes.iter().take_while(|prefix| prefix.rule < bound);
        let prefix = earlier.find(|p| ends.head & p.mask == p.head && value.starts_with(&p.text));
        prefix.map(|prefix| prefix.rule).or(simple.filter(|&rule| rule < best))
    }
}

fn is_first_of_its_name(headers: &[Header<'_>], position: usize, header: &Header<'_>) -> bool {
    !headers.iter().take(position).any(|earlier| earlier.name.eq_ignore_ascii_case(header.name))
}
