use super::*;
use crate::route::Header;
use std::fmt::Write as _;

fn table(text: &str) -> RouteTable {
    RouteTable::new(&RoutePolicy::parse(text.as_bytes(), "user-service").unwrap())
}

/// The decision where nothing may be drawn at random.
fn decide(table: &RouteTable, user_key: Option<&[u8]>, headers: &[Header<'_>]) -> Decision {
    table.decide(&Request { user_key, headers }, || panic!("a random draw that nobody asked for"))
}

fn header<'a>(name: &'a str, value: &'a [u8]) -> Header<'a> {
    Header { name: name.as_bytes(), value }
}

#[test]
fn without_a_policy_everything_is_stable() {
    let table = RouteTable::only("v1");
    assert_eq!(table.versions(), ["v1"]);
    assert_eq!(table.shares(), [10_000]);
    assert_eq!(table.rule_id(0), None);
    assert_eq!(decide(&table, None, &[]), Decision { version: 0, reason: Reason::Stable });
}

#[test]
fn a_gray_beside_one_version_keeps_the_policys_key_pins_and_rules() {
    let text = r#"{"version":"1","stable":"v","hash":{"version":1,"by":["x-user"],"salt":"s"},
        "pins":{"deny":["ada"]},"rules":[{"id":"r","priority":1,"when":{"header":"x","eq":"1"},"to":"v"}]}"#;
    let table = table(text).with_gray("w", 10_000, "user-service");
    assert_eq!((table.versions(), table.shares()), (&["v".to_owned(), "w".to_owned()][..], vec![0, 10_000]));
    let of = |headers: &[Header<'_>]| decide(&table, Some(b"not looked at"), headers);
    assert_eq!(of(&[header("x-user", b"bob")]), Decision { version: 1, reason: Reason::Fraction });
    assert_eq!(of(&[header("x-user", b"ada")]), Decision { version: 0, reason: Reason::Pin });
    assert_eq!(of(&[header("x", b"1")]), Decision { version: 0, reason: Reason::Rule(0) });
    assert_eq!(of(&[]), Decision { version: 0, reason: Reason::MissingKey });
    let all = table.all_to_gray("w", "user-service");
    assert_eq!(decide(&all, Some(b"ada"), &[header("x-user", b"ada")]).version, 1);
}

#[test]
fn a_gray_without_a_policy_gets_its_share_of_users_and_of_requests_without_a_key() {
    let table = RouteTable::only("v").with_gray("w", 500, "user-service");
    assert_eq!(table.shares(), [9500, 500]);
    let policy = self::table(r#"{"version":"1","stable":"v","weight":{"v":95,"w":5}}"#);
    for user in 0..200_u32 {
        let user = user.to_string();
        let user = Some(user.as_bytes());
        assert_eq!(decide(&table, user, &[]), decide(&policy, user, &[]), "the buckets of a policy");
    }
    let drawn = |random| table.decide(&Request { user_key: None, headers: &[] }, || random);
    assert_eq!(drawn(0), Decision { version: 1, reason: Reason::Random });
    assert_eq!(drawn(u64::MAX), Decision { version: 0, reason: Reason::Random });
}

#[test]
fn shares_are_those_of_the_layout() {
    let text = r#"{"version":"1","stable":"v","weight":{"b":1,"a":2,"v":7},
        "grays":[{"version":"b","seq":9},{"version":"a","seq":3}]}"#;
    let table = table(text);
    assert_eq!(table.versions(), ["v", "a", "b"]);
    assert_eq!(table.shares(), [7000, 2000, 1000]);
}

#[test]
fn the_random_draw_is_a_bucket_like_any_other() {
    let text =
        r#"{"version":"1","weight":{"v":80,"v-gray":20},"hash":{"version":1,"on_missing_key":"random"}}"#;
    let table = table(text);
    let drawn = |random: u64| table.decide(&Request::default(), || random);
    assert_eq!(drawn(0), Decision { version: 1, reason: Reason::Random });
    assert_eq!(drawn(u64::MAX), Decision { version: 0, reason: Reason::Random });
    let gray = (0..1000).filter(|i| drawn(u64::MAX / 1000 * i + u64::MAX / 2000).version == 1).count();
    assert_eq!(gray, 200);
    assert_ne!(decide(&table, Some(b"u1"), &[]).reason, Reason::Random);
}

#[test]
fn keys_and_values_are_bytes() {
    let text = r#"{"version":"1","weight":{"v":1,"v-gray":0},
        "rules":[{"id":"p","priority":1,"when":{"header":"x","prefix":"a"},"to":"v-gray"}]}"#;
    let table = table(text);
    let long = vec![b'a'; 65_536];
    assert_eq!(decide(&table, Some(&long), &[]).reason, Reason::Stable);
    for (value, version) in [(&b"a\xFF"[..], 1), (b"\xFFa", 0), (b"a\0", 1), (b"", 0), (&long, 1)] {
        assert_eq!(decide(&table, Some(b"\xFF\0"), &[header("X", value)]).version, version);
    }
    assert_eq!(decide(&table, None, &[header("", b"a"), header("x\0", b"a")]).version, 0);
}

#[test]
fn decisions_name_their_rule() {
    let text = r#"{"version":"1","weight":{"v":1,"v-gray":0},"rules":[
        {"id":"later","priority":7,"when":{"header":"x","exists":true},"to":"v"},
        {"id":"sooner","priority":3,"when":{"header":"x","eq":"1"},"to":"v-gray"}]}"#;
    let table = table(text);
    let named = |value: &[u8]| match decide(&table, None, &[header("x", value)]).reason {
        Reason::Rule(rule) => table.rule_id(rule),
        _ => None,
    };
    assert_eq!(named(b"1"), Some("sooner"));
    assert_eq!(named(b"2"), Some("later"));
    assert_eq!(table.rule_id(2), None);
}

#[test]
fn ten_thousand_rules_and_pins_find_the_one() {
    let mut rules = String::new();
    let mut users = String::new();
    for i in 0..10_000 {
        let comma = if i > 0 { "," } else { "" };
        let to = if i % 2 == 0 { "v" } else { "v-gray" };
        let when = format!(r#"{{"header":"h{}","eq":"{i}"}}"#, i % 100);
        write!(rules, r#"{comma}{{"id":"r{i}","priority":{i},"when":{when},"to":"{to}"}}"#).unwrap();
        write!(users, r#"{comma}"user-{i}""#).unwrap();
    }
    let text = format!(
        r#"{{"version":"1","weight":{{"v":1,"v-gray":0}},"rules":[{rules}],"pins":{{"allow":{{"v-gray":[{users}]}}}}}}"#
    );
    let table = table(&text);
    for i in [0_u32, 1, 4999, 9999] {
        let (name, value, user) = (format!("H{}", i % 100), i.to_string(), format!("user-{i}"));
        let decision = decide(&table, Some(b"nobody"), &[header(&name, value.as_bytes())]);
        assert_eq!(decision, Decision { version: i % 2, reason: Reason::Rule(i) });
        let decision = decide(&table, Some(user.as_bytes()), &[header(&name, value.as_bytes())]);
        assert_eq!(decision, Decision { version: 1, reason: Reason::Pin });
    }
    assert_eq!(decide(&table, Some(b"user-10000"), &[header("h0", b"1")]).reason, Reason::Stable);
}

#[test]
fn reasons_have_distinct_names() {
    let reasons = [
        Reason::KillSwitch,
        Reason::Pin,
        Reason::Rule(0),
        Reason::Fraction,
        Reason::Stable,
        Reason::MissingKey,
        Reason::Random,
        Reason::Breaker,
        Reason::Probe,
    ];
    let names: std::collections::BTreeSet<&str> = reasons.iter().map(|reason| reason.name()).collect();
    assert_eq!(names.len(), reasons.len());
}
