//! The table on the terminal, and the same as `target/bench/<name>.json`.

use super::measure::Spread;
use serde_json::json;
use std::fs;
use std::path::Path;

/// A figure beside that of a peer.
pub struct Row {
    /// The key under which the figure is known.
    pub what: &'static str,
    pub value: Spread,
    pub unit: &'static str,
    /// What the value has to stay below, where that is settled.
    pub target: Option<f64>,
    pub peer: &'static str,
    pub peer_value: f64,
}

/// Prints the rows and writes them to `target/bench/<name>.json`.
pub fn publish(name: &str, rows: &[Row]) {
    println!(
        "\n{:<30} {:>9} {:>10} {:>19} {:<5} {:>10} {:>7}  peer",
        "what", "target", "value", "(min .. max)", "unit", "peer's", "ratio"
    );
    for row in rows {
        let Spread { min, median, max } = row.value;
        println!(
            "{:<30} {:>9} {:>10} {:>19} {:<5} {:>10} {:>7.2}  {}",
            row.what,
            row.target.map_or_else(String::new, |target| format!("<= {target}")),
            number(median),
            format!("({} .. {})", number(min), number(max)),
            row.unit,
            number(row.peer_value),
            ratio(row),
            row.peer,
        );
    }
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "what": row.what, "value": row.value.median, "unit": row.unit,
                "peer": row.peer, "peer_value": row.peer_value, "ratio": ratio(row),
                "min": row.value.min, "max": row.value.max, "target": row.target,
            })
        })
        .collect();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    fs::create_dir_all(&directory).unwrap();
    let document = serde_json::to_string_pretty(&json!({ "rows": rows })).unwrap();
    fs::write(directory.join(format!("{name}.json")), document + "\n").unwrap();
}

/// The value over the peer's.
fn ratio(row: &Row) -> f64 {
    row.value.median / row.peer_value
}

/// Three significant digits or so.
pub fn number(value: f64) -> String {
    match value.abs() {
        v if v < 10.0 => format!("{value:.2}"),
        v if v < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
