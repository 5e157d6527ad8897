//! `sogov audit`: verifies and shows an audit trail.
#![forbid(unsafe_code)]

use super::Command;
use crate::args::{Args, Opt};
use crate::exit::Failure;
use crate::input;
use crate::output::Output;
use serde_json::{Map, Value, json};
use sogov::crypto::key::PublicKey;
use sogov::crypto::sm3;
use sogov::engine::schemes;
use sogov::error::Error;
use sogov::journal::{self, Detail, Head, Record, Report, Verification};
use sogov::timestamp;
use std::path::Path;

const KEY: Opt =
    Opt::many("key", "PUB.pem", "public key that must have signed every checkpoint, or one of several");
const HEAD: Opt =
    Opt::value("head", "N:sm3:HEX", "record that must be there, as `sogov audit verify` printed it before");
const WHAT: &str = "the state directory, or the directory of a trail";

pub const VERIFY: Command = Command {
    name: "audit verify",
    summary: "looks whether a trail is as it was written, and says where it is not",
    usage: &["[--key PUB.pem ...] [--head N:sm3:HEX] DIR"],
    about: &[
        "Without --key whoever can write the trail can also write another one that is whole in itself. With it, that ends \
         at the last checkpoint, up to `signed up to`. What was cut off behind that is found by a head that was kept \
         elsewhere: --head. The exit code is 3 for a trail that is broken.",
    ],
    options: &[KEY, HEAD],
    operands: 1,
    examples: &["sogov audit verify --key root.pub.pem state"],
    run: run_verify,
};

pub const SHOW: Command = Command {
    name: "audit show",
    summary: "prints the records of a trail, up to the first place that is not as it was written",
    usage: &["[--event EVENT] [--service NAME] [--last N] DIR"],
    about: &["With --json, one object that has the records as an array."],
    options: &[
        Opt::value("event", "EVENT", "only these, such as load or promote"),
        Opt::value("service", "NAME", "only those of a service"),
        Opt::value("last", "N", "only the last N of them"),
    ],
    operands: 1,
    examples: &["sogov audit show --event promote state"],
    run: run_show,
};

fn run_verify(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let path = journal::find(args.required_operand(WHAT)?);
    let keys: Vec<PublicKey> = args
        .all("key")
        .map(|path| input::any_public_key(args, Path::new(path)))
        .collect::<Result<_, Failure>>()?;
    let expected = args.text("head")?.map(str::parse::<Head>).transpose()?;
    let against = Verification { keys: &keys, schemes: schemes(), expected };
    let report = journal::verify(&path, &against, &mut |_| {})?;
    output.show(&of_report(&report, &path, !keys.is_empty()));
    Ok(())
}

fn run_show(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let path = journal::find(args.required_operand(WHAT)?);
    let (event, service) = (args.text("event")?, args.text("service")?);
    let last = args.number("last")?.map(|last| usize::try_from(last).unwrap_or(usize::MAX));
    let mut records = std::collections::VecDeque::new();
    let wanted = |record: &Record| {
        event.is_none_or(|event| record.entry.kind.name() == event)
            && service.is_none_or(|service| record.entry.service == service)
    };
    let against = Verification { keys: &[], schemes: schemes(), expected: None };
    let read = journal::verify(&path, &against, &mut |record| {
        if wanted(record) {
            records.push_back(of_record(record));
            if last.is_some_and(|last| records.len() > last) {
                records.pop_front();
            }
        }
    });
    let broken: Option<Error> = read.err();
    if args.has("json") {
        output.show(&json!({
            "records": records,
            "error": broken.as_ref().map(crate::output::of_error),
        }));
    } else {
        for record in &records {
            output.text(&format!("{record}\n"));
        }
    }
    broken.map_or(Ok(()), |broken| Err(broken.into()))
}

fn of_report(report: &Report, path: &Path, with_keys: bool) -> Value {
    json!({
        "trail": path.display().to_string(),
        "first": report.first,
        "last": report.head.seq,
        "head": report.head.to_string(),
        "segments": report.segments,
        "checkpoints": report.checkpoints,
        "signed_up_to": with_keys.then_some(report.signed_up_to),
        "recovered": report.recovered,
    })
}

/// What a record says, without the chain and without what is empty.
fn of_record(record: &Record) -> Value {
    let entry = &record.entry;
    let mut fields = Map::new();
    fields.insert("seq".into(), record.seq.into());
    fields.insert("time".into(), timestamp::format(record.time).into());
    fields.insert("process".into(), record.process.into());
    fields.insert("event".into(), entry.kind.name().into());
    let digest = entry.digest.as_ref().map(sm3::text).unwrap_or_default();
    for (name, text) in [
        ("actor", &entry.actor),
        ("reason", &entry.reason),
        ("service", &entry.service),
        ("version", &entry.version),
        ("digest", &digest),
        ("status", &entry.status),
        ("message", &entry.message),
    ] {
        if !text.is_empty() {
            fields.insert(name.into(), text.as_str().into());
        }
    }
    match &entry.detail {
        Detail::None => {}
        Detail::Counts { signed, verified, refused } => {
            for (name, count) in [("signed", signed), ("verified", verified), ("refused", refused)] {
                fields.insert(name.into(), (*count).into());
            }
        }
        Detail::Anchor { first_kept, .. } => {
            fields.insert("first_kept".into(), (*first_kept).into());
        }
        Detail::Signature { key, .. } => {
            fields.insert("key".into(), key.to_string().into());
        }
    }
    Value::Object(fields)
}
