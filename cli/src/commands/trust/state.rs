//! `sogov trust state`
#![forbid(unsafe_code)]

use super::{Args, Command, Failure, Opt, Output, json};
use sogov::crypto::sm3;
use sogov::error::{Error, Status};
use sogov::timestamp;
use sogov::trust::{Confirmation, Kept};

pub const COMMAND: Command = Command {
    name: "trust state",
    summary: "shows what was accepted of trust on this machine, below which nothing is taken",
    usage: &["--state DIR"],
    about: &[
        "The highest epoch of a trust document, numbers of a deny-list and of advisories, set of root keys, the lowest epoch that each \
              service takes, the latest time that was believed, and who confirmed the clock.",
    ],
    options: &[Opt::value("state", "DIR", "the state directory")],
    operands: 0,
    examples: &["sogov trust state --state state"],
    run,
};

fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let directory = args.required_path("state")?;
    let trust = directory.join("machine/trust");
    if !trust.is_dir() {
        let message = format!("{}: expected the trust state of an engine, found none", trust.display());
        return Err(Error::new(Status::NotFound, message).into());
    }
    let kept = Kept::open(directory)?;
    let (numbers, clock) = (kept.numbers()?, kept.clock()?);
    let confirmation = |c: &Confirmation| {
        json!({ "actor": c.actor, "reason": c.reason,
                "from": timestamp::format(c.from), "to": timestamp::format(c.to) })
    };
    output.show(&json!({
        "directory": directory.display().to_string(),
        "document_epoch": numbers.document_epoch,
        "denylist_number": numbers.denylist_number,
        "advisories_number": numbers.advisories_number,
        "root_set": numbers.roots.map(|(number, _)| number),
        "root_set_digest": numbers.roots.map(|(_, digest)| sm3::text(&digest)),
        "floors": numbers.floors,
        "last_seen": clock.seen.map(|seen| timestamp::format(seen.time)),
        "confirmations": clock.confirmations.iter().map(confirmation).collect::<Vec<_>>(),
    }));
    Ok(())
}
