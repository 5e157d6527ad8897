#![allow(clippy::redundant_closure_for_method_calls, reason = "a method's path is bound to one lifetime")]

use super::*;

fn parse(text: impl AsRef<[u8]>) -> Result<Document> {
    Document::parse(text.as_ref(), 1 << 20, Status::TrustInvalid)
}

/// The message with which `text` is refused.
fn refusal(text: impl AsRef<[u8]>) -> String {
    let error = parse(text).unwrap_err();
    assert_eq!(error.status(), Status::TrustInvalid);
    error.message().to_owned()
}

/// The message with which `read` refuses the field `x` of `{"x": value}`.
fn misread<T: std::fmt::Debug>(value: &str, read: impl Fn(&Field<'_>) -> Result<T>) -> String {
    let document = parse(format!("{{\"x\":{value}}}")).unwrap();
    let field = document.object().unwrap().required("x").unwrap();
    let error = read(&field).unwrap_err();
    assert_eq!(error.status(), Status::TrustInvalid);
    error.message().to_owned()
}

#[test]
fn length_is_bounded() {
    assert!(Document::parse(b"[ 1 ]", 5, Status::TrustInvalid).is_ok());
    let error = Document::parse(b"[ 1 ] ", 5, Status::RoutePolicyInvalid).unwrap_err();
    assert_eq!(error, Error::new(Status::RoutePolicyInvalid, "expected at most 5 bytes, found 6"));
}

#[test]
fn byte_order_mark_and_broken_utf8_are_refused() {
    assert_eq!(refusal(b"\xEF\xBB\xBF{}"), "expected JSON, found a byte order mark at its head");
    assert_eq!(refusal(b"{\"a\":\"\xFF\"}"), "expected UTF-8, found another byte at offset 6");
    assert_eq!(refusal(b"{}\xC3"), "expected UTF-8, found another byte at offset 2");
    assert!(refusal(r#"["\ud800"]"#).starts_with("not JSON: "), "a lone surrogate");
}

#[test]
fn syntax_errors_name_line_and_column() {
    assert_eq!(refusal("{\n \"a\" 1}"), "not JSON: expected `:` at line 2 column 6");
    assert_eq!(refusal("{\"a\":"), "not JSON: EOF while parsing a value at line 1 column 5");
    assert_eq!(refusal(""), "not JSON: EOF while parsing a value at line 1 column 0");
    assert_eq!(refusal("{} {}"), "not JSON: trailing characters at line 1 column 4");
    for text in
        ["NaN", "Infinity", "01", "+1", ".5", "1e999", "'a'", "[1,]", "{\"a\":1,}", "// c\n1", "\"\n\""]
    {
        assert!(refusal(text).starts_with("not JSON: "), "{text}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(parse(nested(32)).is_ok());
    let place = "[0]".repeat(32);
    let expected = format!("{place}: expected at most 32 levels of nesting, found more at line 1 column");
    assert_eq!(refusal(nested(33)), format!("{expected} 34"));
    assert_eq!(refusal("[".repeat(10_000)), format!("{expected} 33"));
    let objects = "{\"a\":".repeat(33) + "1" + &"}".repeat(33);
    assert!(refusal(objects).starts_with("a.a.a."));
}

#[test]
fn a_name_given_twice_is_refused_with_its_place() {
    assert_eq!(
        refusal(r#"{"a":1,"a":1}"#),
        r#"document: the name "a" stands here twice at line 1 column 10"#
    );
    let nested = r#"{"weight":{"v2":1,"\u00762":2}}"#;
    assert_eq!(refusal(nested), r#"weight: the name "v2" stands here twice at line 1 column 27"#);
    let deep = r#"{"pins":{"v2-gray":[0,{"x":1,"x":2}]}}"#;
    assert_eq!(refusal(deep), r#"pins["v2-gray"][1]: the name "x" stands here twice at line 1 column 32"#);
}

#[test]
fn integers_are_only_that() {
    let found = |value| misread(value, |x| x.unsigned());
    for (value, shown) in [
        ("1.0", "the number 1.0"),
        ("-1", "the number -1"),
        ("-0", "the number -0.0"),
        ("1e3", "the number 1000.0"),
        ("18446744073709551616", "the number 1.8446744073709552e+19"),
        ("\"80\"", "the string \"80\""),
        ("true", "true"),
        ("null", "null"),
        ("[1]", "an array"),
        ("{}", "an object"),
    ] {
        assert_eq!(found(value), format!("x: expected a non-negative integer, found {shown}"));
    }
    let largest = parse("18446744073709551615").unwrap();
    assert_eq!(largest.root().unsigned().unwrap(), u64::MAX);
    assert_eq!(misread("11", |x| x.unsigned_up_to(10)), "x: expected at most 10, found 11");
}

#[test]
fn texts_are_bounded_and_shown_on_one_short_line() {
    assert_eq!(misread("\"abc\"", |x| x.text(2).map(str::len)), "x: expected at most 2 bytes, found 3");
    assert_eq!(misread("7", |x| x.text(2).map(str::len)), "x: expected a string, found the number 7");
    let long = misread(&format!("\"\\n{}\"", "é".repeat(5000)), |x| x.unsigned());
    assert_eq!(
        long,
        format!("x: expected a non-negative integer, found the string \"\\n{}\"...", "é".repeat(63))
    );
    let wanted = "x: expected \"stable\" or \"random\", found the string \"Stable\"";
    assert_eq!(misread("\"Stable\"", |x| x.one_of(&["stable", "random"])), wanted);
    assert_eq!(misread("1", |x| x.boolean()), "x: expected true or false, found the number 1");
}

#[test]
fn cursors_know_their_place() {
    let document = parse(r#"{"rules":[{},{"when":{"header":1}}],"pins":{"a\"b":[true]}}"#).unwrap();
    let mut root = document.object().unwrap();
    let rules = root.required("rules").unwrap().array().unwrap();
    let mut when = rules[1].object().unwrap().required("when").unwrap().object().unwrap();
    assert_eq!(when.required("header").unwrap().path(), "rules[1].when.header");
    let missing = when.required("eq").unwrap_err();
    assert_eq!(missing.message(), "rules[1].when.eq: required, but missing");
    let pins = root.required("pins").unwrap().object().unwrap();
    let (name, users) = pins.entries().next().unwrap();
    assert_eq!((name, users.array().unwrap()[0].path()), ("a\"b", r#"pins["a\"b"][0]"#));
    assert!(root.optional("grays").is_none());
    assert_eq!(root.required("epoch").unwrap_err().message(), "epoch: required, but missing");
    assert_eq!(
        parse("[]").unwrap().object().unwrap_err().message(),
        "document: expected an object, found an array"
    );
    assert_eq!(misread("{}", |x| x.array().map(drop)), "x: expected an array, found an object");
}

#[test]
fn unknown_fields_are_refused_by_name() {
    let document = parse(r#"{"version":"1","wieght":{}}"#).unwrap();
    let mut root = document.object().unwrap();
    root.required("version").unwrap();
    root.optional("weight");
    let message = root.finish().unwrap_err().message().to_owned();
    assert_eq!(message, r#"document: unknown field "wieght", known are version, weight"#);
}
