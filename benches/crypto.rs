//! The cryptography beside OpenSSL 3 in the same process: `make bench-crypto`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench ends at the first surprise, prints, and computes with times"
)]

mod support;

use criterion::{Criterion, Throughput};
use serde_json::Value;
use sogov::crypto::sm2::{PrivateKey, PublicKey, Signature, UserId};
use sogov::crypto::sm3;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::c_library;
use support::measure::{pin, spread};
use support::report::{Row, publish};

/// About the length of a payment message.
const MESSAGE_LEN: usize = 300;
const STREAM_LEN: usize = 1 << 20;

fn main() {
    pin(0);
    let openssl = OpenSsl::load();
    let mut criterion = Criterion::default()
        .output_directory(&samples())
        .without_plots()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    signatures(&mut criterion, &openssl);
    stream(&mut criterion, &openssl);
    publish(
        "crypto",
        &[
            row("verify_one_new_key", 1.0, "1/s"),
            row("sign_one", 1.0, "1/s"),
            row("sm3_stream", STREAM_LEN as f64 / 1e6, "MB/s"),
        ],
    );
}

/// A signature made, and one verified under a key that was not seen before: reading the key counts.
fn signatures(criterion: &mut Criterion, openssl: &OpenSsl) {
    let (user_id, message) = (UserId::default(), [0x5A; MESSAGE_LEN]);
    let private = PrivateKey::generate().unwrap();
    let (spki, pkcs8) = (private.public_key().to_spki_der(), private.to_pkcs8_der());
    let signature = private.sign(&user_id, &message).unwrap();
    let der = signature.to_der();
    let id = bytes(user_id.as_bytes());

    let mut group = criterion.benchmark_group("verify_one_new_key");
    group.bench_function("sogov", |bencher| {
        bencher.iter(|| {
            let key = PublicKey::from_encoded(black_box(&spki)).unwrap();
            key.verify(&user_id, black_box(&message), &Signature::from_der(&der).unwrap()).unwrap();
        });
    });
    group.bench_function("OpenSSL", |bencher| {
        bencher.iter_custom(|n| {
            Duration::from_nanos((openssl.verify)(n, &bytes(&spki), &id, &bytes(&message), &bytes(&der)))
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("sign_one");
    group.bench_function("sogov", |bencher| {
        bencher.iter(|| private.sign(&user_id, black_box(&message)).unwrap());
    });
    group.bench_function("OpenSSL", |bencher| {
        bencher
            .iter_custom(|n| Duration::from_nanos((openssl.sign)(n, &bytes(&pkcs8), &id, &bytes(&message))));
    });
    group.finish();
}

/// One stream through SM3.
fn stream(criterion: &mut Criterion, openssl: &OpenSsl) {
    let data = vec![0x5A; STREAM_LEN];
    let mut group = criterion.benchmark_group("sm3_stream");
    group.throughput(Throughput::Bytes(STREAM_LEN as u64));
    group.bench_function("sogov", |bencher| bencher.iter(|| sm3::digest(black_box(&data))));
    group.bench_function("OpenSSL", |bencher| {
        bencher.iter_custom(|n| Duration::from_nanos((openssl.sm3)(n, &bytes(&data))));
    });
    group.finish();
}

/// The row of a group: how many `units` a second, ours and OpenSSL's.
fn row(group: &'static str, units: f64, unit: &'static str) -> Row {
    let [ours, openssl] = ["sogov", "OpenSSL"].map(|contender| {
        let file = fs::read_to_string(samples().join(group).join(contender).join("new/sample.json")).unwrap();
        let sample: Value = serde_json::from_str(&file).unwrap();
        let numbers = |name: &str| -> Vec<f64> {
            sample[name].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
        };
        let turns_and_nanoseconds = numbers("iters").into_iter().zip(numbers("times"));
        spread(turns_and_nanoseconds.map(|(turns, ns)| turns * units * 1e9 / ns).collect())
    });
    Row { what: group, value: ours, unit, target: None, peer: "OpenSSL 3", peer_value: openssl.median }
}

/// Where criterion keeps what it measured.
fn samples() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("criterion")
}

/// The functions of `crypto/openssl.c`; each answers how long `n` turns took.
struct OpenSsl {
    sm3: extern "C" fn(u64, &Bytes) -> u64,
    sign: extern "C" fn(u64, &Bytes, &Bytes, &Bytes) -> u64,
    verify: extern "C" fn(u64, &Bytes, &Bytes, &Bytes, &Bytes) -> u64,
}

/// `struct bytes` of `crypto/openssl.c`.
#[repr(C)]
struct Bytes {
    data: *const u8,
    len: usize,
}

impl OpenSsl {
    fn load() -> Self {
        let library = c_library::load(&c_library::compile("crypto/openssl.c", "openssl", ["-lcrypto"]));
        // SAFETY: the types are those of crypto/openssl.c.
        unsafe {
            Self {
                sm3: c_library::function(library, "openssl_sm3"),
                sign: c_library::function(library, "openssl_sign"),
                verify: c_library::function(library, "openssl_verify"),
            }
        }
    }
}

fn bytes(of: &[u8]) -> Bytes {
    Bytes { data: of.as_ptr(), len: of.len() }
}
