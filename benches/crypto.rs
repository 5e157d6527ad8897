//! SM2 and SM3 beside other implementations of them, in one run on one core: `make bench-crypto`.
//!
//! Every contender, this library at each feature level among them, is a child process that speaks the commands of
//! `crypto/peers/README.md`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench ends at the first surprise, prints, and computes with times"
)]

#[path = "crypto/agreement.rs"]
mod agreement;
#[path = "crypto/cases.rs"]
mod cases;
#[path = "crypto/child.rs"]
mod child;
#[path = "crypto/driver.rs"]
mod driver;
#[path = "crypto/field.rs"]
mod field;
#[path = "crypto/measurement.rs"]
mod measurement;
#[path = "crypto/rows.rs"]
mod rows;
#[path = "crypto/sogov.rs"]
mod sogov_driver;
mod support;

use field::Field;
use measurement::Rates;
use sogov::crypto::sm2::UserId;
use sogov_driver::Sogov;

fn main() {
    if std::env::args().any(|argument| argument == "--driver") {
        let peer = Sogov { user_id: UserId::default() };
        return driver::serve(&peer, "raw", env!("CARGO_PKG_VERSION"), "sogov");
    }
    let field = Field::find();
    let agreement = agreement::check(&field);
    let rates = Rates::measure(&field);
    rows::publish(&field, &rates, &rows::rows(&field, &rates), &agreement);
}
