//! `sogov inspect`: what a file says of itself, and what would become of it.
#![forbid(unsafe_code)]

mod components;
mod elf;
mod signature;
mod verdict;

use super::Command;
use crate::args::{Args, Opt};
use crate::engine::{ROOT_ID, ROOT_SET, ROOT_THRESHOLD, TRUST};
use crate::exit::Failure;
use crate::input::MAX_LEN;
use crate::output::Output;
use serde_json::{Map, Value};
use signature::Subject;
use sogov::sys::file;

pub const COMMAND: Command = Command {
    name: "inspect",
    summary: "shows statement, signatures, image and components of a file, and whether it would be accepted",
    usage: &["[--trust DIR [--root-id sm3:HEX ...] [--service NAME]] [--sbom FILE] FILE"],
    about: &[
        "FILE may be signed, unsigned, damaged, no plugin at all, or a .sogsig file. Without --trust nobody is \
              asked whether the signatures are good, and no component is denied. Without --root-id trust.json is taken without a signature. The \
              exit code is 0 whatever was found; verify decides.",
    ],
    options: &[
        TRUST,
        ROOT_ID,
        ROOT_THRESHOLD,
        ROOT_SET,
        Opt::value("service", "NAME", "the service that shall run it; default: the statement's own"),
        Opt::value("sbom", "FILE", "its bill of materials; default: FILE.sbom.json, if it is there"),
    ],
    operands: 1,
    examples: &["sogov inspect fee-v2.so", "sogov inspect --json --trust trust --service fee libfee_v3.so"],
    run,
};

fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    if !args.has("trust") && (args.has("root-id") || args.has("service")) {
        return Err(Failure::Usage("--root-id and --service go with --trust".into()));
    }
    let path = args.required_operand("a file")?;
    let bytes = file::read(path, MAX_LEN)?;
    let subject = Subject::new(path, &bytes);

    let mut report = Map::new();
    report.insert("file".into(), path.display().to_string().into());
    report.insert("bytes".into(), bytes.len().into());
    report.insert("kind".into(), subject.kind().into());
    report.append(&mut subject.describe());
    if let Some(image) = subject.image() {
        report.insert("image".into(), elf::describe(image));
    }
    report.append(&mut components::describe(args, &subject)?);
    report.append(&mut verdict::decide(args, &subject)?);
    output.show(&Value::Object(report));
    Ok(())
}
