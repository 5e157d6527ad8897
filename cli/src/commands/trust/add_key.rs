//! `sogov trust add-key`
#![forbid(unsafe_code)]

use super::{Args, Command, DIR, Error, Failure, Opt, Output, Result, Status, Value, json};
use crate::commands::USER_ID;
use crate::input;
use sogov::timestamp;

pub const COMMAND: Command = Command {
    name: "trust add-key",
    summary: "names a further key in trust.json, which has to be signed again then",
    usage: &[
        "--dir DIR --public PUB.pem --services NAME[,NAME...] [--user-id ID] [--not-before TIME] [--not-after TIME]",
    ],
    about: &[
        "The rest of trust.json keeps its content and order; its epoch grows by one. Until trust sign was run, \
              the document is refused where root key ids are given.",
    ],
    options: &[
        DIR,
        Opt::value("public", "PUB.pem", "the public key"),
        Opt::value(
            "services",
            "NAMES",
            "services it may sign for: names, or prefixes followed by *, with commas between",
        ),
        USER_ID,
        Opt::value("not-before", "TIME", "the key counts from, such as 2026-01-31T00:00:00Z"),
        Opt::value("not-after", "TIME", "the key counts until"),
    ],
    operands: 0,
    examples: &["sogov trust add-key --dir trust --public audit.pub.pem --services fee"],
    run,
};

fn run(args: &Args, output: &mut Output) -> std::result::Result<(), Failure> {
    let directory = args.required_path("dir")?;
    let key = input::public_key(args.required_path("public")?)?;
    let mut entry = super::key_entry(&key, args.required_text("services")?);
    if let Some(fields) = entry.as_object_mut() {
        // The document is text, so only user ids that are text can stand in it.
        if let Some(user_id) = args.text("user-id")? {
            fields.insert("user_id".into(), user_id.into());
        }
        for (option, field) in [("not-before", "not_before"), ("not-after", "not_after")] {
            if let Some(time) = args.time(option)? {
                fields.insert(field.into(), timestamp::format(time).into());
            }
        }
    }
    let mut document: Value =
        serde_json::from_slice(&super::read_document(directory)?).map_err(|_| not_a_document())?;
    add(&mut document, entry)?;
    super::write_document(directory, &document)?;
    super::put_public_key(directory, &key)?;
    let next = format!("sogov trust sign --dir {} --key ROOT.pem", directory.display());
    output.show(
        &json!({ "key_id": key.key_id().to_string(), "epoch": document.get("epoch"), "sign_again": next }),
    );
    Ok(())
}

fn add(document: &mut Value, entry: Value) -> Result<()> {
    let epoch = document.get("epoch").and_then(Value::as_u64).unwrap_or_default();
    let fields = document.as_object_mut().ok_or_else(not_a_document)?;
    fields.insert("epoch".into(), epoch.saturating_add(1).into());
    let keys = fields.get_mut("keys").and_then(Value::as_array_mut).ok_or_else(not_a_document)?;
    keys.push(entry);
    Ok(())
}

/// The document was validated just before, so nobody sees this.
fn not_a_document() -> Error {
    Error::new(Status::Internal, "trust.json: expected an object with keys")
}
