//! `sogov verify`: plugin files and messages.
#![forbid(unsafe_code)]

use super::{Command, USER_ID};
use crate::args::{Args, Opt};
use crate::engine::{self, DEVELOPMENT, ROOT_ID, ROOT_SET, ROOT_THRESHOLD, TRUST};
use crate::exit::Failure;
use crate::input;
use crate::output::Output;
use serde_json::json;
use sogov::crypto::sm3;
use sogov::engine::LoadOptions;
use std::path::Path;

pub const COMMAND: Command = Command {
    name: "verify",
    summary: "decides over a plugin file as loading would, or over a message",
    usage: &[
        "--trust DIR (--root-id sm3:HEX ... | --development) --service NAME [--version LABEL] PLUGIN",
        "--message FILE --public PUB.pem --signature FILE [--der] [--user-id ID]",
    ],
    about: &[
        "The signature of a plugin stands inside the file, or in PLUGIN.sogsig beside it, or where --signature \
              says; its bill of materials, where one is bound, in PLUGIN.sbom.json or where --sbom says. Exit code 0 means accepted, 1 refused; the message says why.",
    ],
    options: &[
        TRUST,
        ROOT_ID,
        ROOT_THRESHOLD,
        ROOT_SET,
        DEVELOPMENT,
        Opt::value("service", "NAME", "the service that shall run the plugin"),
        Opt::value("version", "LABEL", "the label that its statement must have; without it any"),
        Opt::value(
            "signature",
            "FILE",
            "the detached signature of the plugin, or the signature of the message",
        ),
        Opt::value("sbom", "FILE", "the bill of materials that the plugin's statement binds"),
        Opt::value("message", "FILE", "verify a message (- is standard input)"),
        Opt::value("public", "PUB.pem", "the public key, for --message"),
        Opt::flag("der", "the signature is DER instead of R||S, for --message with SM2 or P-256"),
        USER_ID,
    ],
    operands: 1,
    examples: &[
        "sogov verify --trust trust --root-id \"$(sogov key-id root.pub.pem)\" --service fee --version v1 fee-v1.so",
        "sogov verify --trust trust --development --service fee --json libfee_v3.so",
        "sogov verify --message report.txt --public release.pub.pem --signature report.sig --der",
    ],
    run,
};

fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    if args.has("message") { verify_message(args, output) } else { verify_file(args, output) }
}

fn verify_file(args: &Args, output: &mut Output) -> Result<(), Failure> {
    for option in ["public", "der", "user-id"] {
        if args.has(option) {
            return Err(Failure::Usage(format!("--{option} goes with --message")));
        }
    }
    let service = args.required_text("service")?;
    let path = args.required_operand("the plugin's file")?;
    let options = LoadOptions {
        signature_path: args.path("signature").map(Path::to_owned),
        sbom_path: args.path("sbom").map(Path::to_owned),
        ..LoadOptions::default()
    };
    let engine = engine::open(args, None, None, false)?;
    let image = engine.verify_file(service, args.text("version")?, path, &options)?;
    let statement = image.statement();
    output.show(&json!({
        "accepted": true,
        "file": path.display().to_string(),
        "service": statement.service,
        "version": statement.version,
        "epoch": statement.epoch,
        "digest": sm3::text(image.digest()),
        "sbom_digest": statement.sbom.as_ref().map(sm3::text),
        "signers": image.signers().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "development": engine.is_development(),
    }));
    Ok(())
}

fn verify_message(args: &Args, output: &mut Output) -> Result<(), Failure> {
    args.only("message", &["public", "signature", "der", "user-id"], 0)?;
    let (message_path, signature_path) = (args.required_path("message")?, args.required_path("signature")?);
    if message_path == Path::new("-") && signature_path == Path::new("-") {
        return Err(Failure::Usage("--message and --signature cannot both be standard input".into()));
    }
    let key = input::public_key(args.required_path("public")?)?;
    let user_id = args.user_id()?;
    let bytes = input::read(signature_path.as_os_str())?;
    let signature = if args.has("der") { key.scheme().signature_from_der(&bytes) } else { Ok(bytes) };
    let signature = signature.map_err(|e| e.of(signature_path.display()))?;
    let message = input::read(message_path.as_os_str())?;
    key.verify(sogov::engine::schemes(), &user_id, &message, &signature)
        .map_err(|e| e.of(message_path.display()))?;
    output.show(&json!({ "accepted": true, "key_id": key.key_id().to_string() }));
    Ok(())
}
