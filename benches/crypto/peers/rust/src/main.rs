//! RustCrypto's `sm2` and `sm3`, and `efficient-sm2`, as peers: `peers rustcrypto` or `peers efficient-sm2`.

#[path = "../../../driver.rs"]
mod driver;
mod efficient;
mod rustcrypto;

const USER_ID: &str = "1234567812345678";
/// 04 || x || y: what a public key in DER ends with.
const POINT_LEN: usize = 65;
const STREAM_LEN: usize = 1 << 20;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("rustcrypto") => driver::serve(&rustcrypto::RustCrypto, "raw", "0.14.0", "RustCrypto sm2"),
        Some("efficient-sm2") => driver::serve(&efficient::Efficient, "raw", "0.2.5", "efficient-sm2"),
        other => panic!("expected rustcrypto or efficient-sm2, found {other:?}"),
    }
}

/// The encoded point in a public key in DER.
fn point(spki: &[u8]) -> &[u8] {
    &spki[spki.len().saturating_sub(POINT_LEN)..]
}

/// One unit, for a signature that is good as it has to be.
fn accepted(good: bool) -> u64 {
    assert!(good, "a good signature was refused");
    1
}
