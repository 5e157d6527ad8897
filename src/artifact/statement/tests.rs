#![allow(clippy::arithmetic_side_effects)]

use super::*;
use crate::crypto::key_id::parse_digest;
use crate::crypto::sm3;
use serde_json::Value;

#[test]
fn shared_vectors_are_accepted_in_both_directions() {
    for vector in vectors("accepted") {
        let (what, der) = (text(&vector, "what"), unhex(&vector, "der"));
        let statement = from_json(&vector["statement"]);
        assert_eq!(statement.to_der().unwrap(), der, "{what}");
        assert_eq!(Statement::from_der(&der).unwrap(), statement, "{what}");
    }
}

#[test]
fn shared_vectors_are_refused_with_their_status() {
    for vector in vectors("refused") {
        let what = text(&vector, "what");
        let error = Statement::from_der(&unhex(&vector, "der")).expect_err(&what);
        assert_eq!(format!("{:?}", error.status()), text(&vector, "status"), "{what}: {error}");
        assert!(error.message().starts_with("statement: "), "{what}: {error}");
    }
}

#[test]
fn shared_vectors_of_signed_bytes() {
    for vector in vectors("signed_bytes") {
        let (content, key_id) = (unhex(&vector, "content"), text(&vector, "key_id").parse().unwrap());
        let scheme = u8::try_from(vector["scheme"].as_u64().unwrap()).unwrap();
        let signed = match vector["domain"].as_str().unwrap() {
            "statement" => signed_bytes(&content, scheme, &key_id),
            "trust" => trust_signed_bytes(&content, scheme, &key_id),
            other => panic!("{other}"),
        };
        assert_eq!(signed, unhex(&vector, "bytes"));
    }
}

#[test]
fn every_truncation_is_refused() {
    for vector in vectors("accepted") {
        let der = unhex(&vector, "der");
        for len in 0..der.len() {
            assert!(Statement::from_der(&der[..len]).is_err(), "{len} of {} bytes", der.len());
        }
    }
}

#[test]
fn whatever_is_accepted_has_these_very_bytes() {
    let mut accepted = 0;
    for vector in vectors("accepted") {
        let original = unhex(&vector, "der");
        for at in 0..original.len() {
            for flip in [0x01, 0x20, 0x80, 0xff] {
                let mut der = original.clone();
                der[at] ^= flip;
                if let Ok(statement) = Statement::from_der(&der) {
                    assert_eq!(statement.to_der().unwrap(), der, "byte {at} ^ {flip:#x}");
                    accepted += 1;
                }
            }
        }
    }
    assert!(accepted > 100, "other texts and digests are statements too");
}

#[test]
fn random_statements_go_both_ways() {
    let mut random = Random(0x5067_6f76);
    for round in 0..2000 {
        let statement = random.statement();
        let der = statement.to_der().unwrap();
        assert_eq!(Statement::from_der(&der).unwrap(), statement, "round {round}");
    }
}

#[test]
fn fields_that_break_their_rule_are_not_written() {
    type Spoil = fn(&mut Statement);
    let rules: [(&str, Status, Spoil); 12] = [
        ("service: empty", Status::InvalidArgument, |s| s.service.clear()),
        ("name: expected at most 256 bytes, found 257", Status::InvalidArgument, |s| {
            s.name = "n".repeat(257);
        }),
        ("issuer: control character U+000A", Status::InvalidArgument, |s| s.issuer = "a\nb".into()),
        ("channel: control character U+0085", Status::InvalidArgument, |s| s.channel = "\u{85}".into()),
        ("semver: expected at most 256 bytes, found 258", Status::InvalidArgument, |s| {
            s.semver = "é".repeat(129);
        }),
        ("plugin ABI: the lowest version 2 is above the highest 1", Status::InvalidArgument, |s| {
            s.plugin_abi = VersionRange { min: 2, max: 1 };
        }),
        ("needed: expected at most 1024 entries, found 1025", Status::InvalidArgument, |s| {
            s.needed = (0..1025).map(|i| Needed { soname: format!("{i}"), digest: None }).collect();
        }),
        ("needed: a stands there twice", Status::InvalidArgument, |s| {
            s.needed = vec![
                Needed { soname: "a".into(), digest: None },
                Needed { soname: "a".into(), digest: Some([0; 32]) },
            ];
        }),
        ("needed: empty", Status::InvalidArgument, |s| {
            s.needed = vec![Needed { soname: String::new(), digest: None }];
        }),
        ("critical: expected at most 1024 entries, found 1025", Status::InvalidArgument, |s| {
            s.critical = (0..1025).map(|i| i.to_string()).collect();
        }),
        ("validity begins at 2 and ends before, at 1", Status::InvalidArgument, |s| {
            (s.not_before, s.not_after) = (Some(2), Some(1));
        }),
        ("expected at most 65536 bytes, found 266409", Status::LimitExceeded, |s| {
            s.critical = (0..1024).map(|i| format!("{i:0256}")).collect();
        }),
    ];
    for (message, status, spoil) in rules {
        let mut statement = smallest();
        statement.to_der().unwrap();
        spoil(&mut statement);
        let error = statement.to_der().unwrap_err();
        assert_eq!((error.status(), error.message()), (status, format!("statement: {message}").as_str()));
        // The reader holds the same rule.
        let error = Statement::from_der(&statement.encode()).unwrap_err();
        assert_eq!(
            (error.status(), error.message()),
            (Status::Modified, format!("statement: {message}").as_str())
        );
    }
}

#[test]
fn limits_are_reached() {
    let mut statement = smallest();
    statement.name = "n".repeat(MAX_TEXT_LEN);
    statement.critical = (0..MAX_LIST_LEN).map(|i| format!("{i:050}")).collect();
    assert_eq!(Statement::from_der(&statement.to_der().unwrap()).unwrap(), statement);
}

#[test]
fn malformed_fields_are_named() {
    let der = smallest().to_der().unwrap();
    let at = der.windows(5).position(|bytes| bytes == b"\x0c\x03fee").unwrap();
    let mut other = der.clone();
    other[at] = 0x04;
    let error = Statement::from_der(&other).unwrap_err();
    assert_eq!(error.message(), "statement: service: expected DER tag 0x0c, found 0x04");
    assert_eq!(Statement::from_der(&[]).unwrap_err().message(), "statement: the whole: missing");
}

#[test]
fn no_critical_condition_is_known_yet() {
    let mut statement = smallest();
    assert!(statement.unknown_critical().is_empty());
    statement.critical = vec!["two-person".into()];
    assert_eq!(statement.unknown_critical(), ["two-person"]);
}

#[test]
fn exports_are_a_set_in_byte_order() {
    assert_eq!(exports_digest(["b", "a", "B", "a"]), sm3::digest(b"B\na\nb\n"));
    assert_eq!(exports_digest::<&str>([]), sm3::digest(b""));
}

#[test]
fn ranges_include_both_ends() {
    let range = VersionRange { min: 3, max: 5 };
    assert_eq!((2..7).filter(|&v| range.contains(v)).collect::<Vec<_>>(), [3, 4, 5]);
}

#[test]
fn domains_are_apart() {
    let key_id = KeyId::of_spki(b"key");
    assert_ne!(signed_bytes(b"x", 1, &key_id), trust_signed_bytes(b"x", 1, &key_id));
    assert_ne!(signed_bytes(b"x", 1, &key_id), signed_bytes(b"x", 2, &key_id));
    assert_ne!(signed_bytes(b"x", 1, &key_id), signed_bytes(b"x", 1, &KeyId::of_spki(b"other")));
}

fn smallest() -> Statement {
    from_json(&vectors("accepted")[0]["statement"])
}

fn vectors(section: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("../../../tests/vectors/statement.json")).unwrap();
    let vectors = file[section].as_array().unwrap().clone();
    assert!(!vectors.is_empty());
    vectors
}

fn from_json(v: &Value) -> Statement {
    let digest = |v: &Value| v.as_str().map(|digest| parse_digest(digest).unwrap());
    let range = |v: &Value| VersionRange {
        min: v[0].as_u64().unwrap().try_into().unwrap(),
        max: v[1].as_u64().unwrap().try_into().unwrap(),
    };
    let list = |v: &Value| v.as_array().unwrap().clone();
    Statement {
        content_hash: match v["content_hash"].as_str().unwrap() {
            "sm3" => ContentHash::Sm3,
            "sm3_tree" => ContentHash::Sm3Tree,
            other => panic!("{other}"),
        },
        root: digest(&v["root"]).unwrap(),
        covered_len: v["covered_len"].as_u64().unwrap(),
        name: text(v, "name"),
        service: text(v, "service"),
        version: text(v, "version"),
        semver: text(v, "semver"),
        state_schema: range(&v["state_schema"]),
        epoch: v["epoch"].as_u64().unwrap(),
        architecture: text(v, "architecture"),
        plugin_abi: range(&v["plugin_abi"]),
        soname: text(v, "soname"),
        needed: list(&v["needed"])
            .iter()
            .map(|v| Needed { soname: text(v, "soname"), digest: digest(&v["digest"]) })
            .collect(),
        exports: digest(&v["exports"]).unwrap(),
        sbom: digest(&v["sbom"]),
        issuer: text(v, "issuer"),
        signed_at: v["signed_at"].as_u64().unwrap(),
        not_before: v["not_before"].as_u64(),
        not_after: v["not_after"].as_u64(),
        channel: text(v, "channel"),
        audience: text(v, "audience"),
        critical: list(&v["critical"]).iter().map(|v| v.as_str().unwrap().to_owned()).collect(),
    }
}

fn text(v: &Value, field: &str) -> String {
    v[field].as_str().unwrap_or_else(|| panic!("{field}")).to_owned()
}

fn unhex(v: &Value, field: &str) -> Vec<u8> {
    let text = text(v, field);
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// SplitMix64: the same statements in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Of every length in bits, from 0 to 64.
    fn number(&mut self) -> u64 {
        let shift = u32::try_from(self.below(65)).unwrap();
        self.next().checked_shr(shift).unwrap_or(0)
    }

    fn digest(&mut self) -> Digest {
        std::array::from_fn(|_| self.next().to_le_bytes()[0])
    }

    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(2) == 1).then(|| value(self))
    }

    fn text(&mut self, least: u64) -> String {
        let len = least + self.below(64);
        (0..len)
            .map(|_| ['a', 'Z', '0', '-', ' ', 'é', '版', '🦀'][usize::try_from(self.below(8)).unwrap()])
            .collect()
    }

    fn names(&mut self) -> Vec<String> {
        (0..self.below(12)).map(|i| format!("{i}{}", self.text(0))).collect()
    }

    fn range(&mut self) -> VersionRange {
        let [a, b] = [self.number(), self.number()].map(|n| u32::try_from(n >> 32).unwrap());
        VersionRange { min: a.min(b), max: a.max(b) }
    }

    fn statement(&mut self) -> Statement {
        let (from, to) = (self.number(), self.number());
        Statement {
            content_hash: if self.below(2) == 0 { ContentHash::Sm3 } else { ContentHash::Sm3Tree },
            root: self.digest(),
            covered_len: self.number(),
            name: self.text(1),
            service: self.text(1),
            version: self.text(1),
            semver: self.text(0),
            state_schema: self.range(),
            epoch: self.number(),
            architecture: self.text(1),
            plugin_abi: self.range(),
            soname: self.text(0),
            needed: self
                .names()
                .into_iter()
                .map(|soname| Needed { soname, digest: self.maybe(Self::digest) })
                .collect(),
            exports: self.digest(),
            sbom: self.maybe(Self::digest),
            issuer: self.text(0),
            signed_at: self.number(),
            not_before: self.maybe(|_| from.min(to)),
            not_after: self.maybe(|_| from.max(to)),
            channel: self.text(0),
            audience: self.text(0),
            critical: self.names(),
        }
    }
}
