//! `sogov key-id`
#![forbid(unsafe_code)]

use super::{Command, PASSWORD_FILE};
use crate::args::Args;
use crate::exit::Failure;
use crate::input;
use crate::output::Output;
use serde_json::json;

pub const COMMAND: Command = Command {
    name: "key-id",
    summary: "prints the id of a key",
    usage: &["[--password-file FILE] FILE"],
    about: &[
        "The id is the SM3 digest of the public key (SubjectPublicKeyInfo, DER). FILE holds a public key of SM2, P-256 \
              or RSA, or a private key of any form that is read: PKCS#8, encrypted PKCS#8, SEC1, in PEM or DER.",
    ],
    options: &[PASSWORD_FILE],
    operands: 1,
    examples: &["sogov key-id root.pub.pem", "sogov key-id --password-file password.txt audit.pem"],
    run,
};

fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let path = args.required_operand("the file of a key")?;
    let id = input::any_public_key(args, path)?.key_id().to_string();
    output.show_line(&id, &json!({ "key_id": id }));
    Ok(())
}
