//! `sogov trust confirm-time`
#![forbid(unsafe_code)]

use super::{Args, Command, DIR, Failure, Opt, Output, json};
use crate::engine::{self, ROOT_ID, ROOT_SET, ROOT_THRESHOLD};
use sogov::timestamp;
use sogov::trust::{Kept, TrustDirectory};

pub const COMMAND: Command = Command {
    name: "trust confirm-time",
    summary: "takes the clock for right after it jumped ahead, on your word",
    usage: &[
        "--dir DIR --state DIR --root-id sm3:HEX ... [--root-threshold N] [--root-set N] --actor NAME --reason TEXT",
    ],
    about: &[
        "A clock that is more than a day ahead of the latest time that was believed is not believed where it would decide: \
              such loads are refused with CLOCK_REFUSED. Look at the clock first. What you confirm is kept in the trust state \
              and cannot be taken back: what has ended by then has ended.",
    ],
    options: &[
        DIR,
        Opt::value("state", "DIR", "the state directory"),
        ROOT_ID,
        ROOT_THRESHOLD,
        ROOT_SET,
        Opt::value("actor", "NAME", "who says that the clock is right"),
        Opt::value("reason", "TEXT", "why it jumped"),
    ],
    operands: 0,
    examples: &[
        "sogov trust confirm-time --dir trust --state state --root-id \"$(sogov key-id root.pub.pem)\" --actor ops --reason 'off for a week'",
    ],
    run,
};

fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let directory = args.required_path("dir")?;
    let kept = Kept::open(args.required_path("state")?)?;
    let trust =
        TrustDirectory::new(directory.to_owned(), engine::root_set(args)?, sogov::engine::prepared_keys)
            .remembering(kept);
    let time = trust.confirm_time(args.required_text("actor")?, args.required_text("reason")?)?;
    output.show(&json!({ "time": timestamp::format(time) }));
    Ok(())
}
