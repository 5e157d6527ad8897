//! The shared vectors of the bucket function and of the route policy.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a vector that cannot be read fails the test")]

use serde_json::Value;
use sogov::route::bucket::{BucketHasher, bucket_of};
use sogov::route::{Header, Request, RoutePolicy, RouteTable};

fn read(name: &str) -> Value {
    let path = format!("{}/tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let digits = text(hex).as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn buckets() {
    let vectors = read("bucket.json");
    let mut count = 0;
    let mut check = |vector: &Value, hash: &dyn Fn(&BucketHasher) -> u64| {
        let hash = hash(&BucketHasher::new(text(&vector["salt"]), text(&vector["purpose"])));
        assert_eq!(format!("{hash:016x}"), text(&vector["hash_hex"]), "{vector}");
        assert_eq!(u64::from(bucket_of(hash)), vector["bucket"].as_u64().unwrap(), "{vector}");
        count += 1;
    };
    for vector in vectors["single"].as_array().unwrap() {
        let repeat = vector["repeat"].as_u64().unwrap_or(1);
        let key = bytes(&vector["key_hex"]).repeat(usize::try_from(repeat).unwrap());
        check(vector, &|hasher| hasher.hash(&key));
    }
    for vector in vectors["joined"].as_array().unwrap() {
        let parts: Vec<Vec<u8>> = vector["parts_hex"].as_array().unwrap().iter().map(bytes).collect();
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        check(vector, &|hasher| hasher.hash_joined(&parts));
    }
    assert!(count >= 64, "{count} vectors");
}

#[test]
fn policies() {
    let vectors = read("route_policy.json");
    let service = text(&vectors["service"]);
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() >= 25, "{} cases", cases.len());
    for case in cases {
        let policy = RoutePolicy::parse(case["policy"].to_string().as_bytes(), service).unwrap();
        let table = RouteTable::new(&policy);
        for request in case["requests"].as_array().unwrap() {
            let headers: Vec<Header<'_>> =
                request["headers"].as_array().unwrap().iter().map(header).collect();
            let user_key = request["user_key"].as_str().map(str::as_bytes);
            let decision = table.decide(&Request { user_key, headers: &headers }, || 0);
            let version = &table.versions()[decision.version as usize];
            let found = (version.as_str(), decision.reason.name());
            assert_eq!(
                found,
                (text(&request["version"]), text(&request["reason"])),
                "{}: {request}",
                case["name"]
            );
        }
    }
}

fn header(pair: &Value) -> Header<'_> {
    Header { name: text(&pair[0]).as_bytes(), value: text(&pair[1]).as_bytes() }
}
