//! From a request line to an answer line. Integer arithmetic in minor units.

#![forbid(unsafe_code)]

/// Why a request has no fee. The numbers are answers of `invoke`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Malformed = 2,
    UnknownCurrency = 3,
    OutOfRange = 4,
}

/// No request is longer.
const LINE_MAX: usize = 64;

/// The largest amount in minor units: 18 digits, as in ISO 20022. Ten times as much fits in `u64`.
const AMOUNT_MAX: u64 = 999_999_999_999_999_999;

const MILLION: u64 = 1_000_000;

/// Millionths of the amount: 0.5%. At most a million, so that a fee is never larger than its amount.
const RATE_PPM: u64 = 5_000;

/// A currency with its bounds on the fee, in minor units.
struct Currency {
    code: &'static str,
    /// ISO 4217: how many decimal digits the minor unit has.
    exponent: usize,
    floor: u64,
    cap: u64,
}

const TARIFF: [Currency; 6] = [
    Currency { code: "BHD", exponent: 3, floor: 10, cap: 25_000 },
    Currency { code: "CNY", exponent: 2, floor: 10, cap: 50_000 },
    Currency { code: "EUR", exponent: 2, floor: 5, cap: 7_500 },
    Currency { code: "JPY", exponent: 0, floor: 10, cap: 10_000 },
    Currency { code: "KWD", exponent: 3, floor: 10, cap: 25_000 },
    Currency { code: "USD", exponent: 2, floor: 5, cap: 7_500 },
];

/// `amount=1234.56 currency=CNY` to `fee=6.17 currency=CNY tariff=rust`.
pub(crate) fn price(request: &[u8]) -> Result<String, Refusal> {
    let Request { whole, fraction, code } = parse(request).ok_or(Refusal::Malformed)?;
    let currency = TARIFF.iter().find(|currency| currency.code == code).ok_or(Refusal::UnknownCurrency)?;
    if fraction.len() > currency.exponent {
        return Err(Refusal::Malformed);
    }
    let amount = minor_units(whole, fraction, currency.exponent).ok_or(Refusal::OutOfRange)?;
    let fee = half_even_share(amount).clamp(currency.floor, currency.cap);
    Ok(format!("fee={} currency={code} tariff=rust", money(fee, currency.exponent)))
}

/// The parts of a well-formed request.
struct Request<'a> {
    whole: &'a str,
    fraction: &'a str,
    code: &'a str,
}

/// `"amount=" whole [ "." fraction ] " currency=" three capitals`, and nothing else.
fn parse(request: &[u8]) -> Option<Request<'_>> {
    if request.len() > LINE_MAX {
        return None;
    }
    let line = std::str::from_utf8(request).ok()?;
    let (amount, code) = line.strip_prefix("amount=")?.split_once(" currency=")?;
    let (whole, fraction) = match amount.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (amount, None),
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = is_number(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(is_number)
        && code.len() == 3
        && code.bytes().all(|byte| byte.is_ascii_uppercase());
    well_formed.then_some(Request { whole, fraction: fraction.unwrap_or(""), code })
}

/// From 1 to [`AMOUNT_MAX`]; `None` outside of it. The fraction has at most `exponent` digits.
fn minor_units(whole: &str, fraction: &str, exponent: usize) -> Option<u64> {
    let scaled = fraction.bytes().chain(std::iter::repeat(b'0')).take(exponent);
    let amount = whole.bytes().chain(scaled).try_fold(0_u64, |value, digit| {
        value
            .checked_mul(10)?
            .checked_add(u64::from(digit.checked_sub(b'0')?))
            .filter(|&value| value <= AMOUNT_MAX)
    })?;
    (amount > 0).then_some(amount)
}

/// [`RATE_PPM`] of the amount, rounded half to even. Split at a million, so that no product can overflow:
/// `millions * RATE_PPM <= amount` and `rest * RATE_PPM <= 10^12`.
fn half_even_share(amount: u64) -> u64 {
    let millionths = amount % MILLION * RATE_PPM;
    let fee = amount / MILLION * RATE_PPM + millionths / MILLION;
    let rest = millionths % MILLION;
    let up = rest * 2 > MILLION || (rest * 2 == MILLION && fee % 2 == 1);
    fee + u64::from(up)
}

/// Minor units as a decimal number with all its digits: 617 of CNY is `6.17`.
fn money(minor: u64, exponent: usize) -> String {
    let digits = format!("{minor:0>width$}", width = exponent + 1);
    match digits.split_at_checked(digits.len() - exponent) {
        Some((whole, fraction)) if !fraction.is_empty() => format!("{whole}.{fraction}"),
        _ => digits,
    }
}
