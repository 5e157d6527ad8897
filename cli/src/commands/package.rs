//! `sogov package check`: installed files against their receipts.
#![forbid(unsafe_code)]

use super::Command;
use super::install::{RECEIPT_KEY, STATE};
use crate::args::Args;
use crate::engine::{self, DEVELOPMENT, ROOT_ID, ROOT_SET, ROOT_THRESHOLD, TRUST};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use serde_json::json;
use sogov::engine::FileStanding;

pub const CHECK: Command = Command {
    name: "package check",
    summary: "says whether an installed file is the one that was installed",
    usage: &["--trust DIR (--root-id sm3:HEX ... | --development) --state DIR --receipt-key FILE FILE"],
    about: &[
        "untouched: the file that was installed, with its content. replaced: its content is another; loading refuses it. \
         moved: the content is the one that was installed, in another file, as after a restore from a backup. \
         Exit code 0 means untouched, 1 the others.",
    ],
    options: &[TRUST, ROOT_ID, ROOT_THRESHOLD, ROOT_SET, DEVELOPMENT, STATE, RECEIPT_KEY],
    operands: 1,
    examples: &["sogov package check --trust trust --development --state state --receipt-key receipt.key \
         state/machine/packages/installed/fee-2-*/fee-v2.so"],
    run,
};

fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let path = args.required_operand("an installed file")?;
    let standing = engine::open_with_packages(args)?.check_installed(path)?;
    let word = match standing {
        FileStanding::Untouched => "untouched",
        FileStanding::Replaced => "replaced",
        FileStanding::Moved => "moved",
    };
    output.show(&json!({ "file": path.display().to_string(), "standing": word }));
    if standing == FileStanding::Untouched { Ok(()) } else { Err(Failure::Reported(Exit::Refused)) }
}
