//! Header rules, arranged so that a request pays for its headers and not for the number of rules.
#![forbid(unsafe_code)]

use super::ends::{ByEnds, Ends, WHOLE, mask};
use crate::route::policy::{Rule, Test};
use crate::route::request::Header;
use crate::route::siphash::first_word;
use std::collections::BTreeMap;

/// The rules by header. A rule's number is its place in the order of priority.
#[derive(Clone, Debug)]
pub(super) struct RuleIndex {
    headers: ByEnds<HeaderRules>,
    /// A bit for each length that one of their names has: most headers of a request are out by that.
    name_lens: u64,
    /// Of each rule.
    rules: Box<[(Box<str>, u32)]>,
}

/// The rules that look at one header.
#[derive(Clone, Debug)]
struct HeaderRules {
    /// In lower case.
    name: Box<[u8]>,
    ends: Ends,
    /// The first rule that any value passes, or [`NO_RULE`].
    exists: u32,
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

/// In place of a rule's number, and behind all of them.
const NO_RULE: u32 = u32::MAX;

impl RuleIndex {
    /// The index of `rules`, which are in the order of priority.
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut by_name: BTreeMap<&str, Vec<(u32, &Test)>> = BTreeMap::new();
        for (number, rule) in (0_u32..).zip(rules) {
            by_name.entry(&rule.header).or_default().push((number, &rule.test));
        }
        let name_lens = by_name.keys().fold(0, |bits, name| bits | len_bit(name.as_bytes()));
        let headers = by_name.into_iter().map(|(name, tests)| {
            let name = name.as_bytes();
            (Ends::of(name).folded(), HeaderRules::new(name, &tests))
        });
        let targets = rules.iter().map(|rule| (rule.id.as_str().into(), rule.to));
        Self { headers: ByEnds::new(headers.collect()), name_lens, rules: targets.collect() }
    }

    /// The first rule that the headers of a request pass: its number and its version.
    #[inline]
    pub(super) fn first_match(&self, headers: &[Header<'_>]) -> Option<(u32, u32)> {
        let mut best = NO_RULE;
        for (position, header) in headers.iter().enumerate() {
            let Some(rules) = self.rules_of(header.name) else { continue };
            let first = rules.first_match(header.value, best);
            if first < best && is_first_of_its_name(headers, position, header) {
                best = first;
            }
        }
        self.rules.get(best as usize).map(|&(_, version)| (best, version))
    }

    /// The name of a rule.
    pub(super) fn id(&self, number: u32) -> Option<&str> {
        self.rules.get(number as usize).map(|(id, _)| id.as_ref())
    }

    #[inline]
    fn rules_of(&self, name: &[u8]) -> Option<&HeaderRules> {
        if self.name_lens & len_bit(name) == 0 {
            return None;
        }
        let ends = Ends::of(name);
        // In HTTP/2 and in gRPC names are in lower case, so that most need no look at each byte.
        self.headers.find(ends.folded(), |rules| {
            (ends == rules.ends && name.len() <= WHOLE) || rules.name.eq_ignore_ascii_case(name)
        })
    }
}

impl HeaderRules {
    /// The rules with these numbers, in the order of priority.
    fn new(name: &[u8], tests: &[(u32, &Test)]) -> Self {
        let (mut exists, mut equal, mut prefixes) = (NO_RULE, Vec::new(), Vec::new());
        for &(rule, test) in tests {
            match test {
                Test::Exists => exists = exists.min(rule),
                Test::In(values) => equal.extend(values.iter().map(|value| {
                    let value = value.as_bytes();
                    (Ends::of(value), (value.into(), rule))
                })),
                Test::Prefix(prefix) => {
                    let prefix = prefix.as_bytes();
                    let (head, mask) = (first_word(prefix), mask(prefix.len()));
                    prefixes.push(Prefix { head, mask, text: prefix.into(), rule });
                }
            }
        }
        Self {
            name: name.into(),
            ends: Ends::of(name),
            exists,
            equal: ByEnds::new(equal),
            prefixes: prefixes.into(),
        }
    }

    /// The first rule that `value` passes if it comes before the rule `best`, otherwise `best`.
    #[inline]
    fn first_match(&self, value: &[u8], best: u32) -> u32 {
        let mut first = best.min(self.exists);
        let ends = Ends::of(value);
        if let Some((_, rule)) = self.equal.find(ends, |(text, _)| value.len() <= WHOLE || **text == *value) {
            first = first.min(*rule);
        }
        let mut earlier = self.prefixes.iter().take_while(|prefix| prefix.rule < first);
        let passes = |p: &&Prefix| ends.head & p.mask == p.head && value.starts_with(&p.text);
        earlier.find(passes).map_or(first, |prefix| prefix.rule)
    }
}

/// The bit for the length of a name; long ones share one.
fn len_bit(name: &[u8]) -> u64 {
    1 << name.len().min(63)
}

fn is_first_of_its_name(headers: &[Header<'_>], position: usize, header: &Header<'_>) -> bool {
    !headers.iter().take(position).any(|earlier| earlier.name.eq_ignore_ascii_case(header.name))
}
