//! The rows that are held to targets, and the report: on the terminal and as `target/bench/crypto.json`.

use crate::field::{Field, SOGOV, SOGOV_C};
use crate::measurement::Rates;
use crate::support::report::number;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A figure of this library beside what it is compared with.
pub struct Row {
    key: &'static str,
    value: Option<f64>,
    unit: &'static str,
    peer: String,
    peer_value: Option<f64>,
    ratio: Option<f64>,
    target: Target,
    /// What a reader has to know of the comparison, or why there is none.
    note: String,
}

#[derive(Clone, Copy)]
enum Target {
    RatioAtLeast(f64),
    ValueAtMost(f64),
}

/// A rate: whose, and of which operation.
type Rate<'a> = (&'a str, &'a str);

pub fn rows(field: &Field, rates: &Rates) -> Vec<Row> {
    // Where the processor has AVX-512, the level below it.
    let scalar = if field.entrant("sogov:avx2").is_some() { "sogov:avx2" } else { SOGOV };
    let stream = rates.best_peer("sm3_stream").unwrap_or_default();
    let mb = "crypto_mb";
    let compare =
        |key, ours, peer, at_least, note: &str| compare(field, rates, key, ours, peer, at_least, note);
    vec![
        compare(
            "verify_batch_new_key",
            (SOGOV, "verify_batch_new_key@1024"),
            (mb, "verify_batch_new_key@1024"),
            1.4,
            "",
        ),
        compare(
            "verify_batch_prepared",
            (SOGOV, "verify_batch"),
            (mb, "verify_batch"),
            6.0,
            "crypto_mb knows no prepared keys",
        ),
        compare(
            "verify_one_prepared",
            (scalar, "verify_one"),
            ("rustcrypto", "verify_one"),
            20.0,
            "without AVX-512",
        ),
        compare(
            "verify_one_prepared",
            (scalar, "verify_one"),
            ("gmssl", "verify_one"),
            4.0,
            "without AVX-512; GmSSL as registries carry it, in portable C",
        ),
        compare(
            "verify_one_new_key",
            (SOGOV, "verify_one_new_key"),
            ("rustcrypto", "verify_one_new_key"),
            4.0,
            "the key is decoded each time",
        ),
        compare("sign_one", (SOGOV, "sign_one"), ("rustcrypto", "sign_one"), 5.0, ""),
        compare(
            "sign_batch",
            (SOGOV, "sign_batch"),
            (mb, "sign_batch"),
            2.0,
            "crypto_mb is given its nonces",
        ),
        compare("sm3_lanes", (SOGOV, "sm3_lanes"), (mb, "sm3_lanes"), 1.05, "16 messages of 16 KiB"),
        compare(
            "sm3_stream",
            (SOGOV, "sm3_stream"),
            (&stream, "sm3_stream"),
            1.0,
            "1 MiB; the fastest of the peers in this run",
        ),
        compare("sm3_tree", (SOGOV, "sm3_tree"), (SOGOV, "sm3_lanes"), 0.9, "64 MiB on one core"),
        compare(
            "verify_128_keys",
            (SOGOV, "verify_batch@128"),
            (SOGOV, "verify_batch"),
            0.85,
            "128 keys in random order",
        ),
        compare(
            "verify_two_threads",
            (SOGOV, "verify_two_threads"),
            (SOGOV, "verify_one_thread"),
            1.9,
            "by the clock",
        ),
        compare(
            "verify_async",
            (SOGOV_C, "verify_async"),
            (SOGOV, "verify_two_threads"),
            0.8,
            "64 tickets in flight on two cores, by the clock",
        ),
        Row {
            key: "verify_async_p99_us",
            value: rates.of(SOGOV_C, "verify_async_p99").map(|spread| spread.median),
            unit: "us",
            peer: String::new(),
            peer_value: None,
            ratio: None,
            target: Target::ValueAtMost(1000.0),
            note: "at 70% of the greatest load".into(),
        },
        compare("abi_batch", (SOGOV_C, "verify_batch"), (SOGOV, "verify_batch"), 0.98, "the C interface"),
    ]
}

/// A row with a ratio to reach.
fn compare(
    field: &Field,
    rates: &Rates,
    key: &'static str,
    ours: Rate<'_>,
    peer: Rate<'_>,
    at_least: f64,
    note: &str,
) -> Row {
    let missing = field.why_missing(peer.0).or(field.why_missing(ours.0));
    let title = match (field.entrant(peer.0), field.why_missing(peer.0)) {
        _ if peer.0.starts_with(SOGOV) => format!("sogov, {}", peer.1),
        (Some(entrant), _) => format!("{} {}", entrant.title, entrant.version),
        (None, Some(missing)) => missing.title.to_owned(),
        (None, None) => peer.0.to_owned(),
    };
    let is_digest = ours.1.starts_with("sm3");
    let scale = if is_digest { 1e-6 } else { 1.0 };
    let value = |(name, operation)| rates.of(name, operation).map(|spread| spread.median * scale);
    Row {
        key,
        value: value(ours),
        unit: if is_digest { "MB/s" } else { "1/s" },
        peer: title,
        peer_value: value(peer),
        ratio: rates.ratio(ours, peer),
        target: Target::RatioAtLeast(at_least),
        note: missing.map_or(note.to_owned(), |missing| format!("no ratio: {}", missing.reason)),
    }
}

impl Row {
    /// `None` where it cannot be told.
    fn met(&self) -> Option<bool> {
        match self.target {
            Target::RatioAtLeast(least) => self.ratio.map(|ratio| ratio >= least),
            Target::ValueAtMost(most) => self.value.map(|value| value <= most),
        }
    }

    fn to_json(&self) -> Value {
        let (name, bound) = match self.target {
            Target::RatioAtLeast(least) => ("ratio_at_least", least),
            Target::ValueAtMost(most) => ("value_at_most", most),
        };
        json!({
            "key": self.key, "value": self.value, "unit": self.unit, "peer": self.peer,
            "peer_value": self.peer_value, "ratio": self.ratio, "target": { name: bound }, "met": self.met(),
            "note": self.note,
        })
    }
}

/// Prints all and writes it down.
pub fn publish(field: &Field, rates: &Rates, rows: &[Row], agreement: &str) {
    print_field(field, rates);
    print_rows(rows);
    println!("\n{agreement}");
    for missing in &field.missing {
        println!("missing: {}: {}", missing.title, missing.reason);
    }
    let document = json!({
        "processor": processor(),
        "agreement": agreement,
        "rows": rows.iter().map(Row::to_json).collect::<Vec<_>>(),
        "peers": peers(field),
        "rates": rates.all().map(|(name, operation, spread)| json!({
            "name": name, "operation": operation, "unit": if operation.starts_with("sm3") { "B/s" } else { "1/s" },
            "median": spread.median, "min": spread.min, "max": spread.max,
        })).collect::<Vec<_>>(),
    });
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("crypto.json"), serde_json::to_string_pretty(&document).unwrap() + "\n")
        .unwrap();
}

fn peers(field: &Field) -> Vec<Value> {
    let present = field.entrants.iter().map(|entrant| {
        json!({ "name": entrant.name, "title": entrant.title, "version": entrant.version, "missing": null })
    });
    let missing = field.missing.iter().map(|missing| {
        json!({ "name": missing.name, "title": missing.title, "version": null, "missing": missing.reason })
    });
    present.chain(missing).collect()
}

fn print_field(field: &Field, rates: &Rates) {
    const COLUMNS: [(&str, &str); 8] = [
        ("verify_batch", "batch"),
        ("verify_batch_new_key@1024", "batch, new"),
        ("verify_one", "one"),
        ("verify_one_new_key", "one, new"),
        ("sign_batch", "sign batch"),
        ("sign_one", "sign one"),
        ("sm3_lanes", "SM3 lanes"),
        ("sm3_stream", "SM3 stream"),
    ];
    println!(
        "\nOne core; verifications, signatures and megabytes a second; 256-byte messages; \"new\": keys seen once"
    );
    print!("{:<28}", "");
    for (_, title) in COLUMNS {
        print!("{title:>12}");
    }
    println!();
    for entrant in &field.entrants {
        print!("{:<28}", format!("{} {}", entrant.title, entrant.version));
        for (operation, _) in COLUMNS {
            let scale = if operation.starts_with("sm3") { 1e-6 } else { 1.0 };
            let rate = rates.of(&entrant.name, operation);
            print!("{:>12}", rate.map_or("-".into(), |rate| number(rate.median * scale)));
        }
        println!();
    }
}

fn print_rows(rows: &[Row]) {
    println!(
        "\n{:<22}{:>11}{:>6}{:>11}{:>8}{:>9}{:>6}  peer",
        "figure", "value", "unit", "peer's", "ratio", "target", "met"
    );
    for row in rows {
        let optional = |value: Option<f64>| value.map_or("-".into(), number);
        let target = match row.target {
            Target::RatioAtLeast(least) => format!(">= {least}x"),
            Target::ValueAtMost(most) => format!("<= {most}"),
        };
        println!(
            "{:<22}{:>11}{:>6}{:>11}{:>8}{:>9}{:>6}  {}{}",
            row.key,
            optional(row.value),
            row.unit,
            optional(row.peer_value),
            optional(row.ratio),
            target,
            row.met().map_or("?", |met| if met { "yes" } else { "no" }),
            row.peer,
            if row.note.is_empty() { String::new() } else { format!(" ({})", row.note) },
        );
    }
}

/// The processor's name as Linux gives it.
fn processor() -> String {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or("unknown", |(_, name)| name).to_owned()
}
