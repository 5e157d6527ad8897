//! What must hold for every policy, on thousands of drawn ones. The seeds are fixed: a failure repeats.
#![forbid(unsafe_code)]

use super::bucket::{BucketHasher, bucket_of};
use super::{Header, Reason, Request, RoutePolicy, RouteTable};

/// Random cases of each property; `make soak` asks for more.
fn cases() -> usize {
    if std::env::var_os("SOGOV_SOAK").is_some() { 400_000 } else { 4_000 }
}

/// Marsaglia's xorshift64.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Small and large alike: uniform in the number of digits.
    fn weight(&mut self) -> u64 {
        let scale = 10_u64.pow(u32::try_from(self.below(7)).unwrap());
        1 + self.below(10 * scale)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

/// The table of "v" and its grays, which are in the order of `seq`; the document lists them in the order
/// given, or backwards.
fn table(weights: &[(&str, u64)], backwards: bool) -> RouteTable {
    let mut named: Vec<String> =
        weights.iter().map(|(name, weight)| format!("\"{name}\":{weight}")).collect();
    let seq = |(seq, (name, _)): (usize, &(&str, u64))| format!(r#"{{"version":"{name}","seq":{seq}}}"#);
    let mut grays: Vec<String> = weights.iter().enumerate().skip(1).map(seq).collect();
    if backwards {
        named.reverse();
        grays.reverse();
    }
    let (named, grays) = (named.join(","), grays.join(","));
    let text = format!(r#"{{"version":"1","stable":"v","weight":{{{named}}},"grays":[{grays}]}}"#);
    RouteTable::new(&RoutePolicy::parse(text.as_bytes(), "pricing").unwrap())
}

/// The versions of a fixed crowd of users.
fn assigned(table: &RouteTable) -> Vec<u32> {
    let decide = |i: u32| {
        let user = format!("user-{i}");
        table.decide(&Request { user_key: Some(user.as_bytes()), headers: &[] }, || 0).version
    };
    (0..100).map(decide).collect()
}

#[test]
fn who_is_in_stays_in_as_a_gray_grows() {
    let mut draw = Draw(0x243F_6A88_85A3_08D3);
    for _ in 0..cases() {
        let [a, b, c, d] = [draw.weight(), draw.weight(), draw.weight(), draw.weight()];
        let ((stable, gray), (less_stable, more_gray)) =
            if b * c <= d * a { ((a, b), (c, d)) } else { ((c, d), (a, b)) };
        let small = table(&[("v", stable), ("g", gray)], false);
        let large = table(&[("v", less_stable), ("g", more_gray)], false);
        assert!(small.shares()[1] <= large.shares()[1]);
        let stayed =
            assigned(&small).into_iter().zip(assigned(&large)).all(|(before, after)| before <= after);
        assert!(stayed, "{stable}:{gray} to {less_stable}:{more_gray}");
    }
}

#[test]
fn who_is_in_stays_in_as_either_of_two_grays_grows() {
    let mut draw = Draw(0x1319_8A2E_0370_7344);
    for _ in 0..cases() {
        let [a, b] = [draw.below(50), draw.below(50)];
        let more = draw.below(50 - a.max(b) + 1);
        let at = |a, b| assigned(&table(&[("v", 100 - a - b), ("a", a), ("b", b)], false));
        let before = at(a, b);
        for (grown, after) in [(1, at(a + more, b)), (2, at(a, b + more))] {
            for (before, after) in before.iter().zip(&after) {
                assert!(before == after || (*before == 0 && *after == grown), "{a} {b} +{more}");
            }
        }
    }
}

#[test]
fn only_the_ratio_of_the_weights_counts() {
    let mut draw = Draw(0xA409_3822_299F_31D0);
    for _ in 0..cases() {
        let (v, a, b, factor) =
            (draw.below(1_000_000), 1 + draw.below(1000), draw.below(1000), 1 + draw.below(1000));
        let plain = table(&[("v", v), ("a", a), ("b", b)], false);
        let scaled = table(&[("v", v * factor), ("a", a * factor), ("b", b * factor)], false);
        assert_eq!(plain.shares(), scaled.shares(), "{v}:{a}:{b} times {factor}");
        assert_eq!(assigned(&plain), assigned(&scaled));
    }
    let [by_hundred, by_five] = [[80, 20], [4, 1]].map(|[v, g]| table(&[("v", v), ("g", g)], false));
    assert_eq!(assigned(&by_hundred), assigned(&by_five));
}

#[test]
fn the_order_of_the_json_does_not_count() {
    let mut draw = Draw(0x082E_FA98_EC4E_6C89);
    for _ in 0..cases() {
        let weights = [("v", draw.weight()), ("a", draw.weight()), ("b", draw.weight())];
        let (forwards, backwards) = (table(&weights, false), table(&weights, true));
        assert_eq!(forwards.versions(), backwards.versions());
        assert_eq!(forwards.shares(), backwards.shares());
        assert_eq!(assigned(&forwards), assigned(&backwards));
    }
}

#[test]
fn a_new_gray_takes_only_stable_users() {
    let mut draw = Draw(0x4528_21E6_38D0_1377);
    for _ in 0..cases() {
        // Sums that divide 10,000: every share is exact.
        let sum = [20, 100, 1000, 10_000][usize::try_from(draw.below(4)).unwrap()];
        let a = draw.below(sum + 1);
        let b = draw.below(sum - a + 1);
        let before = assigned(&table(&[("v", sum - a), ("a", a)], false));
        let after = assigned(&table(&[("v", sum - a - b), ("a", a), ("b", b)], false));
        let kept =
            before.iter().zip(&after).all(|(before, after)| before == after || (*before == 0 && *after == 2));
        assert!(kept, "{b} of {sum} beside {a}");
    }
    for _ in 0..cases() {
        // Any sum: rounding may move the edge of the gray that was there by one bucket.
        let sum = draw.weight() + 1;
        let a = draw.below(sum) / 2 + 1;
        let b = draw.below(sum - a + 1);
        let before = table(&[("v", sum - a), ("a", a)], false).shares()[1];
        let after = table(&[("v", sum - a - b), ("a", a), ("b", b)], false).shares()[1];
        assert!(before.abs_diff(after) <= 1, "{b} of {sum} beside {a}: {before}, {after}");
    }
}

#[test]
fn there_and_back_is_a_round_trip() {
    let at = |percent: u64| assigned(&table(&[("v", 100 - percent), ("g", percent)], false));
    let up: Vec<Vec<u32>> = [1, 5, 20, 50, 100].map(at).into();
    let down: Vec<Vec<u32>> = [100, 50, 20, 5, 1].map(at).into();
    assert!(up.iter().eq(down.iter().rev()));
    assert_eq!(up[4], vec![1; 100]);
    assert!(up.is_sorted_by(|small, large| small.iter().zip(large).all(|(small, large)| small <= large)));
}

#[test]
fn shares_are_met() {
    // Of 100,000 users; the standard deviation of the count is sqrt(100000 p (1 - p)). The exact counts are
    // those of the Python implementation in tests/vectors.
    for (percent, five_deviations, exact) in [(1, 157, 1045), (20, 632, 20_211), (50, 790, 50_263)] {
        let table = table(&[("v", 100 - percent), ("g", percent)], false);
        let in_gray = |i: &u32| {
            let user = format!("user-{i}");
            table.decide(&Request { user_key: Some(user.as_bytes()), headers: &[] }, || 0).version == 1
        };
        let count = (0..100_000).filter(in_gray).count() as u64;
        assert!(count.abs_diff(1000 * percent) <= five_deviations);
        assert_eq!(count, exact, "{percent}%");
    }
}

#[test]
fn purposes_are_independent() {
    let [route, sample] = ["route", "sample"].map(|purpose| BucketHasher::new("pricing", purpose));
    let in_both = |i: &u32| {
        let user = format!("user-{i}");
        [&route, &sample].iter().all(|hasher| bucket_of(hasher.hash(user.as_bytes())) < 2000)
    };
    let count = (0..100_000).filter(in_both).count() as u64;
    assert!(count.abs_diff(4000) <= 310, "20% of 20%, five deviations");
    assert_eq!(count, 4082);
}

#[test]
fn damaged_documents_are_refused_or_read_but_never_crash() {
    const WHOLE: &str = r#"{"version":"1","stable":"v","weight":{"v":7,"a":2,"b":1},
        "grays":[{"version":"a","seq":1,"ranges":[[0,2000]]},{"version":"b","seq":2,"ranges":[[9000,10000]]}],
        "hash":{"version":1,"by":["x","y"],"on_missing_key":"random"},"pins":{"deny":[["u","7"]],"allow":{"a":[]}},
        "rules":[{"id":"r","priority":1,"when":{"header":"x-env","in":["1"]},"to":"b"}],"epoch":42}"#;
    let mut draw = Draw(0xC0AC_29B7_C97C_50DD);
    let mut read = 0;
    for _ in 0..5 * cases() {
        let mut bytes = WHOLE.as_bytes().to_vec();
        for _ in 0..=draw.below(2) {
            let place = usize::try_from(draw.below(bytes.len() as u64)).unwrap();
            match draw.below(4) {
                0 => bytes.truncate(place + 1),
                1 => drop(bytes.remove(place)),
                2 => {
                    bytes.insert(place, draw.pick(&["0", "9", ",", "[", "}", "\"", "\\", "-"]).as_bytes()[0]);
                }
                _ => bytes[place] = draw.next().to_le_bytes()[0],
            }
        }
        if let Ok(policy) = RoutePolicy::parse(&bytes, "pricing") {
            let table = RouteTable::new(&policy);
            assert_eq!(table.shares().iter().sum::<u32>(), 10_000);
            let decision = table.decide(&Request::default(), || draw.next());
            assert!((decision.version as usize) < table.versions().len());
            read += 1;
        }
    }
    assert!(read > 100, "{read} documents were still read");
}

/// A rule as the document has it, for a reader that looks at one after the other.
struct PlainRule {
    priority: u64,
    header: &'static str,
    operator: &'static str,
    operand: &'static str,
}

impl PlainRule {
    fn passes(&self, headers: &[Header<'_>]) -> bool {
        let first = headers.iter().find(|header| header.name.eq_ignore_ascii_case(self.header.as_bytes()));
        first.is_some_and(|header| match self.operator {
            "eq" => header.value == self.operand.as_bytes(),
            "prefix" => header.value.starts_with(self.operand.as_bytes()),
            _ => true,
        })
    }

    fn json(&self) -> String {
        let Self { priority, header, operator, operand } = self;
        let operand = if *operator == "exists" { "true".into() } else { format!("\"{operand}\"") };
        format!(
            r#"{{"id":"p{priority}","priority":{priority},"when":{{"header":"{header}","{operator}":{operand}}},"to":"g"}}"#
        )
    }
}

#[test]
fn indexed_rules_decide_as_rules_read_one_by_one() {
    let mut draw = Draw(0xBE54_66CF_34E9_0C6C);
    let mut matched = 0;
    for _ in 0..cases() {
        let mut rules: Vec<PlainRule> = Vec::new();
        for _ in 0..draw.below(12) {
            let priority = draw.below(1000);
            if rules.iter().all(|rule| rule.priority != priority) {
                let header = draw.pick(&["a", "B", "ab", "x-env"]);
                let operator = draw.pick(&["eq", "eq", "prefix", "exists"]);
                rules.push(PlainRule {
                    priority,
                    header,
                    operator,
                    operand: draw.pick(&["1", "12", "2", "x"]),
                });
            }
        }
        let json: Vec<String> = rules.iter().map(PlainRule::json).collect();
        let text = format!(
            r#"{{"version":"1","stable":"v","weight":{{"v":1,"g":0}},"rules":[{}]}}"#,
            json.join(",")
        );
        let table = RouteTable::new(&RoutePolicy::parse(text.as_bytes(), "pricing").unwrap());

        let headers: Vec<Header<'_>> = (0..draw.below(5))
            .map(|_| Header {
                name: draw.pick(&["a", "A", "b", "AB", "X-Env", "other"]).as_bytes(),
                value: draw.pick(&["", "1", "12", "123", "2", "x"]).as_bytes(),
            })
            .collect();
        let passing = rules.iter().filter(|rule| rule.passes(&headers));
        let expected = passing.map(|rule| rule.priority).min().map(|priority| format!("p{priority}"));
        let decision = table.decide(&Request { user_key: None, headers: &headers }, || 0);
        let found = match decision.reason {
            Reason::Rule(rule) => table.rule_id(rule).map(str::to_owned),
            _ => None,
        };
        assert_eq!(found, expected, "{text} {headers:?}");
        matched += usize::from(found.is_some());
    }
    assert!((cases() / 4..cases() * 3 / 4).contains(&matched), "{matched} of {} matched", cases());
}
