//! What is secret, for those who check that time does not depend on it.
//!
//! Built with `--cfg ctgrind`, secrets are memory that valgrind takes for undefined, so that it reports every branch and
//! every address that depends on them (Langley, "Checking that functions are constant time with Valgrind", 2010):
//! `make test-constant-time`. In every other build nothing happens here.
#![deny(unsafe_code)]

#[cfg(ctgrind)]
mod valgrind;

#[cfg(all(test, ctgrind))]
pub(crate) mod tests;

/// Makes secrets of `values`.
#[inline(always)]
#[allow(clippy::inline_always, reason = "it is nothing")]
pub(crate) fn classify<T>(values: &mut [T]) {
    #[cfg(ctgrind)]
    valgrind::make_undefined(values);
    let _ = values;
}

/// Lets branches depend on `value`, which was computed from secrets but tells nothing of them.
#[inline(always)]
#[allow(clippy::inline_always, reason = "it is nothing")]
pub(crate) fn declassify<T>(value: T) -> T {
    #[cfg(ctgrind)]
    let value = valgrind::defined(value);
    value
}
