//! The curve's parameters as bytes (GB/T 32918.5-2017), big-endian.
#![forbid(unsafe_code)]

/// Bytes in a scalar or a coordinate.
pub(super) const SCALAR_LEN: usize = 32;

/// a of y² = x³ + ax + b.
pub(super) const A: [u8; 32] = hex(b"FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC");
/// b of y² = x³ + ax + b.
pub(super) const B: [u8; 32] = hex(b"28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93");
/// The generator: x_G || y_G.
pub(super) const GENERATOR: [u8; 64] =
    hex(b"32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7\
      BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0");
/// The order n of the generator.
pub(super) const N: [u8; 32] = hex(b"FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123");

/// Upper-case hexadecimal digits as bytes, at compile time.
const fn hex<const LEN: usize>(digits: &[u8]) -> [u8; LEN] {
    const fn nibble(digit: u8) -> u8 {
        if digit <= b'9' { digit - b'0' } else { digit - b'A' + 10 }
    }
    assert!(digits.len() == 2 * LEN);
    let mut bytes = [0; LEN];
    let mut i = 0;
    while i < LEN {
        bytes[i] = nibble(digits[2 * i]) << 4 | nibble(digits[2 * i + 1]);
        i += 1;
    }
    bytes
}
