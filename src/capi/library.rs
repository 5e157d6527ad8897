//! Which library this is.

use std::ffi::{CStr, c_char};

const TEXT: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(text) => text,
    Err(_) => c"",
};

/// The library's version as one number: major * 1,000,000 + minor * 1,000 + patch. Compare with
/// `SOGOV_VERSION_NUMBER`, the number of the header that a program was compiled against.
///
/// @return the number
#[unsafe(no_mangle)]
pub extern "C" fn sogov_version_number() -> u32 {
    let part = |text: &str| text.bytes().fold(0_u32, |n, digit| n * 10 + u32::from(digit.wrapping_sub(b'0')));
    part(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
        + part(env!("CARGO_PKG_VERSION_MINOR")) * 1_000
        + part(env!("CARGO_PKG_VERSION_PATCH"))
}

/// The library's version as text, such as "0.1.0".
///
/// @return a constant, NUL-terminated
#[unsafe(no_mangle)]
pub extern "C" fn sogov_version_text() -> *const c_char {
    TEXT.as_ptr()
}
