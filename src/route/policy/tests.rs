use super::*;

fn parse(text: &str) -> Result<RoutePolicy> {
    RoutePolicy::parse(text.as_bytes(), "user-service")
}

/// A policy of v2 at 80 and v2-gray at 20 with `fields` besides.
fn with(fields: &str) -> String {
    format!(r#"{{"version":"v2.1","weight":{{"v2":80,"v2-gray":20}},{fields}}}"#)
}

fn refusal(text: &str) -> String {
    let error = parse(text).expect_err(text);
    assert_eq!(error.status(), Status::RoutePolicyInvalid);
    error.message().to_owned()
}

fn assert_refusals(cases: &[(&str, &str)]) {
    for (text, message) in cases {
        assert_eq!(refusal(text), *message, "{text}");
    }
}

/// The same for [`with`] the given fields.
fn assert_field_refusals(cases: &[(&str, &str)]) {
    for (fields, message) in cases {
        assert_eq!(refusal(&with(fields)), *message, "{fields}");
    }
}

const LONG_FORM: &str = r#"{"schema":1,"service":"user-service","version":"v2.1","epoch":42,
 "stable":"v2","weight":{"v2":80,"v2-gray":20},
 "grays":[{"version":"v2-gray","seq":1,"digest":"sm3:66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"}],
 "hash":{"version":1,"alg":"siphash24","by":["X-User-Id"],"salt":"s","on_missing_key":"random"},
 "pins":{"deny":["u7"],"allow":{"v2-gray":["u1"]}},
 "rules":[{"id":"late","priority":20,"when":{"header":"X-Env","prefix":"gray"},"to":"v2"},
          {"id":"env","priority":10,"when":{"header":"x-env","eq":"gray-v2"},"to":"v2-gray"}],
 "kill_switch":false,"experiments":[],"sampling":{},"breaker":{},"analysis":{},"sig":"x"}"#;

#[test]
fn the_long_form_is_read_whole() {
    let policy = parse(LONG_FORM).unwrap();
    assert_eq!((policy.version(), policy.epoch(), policy.kill_switch), ("v2.1", Some(42), false));
    assert_eq!(policy.versions(), ["v2", "v2-gray"]);
    assert_eq!(policy.digest("v2-gray").unwrap()[..2], [0x66, 0xc7]);
    assert_eq!((policy.digest("v2"), policy.digest("v9")), (None, None));
    assert_eq!(policy.layout().counts(2), [8000, 2000]);
    assert_eq!(policy.key.by, ["x-user-id"]);
    assert_eq!(policy.on_missing_key, OnMissingKey::Random);
    assert_eq!(policy.pins.len(), 2);
    let ids: Vec<&str> = policy.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["env", "late"], "by priority");
    assert_eq!(policy.not_acted_on(), ["experiments", "sampling", "analysis", "sig"]);
}

#[test]
fn the_short_form_infers_stable() {
    for weights in [r#"{"v2":80,"v2-gray":20}"#, r#"{"v2-gray":20,"v2":80}"#] {
        let policy = parse(&format!(r#"{{"version":"v2.1","weight":{weights}}}"#)).unwrap();
        assert_eq!(policy.versions(), ["v2", "v2-gray"]);
        assert_eq!(policy.layout().counts(2), [8000, 2000]);
        assert_eq!(policy.on_missing_key, OnMissingKey::Stable);
        assert_eq!((policy.epoch(), policy.not_acted_on().len()), (None, 0));
    }
    assert_eq!(parse(r#"{"version":"1","weight":{"v2":1}}"#).unwrap().versions(), ["v2"]);
    assert_eq!(parse(r#"{"version":"1","stable":"v2"}"#).unwrap().versions(), ["v2"]);
    let reversed = r#"{"version":"1","stable":"a-gray","weight":{"a":1,"a-gray":3}}"#;
    assert_eq!(parse(reversed).unwrap().versions(), ["a-gray", "a"]);
    let head = "stable: required unless weight has exactly one key without the suffix \"-gray\", found";
    for (weights, found) in [(r#"{"v1":1,"v2":1}"#, r#""v1", "v2""#), (r#"{"v2-gray":1}"#, "none")] {
        assert_eq!(refusal(&format!(r#"{{"version":"1","weight":{weights}}}"#)), format!("{head} {found}"));
    }
    assert_refusals(&[(r#"{"version":"1"}"#, "stable: required, but missing")]);
}

#[test]
fn nasty_weights() {
    let parsed = |weights: &str| parse(&format!(r#"{{"version":"1","weight":{weights}}}"#));
    for (weights, counts) in [
        (r#"{"v2":79,"v2-gray":20}"#, [7980, 2020]),
        (r#"{"v2":81,"v2-gray":20}"#, [8020, 1980]),
        (r#"{"v2":4,"v2-gray":1}"#, [8000, 2000]),
        (r#"{"v2":1000000000,"v2-gray":1000000000}"#, [5000, 5000]),
        (r#"{"v2":1000000,"v2-gray":1}"#, [9999, 1]),
        (r#"{"v2":0,"v2-gray":100}"#, [0, 10_000]),
        (r#"{"v2":100,"v2-gray":0}"#, [10_000, 0]),
    ] {
        assert_eq!(parsed(weights).unwrap().layout().counts(2), counts, "{weights}");
    }
    let integer = "weight[\"v2\"]: expected a non-negative integer, found";
    for (weight, found) in [
        ("-1", "the number -1"),
        ("80.0", "the number 80.0"),
        ("8e1", "the number 80.0"),
        ("\"80\"", "the string \"80\""),
        ("null", "null"),
        ("18446744073709551616", "the number 1.8446744073709552e+19"),
    ] {
        let error = parsed(&format!(r#"{{"v2":{weight},"v2-gray":20}}"#)).unwrap_err();
        assert_eq!(error.message(), format!("{integer} {found}"));
    }
    for (weights, message) in [
        (r#"{"v2":1000000001}"#, "weight[\"v2\"]: expected at most 1000000000, found 1000000001"),
        (r#"{"v2":NaN}"#, "not JSON: expected value at line 1 column 31"),
        (r#"{"v2":1,"v2":1}"#, "weight: the name \"v2\" stands here twice at line 1 column 36"),
        (r#"{"v2":0,"v2-gray":0}"#, "weight: expected a weight above 0 for at least one version, found none"),
        ("{}", "weight: expected a weight above 0 for at least one version, found none"),
        ("[80,20]", "weight: expected an object, found an array"),
    ] {
        assert_eq!(parsed(weights).unwrap_err().message(), message);
    }
    let crowd: Vec<String> = (0..257).map(|i| format!("\"v{i}\":1")).collect();
    let error = parsed(&format!("{{{}}}", crowd.join(","))).unwrap_err();
    assert_eq!(error.message(), "weight: expected at most 256 versions, found 257");
}

#[test]
fn nasty_documents() {
    let open = r#"{"version":"1","stable":"v1""#;
    assert_refusals(&[
        ("", "not JSON: EOF while parsing a value at line 1 column 0"),
        ("[]", "document: expected an object, found an array"),
        ("{}", "version: required, but missing"),
        (r#"{"version":2}"#, "version: expected a string, found the number 2"),
        (&format!(r#"{open},"schema":2}}"#), "schema: expected 1, found 2"),
        (&format!(r#"{open},"service":"x"}}"#), "service: expected \"user-service\", found \"x\""),
        (&format!(r#"{open},"epoch":-1}}"#), "epoch: expected a non-negative integer, found the number -1"),
        (&format!(r#"{open},"kill_switch":1}}"#), "kill_switch: expected true or false, found the number 1"),
        (&format!(r#"{open},"experiments":{{}}}}"#), "experiments: expected an array, found an object"),
        (&format!(r#"{open},"breaker":[]}}"#), "breaker: expected an object, found an array"),
        (&format!(r#"{open},"sig":1}}"#), "sig: expected a string, found the number 1"),
    ]);
    let unknown = refusal(&with(r#""wieght":{}"#));
    assert!(
        unknown.starts_with("document: unknown field \"wieght\", known are schema, service, version,"),
        "{unknown}"
    );
    let nested = with(&format!("\"analysis\":{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000)));
    assert!(refusal(&nested).starts_with("analysis.a.a."));
    assert!(refusal(&"x".repeat(MAX_LEN + 1)).starts_with("expected at most 1048576 bytes"));
}

#[test]
fn labels_are_plain() {
    let longest = "v".repeat(MAX_LABEL);
    assert!(parse(&format!(r#"{{"version":"1","stable":"{longest}"}}"#)).is_ok());
    let head = "expected a label of 1 to 64 letters, digits, dots, dashes and underscores, found";
    for bad in ["", "a b", "a/b", "é", "a\\n", &"v".repeat(MAX_LABEL + 1)] {
        let message = refusal(&format!(r#"{{"version":"1","stable":"{bad}"}}"#));
        assert!(message.starts_with(&format!("stable: {head}")), "{message}");
        let message = refusal(&format!(r#"{{"version":"1","weight":{{"v":1,"{bad}":1}}}}"#));
        assert!(message.starts_with("weight[\""), "{message}");
    }
}

#[test]
fn stable_and_grays_must_fit_together() {
    let listed = |grays: &str| with(&format!(r#""stable":"v2","grays":{grays}"#));
    assert_refusals(&[
        (
            r#"{"version":"1","stable":"v1","weight":{"v2-gray":20}}"#,
            "weight: expected a weight for the stable version \"v1\", found none",
        ),
        (
            r#"{"version":"1","weight":{"v":1,"a-gray":1,"b-gray":1}}"#,
            "weight[\"a-gray\"]: \"a-gray\" needs a grays[].seq: several grays, and JSON has no order",
        ),
        (&listed(r#"[{"version":"v2"}]"#), "grays[0]: \"v2\" is the stable version"),
        (&listed(r#"[{"seq":1}]"#), "grays[0].version: required, but missing"),
        (
            &listed(r#"[{"version":"v2-gray","sequence":1}]"#),
            "grays[0]: unknown field \"sequence\", known are version, seq, digest, ranges",
        ),
        (
            &listed(r#"[{"version":"v2-gray","seq":1},{"version":"v2-gray","seq":2}]"#),
            "grays[1]: \"v2-gray\" is listed already at grays[0]",
        ),
        (
            &listed(r#"[{"version":"v2-gray","seq":1},{"version":"b","seq":1}]"#),
            "grays[1]: seq 1 is taken already by grays[0]",
        ),
        (
            &listed(r#"[{"version":"b","seq":1}]"#),
            "weight[\"v2-gray\"]: \"v2-gray\" needs a grays[].seq: several grays, and JSON has no order",
        ),
        (
            &listed(r#"[{"version":"v2-gray","digest":"sm3:00"}]"#),
            "grays[0].digest: expected sm3: and 64 hex digits, found the string \"sm3:00\"",
        ),
    ]);
    let policy = parse(&listed(r#"[{"version":"v2-gray","seq":2},{"version":"b","seq":1}]"#)).unwrap();
    assert_eq!(policy.versions(), ["v2", "b", "v2-gray"], "by seq");
    assert_eq!(policy.layout().counts(3), [8000, 0, 2000]);
    assert_eq!(policy.layout().owner(9999), 2);
}

#[test]
fn ranges_and_weights_must_agree() {
    let ranged =
        |weight: &str, grays: &str| format!(r#"{{"version":"1","stable":"v",{weight}"grays":{grays}}}"#);
    let three = r#"[{"version":"a","seq":1,"ranges":[[0,500],[700,800]]},{"version":"b","seq":2,"ranges":[[500,700]]},{"version":"c","seq":3}]"#;
    let policy = parse(&ranged("", three)).unwrap();
    assert_eq!(policy.layout().counts(4), [9200, 600, 200, 0]);
    let agreeing = parse(&ranged(r#""weight":{"v":92,"a":6,"b":2},"#, three)).unwrap();
    assert_eq!(agreeing.layout(), policy.layout());
    let one = |ranges: &str| ranged("", &format!(r#"[{{"version":"a","ranges":{ranges}}}]"#));
    let count = "expected at most 10000, found 10001";
    assert_refusals(&[
        (
            &ranged(r#""weight":{"v":93,"a":5,"b":2},"#, three),
            "grays[0]: ranges cover 600 buckets, but weight asks for 500",
        ),
        (
            &ranged(r#""weight":{"v":91,"a":6,"b":2,"c":1},"#, three),
            "grays[2]: \"c\" needs grays[].ranges: required with three or more grays, or once one gray has them",
        ),
        (&one("[[0,10001]]"), &format!("grays[0].ranges[0][1]: {count}")),
        (&one("[[5,5]]"), "grays[0].ranges[0]: expected start < end, found [5, 5]"),
        (&one("[[7,5]]"), "grays[0].ranges[0]: expected start < end, found [7, 5]"),
        (&one("[[1,2,3]]"), "grays[0].ranges[0]: expected [start, end], found 3 elements"),
        (&one("[5]"), "grays[0].ranges[0]: expected an array, found the number 5"),
        (&one("[[0,10],[9,20]]"), "grays[0]: ranges [0, 10] and [9, 20] overlap"),
        (
            &ranged(
                "",
                r#"[{"version":"a","seq":2,"ranges":[[0,10000]]},{"version":"b","seq":1,"ranges":[[9999,10000]]}]"#,
            ),
            "grays[1]: ranges [0, 10000] and [9999, 10000] overlap",
        ),
    ]);
}

#[test]
fn hash_is_the_frozen_one() {
    assert_field_refusals(&[
        (r#""hash":{}"#, "hash.version: required, but missing"),
        (r#""hash":{"version":2}"#, "hash.version: expected 1, found 2"),
        (
            r#""hash":{"version":1,"alg":"murmur3"}"#,
            "hash.alg: expected \"siphash24\", found the string \"murmur3\"",
        ),
        (r#""hash":{"version":1,"by":[]}"#, "hash.by: expected 1 to 8 header names, found 0"),
        (
            r#""hash":{"version":1,"by":["1","2","3","4","5","6","7","8","9"]}"#,
            "hash.by: expected 1 to 8 header names, found 9",
        ),
        (r#""hash":{"version":1,"by":["x-id","X-ID"]}"#, "hash.by[1]: header \"x-id\" is listed twice"),
        (
            r#""hash":{"version":1,"by":["x id"]}"#,
            "hash.by[0]: expected a header name, found the string \"x id\"",
        ),
        (r#""hash":{"version":1,"salt":""}"#, "hash.salt: expected 1 to 256 bytes, found none"),
        (
            r#""hash":{"version":1,"on_missing_key":"gray"}"#,
            "hash.on_missing_key: expected \"stable\" or \"random\", found the string \"gray\"",
        ),
        (
            r#""hash":{"version":1,"seed":"x"}"#,
            "hash: unknown field \"seed\", known are version, alg, by, salt, on_missing_key",
        ),
    ]);
}

#[test]
fn pins_name_a_user_once() {
    assert_field_refusals(&[
        (
            r#""pins":{"deny":["u7"],"allow":{"v2-gray":["u1","u7"]}}"#,
            "pins.allow[\"v2-gray\"][1]: the user is pinned already at pins.deny[0]",
        ),
        (r#""pins":{"deny":["u7","u7"]}"#, "pins.deny[1]: the user is pinned already at pins.deny[0]"),
        (
            r#""pins":{"allow":{"v3":[]}}"#,
            "pins.allow[\"v3\"]: unknown version \"v3\", the policy names \"v2\", \"v2-gray\"",
        ),
        (r#""pins":{"deny":[7]}"#, "pins.deny[0]: expected a string, found the number 7"),
        (r#""pins":{"deny":[""]}"#, "pins.deny[0]: expected a user key, found \"\": an empty key is no key"),
        (r#""pins":{"deny":["u"],"block":[]}"#, "pins: unknown field \"block\", known are deny, allow"),
        (
            r#""hash":{"version":1,"by":["a","b"]},"pins":{"deny":["u7"]}"#,
            "pins.deny[0]: expected an array, found the string \"u7\"",
        ),
        (
            r#""hash":{"version":1,"by":["a","b"]},"pins":{"deny":[["u7"]]}"#,
            "pins.deny[0]: expected 2 values, one for each header of hash.by, found 1",
        ),
    ]);
}

#[test]
fn rules_are_checked_one_by_one() {
    let rule = |when: &str| format!(r#""rules":[{{"id":"a","priority":1,"when":{when},"to":"v2-gray"}}]"#);
    let two = |id: &str, priority: u32| {
        let when = r#""when":{"header":"h","exists":true},"to":"v2""#;
        format!(r#""rules":[{{"id":"a","priority":1,{when}}},{{"id":"{id}","priority":{priority},{when}}}]"#)
    };
    assert!(parse(&with(&two("b", 2))).is_ok());
    let one = "rules[0].when: expected one of eq, in, prefix and exists, found";
    assert_field_refusals(&[
        (&two("a", 2), "rules[1].id: \"a\" is the id of rules[0] already"),
        (&two("b", 1), "rules[1].priority: 1 is the priority of rules[0] already"),
        (r#""rules":[{"id":"a"}]"#, "rules[0].priority: required, but missing"),
        (
            r#""rules":[{"id":"a","priority":1,"when":{"header":"h","eq":"x"},"to":"v9"}]"#,
            "rules[0].to: unknown version \"v9\", the policy names \"v2\", \"v2-gray\"",
        ),
        (&rule(r#"{"header":"h"}"#), &format!("{one} none")),
        (&rule(r#"{"header":"h","eq":"x","prefix":"y"}"#), &format!("{one} eq and prefix")),
        (
            &rule(r#"{"header":"h","matches":"x"}"#),
            "rules[0].when: unknown field \"matches\", known are header, eq, in, prefix, exists",
        ),
        (
            &rule(r#"{"header":"h:","eq":"x"}"#),
            "rules[0].when.header: expected a header name, found the string \"h:\"",
        ),
        (&rule(r#"{"header":"h","eq":1}"#), "rules[0].when.eq: expected a string, found the number 1"),
        (&rule(r#"{"header":"h","in":"x"}"#), "rules[0].when.in: expected an array, found the string \"x\""),
        (&rule(r#"{"header":"h","in":[]}"#), "rules[0].when.in: expected at least one value, found none"),
        (
            &rule(r#"{"header":"h","prefix":""}"#),
            "rules[0].when.prefix: expected at least one byte, found none: exists asks for any value",
        ),
        (&rule(r#"{"header":"h","exists":false}"#), "rules[0].when.exists: expected true, found false"),
    ]);
    let crowd = |n: usize| {
        let rule =
            |i| format!(r#"{{"id":"r{i}","priority":{i},"when":{{"header":"h{i}","eq":"x"}},"to":"v2"}}"#);
        with(&format!("\"rules\":[{}]", (0..n).map(rule).collect::<Vec<_>>().join(",")))
    };
    assert_eq!(parse(&crowd(MAX_RULES)).unwrap().rules.len(), MAX_RULES);
    assert_eq!(refusal(&crowd(MAX_RULES + 1)), "rules: expected at most 10000 rules, found 10001");
}
