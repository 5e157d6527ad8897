//! Single operations, for whoever works on them: `cargo bench --bench primitives -- verify`. What they are worth beside
//! other implementations is the subject of `make bench-crypto`.
#![allow(clippy::unwrap_used, reason = "a bench ends at the first surprise")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sogov::crypto::sm2::{Claim, Order, PreparedKeys, PrivateKey, UserId, sign_batch};
use sogov::crypto::sm3;
use sogov::custody::{MemoryPolicy, Pages};
use sogov::route::{Header, Request, RoutePolicy, RouteTable};
use std::hint::black_box;

const BATCH: usize = 64;

fn sm2(criterion: &mut Criterion) {
    let (key, message) = (PrivateKey::generate().unwrap(), [0x5A; 256]);
    let signature = key.sign(&UserId::DEFAULT, &message).unwrap();
    let claim =
        Claim { key: key.public_key(), user_id: &UserId::DEFAULT, message: &message, signature: &signature };
    let (known, unknown) = (PreparedKeys::new(PreparedKeys::TABLE_BYTES), PreparedKeys::new(0));
    known.prepare(key.public_key());

    let mut group = criterion.benchmark_group("sm2");
    for (name, keys) in [("prepared", &known), ("new key", &unknown)] {
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("verify, {name}"), |bencher| {
            bencher.iter(|| keys.verify(black_box(&claim)));
        });
        group.throughput(Throughput::Elements(BATCH as u64));
        group.bench_function(format!("verify {BATCH}, {name}"), |bencher| {
            bencher.iter(|| keys.verify_batch(black_box(&[claim; BATCH])));
        });
    }
    group.throughput(Throughput::Elements(1));
    for (name, key) in [("heap", &key), ("locked pages", &locked(false)), ("hidden pages", &locked(true))] {
        let order = Order { key, user_id: &UserId::DEFAULT, message: &message };
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("sign, {name}"), |bencher| {
            bencher.iter(|| key.sign(&UserId::DEFAULT, black_box(&message)).unwrap());
        });
        group.throughput(Throughput::Elements(BATCH as u64));
        group.bench_function(format!("sign {BATCH}, {name}"), |bencher| {
            bencher.iter(|| sign_batch(black_box(&[order; BATCH])).unwrap());
        });
    }
    group.bench_function("prepare", |bencher| {
        bencher.iter(|| PreparedKeys::new(PreparedKeys::TABLE_BYTES).prepare(black_box(key.public_key())));
    });
    group.finish();
}

/// A key in pages of its own, which may cost a tenth of signing.
fn locked(hidden: bool) -> PrivateKey {
    PrivateKey::generate_in(&Pages { policy: Some(MemoryPolicy::Require), hidden }).unwrap()
}

fn sm3(criterion: &mut Criterion) {
    let data = vec![0x5A; 1 << 20];
    let mut group = criterion.benchmark_group("sm3");
    group.throughput(Throughput::Bytes(data.len() as u64));
    group.bench_function("stream", |bencher| bencher.iter(|| sm3::digest(black_box(&data))));
    group.bench_function("tree", |bencher| bencher.iter(|| sm3::tree::root(black_box(&data))));
    let lanes: Vec<_> = data.chunks(16 << 10).collect();
    group.bench_function("lanes", |bencher| bencher.iter(|| sm3::digest_batch(black_box(&lanes))));
    group.finish();
}

/// The decision alone, without a lease: what `route_lease_release_rules` has beyond `route_lease_release`.
fn route(criterion: &mut Criterion) {
    let document = br#"{"version":"p1","stable":"v1","weight":{"v1":80,"v2":20},"rules":[
        {"id":"test","priority":1,"when":{"header":"x-env","eq":"test"},"to":"v2"},
        {"id":"branch","priority":2,"when":{"header":"x-channel","prefix":"branch-"},"to":"v2"},
        {"id":"beta","priority":3,"when":{"header":"x-region","eq":"cn-north-1"},"to":"v2"}]}"#;
    let policy = RoutePolicy::parse(document, "bench").unwrap();
    let table = RouteTable::new(&policy);
    let header =
        |name: &'static str, value: &'static str| Header { name: name.as_bytes(), value: value.as_bytes() };
    let headers =
        [header("x-env", "production"), header("x-channel", "mobile"), header("x-region", "cn-east-2")];
    let user_key = Some(&b"6222020200112233445x"[..]);
    let mut group = criterion.benchmark_group("route");
    for (name, headers) in [("bucket of 20 bytes", &headers[..0]), ("and three rules in vain", &headers[..])]
    {
        let request = Request { user_key, headers };
        group.bench_function(name, |bencher| bencher.iter(|| table.decide(black_box(&request), || 0)));
    }
    group.finish();
}

criterion_group!(benches, sm2, sm3, route);
criterion_main!(benches);
