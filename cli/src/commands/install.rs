//! `sogov install`: update packages into the state directory.
#![forbid(unsafe_code)]

use super::{Command, PASSWORD_FILE};
use crate::args::{Args, Opt};
use crate::engine::{self, DEVELOPMENT, ROOT_ID, ROOT_SET, ROOT_THRESHOLD, TRUST};
use crate::exit::Failure;
use crate::input;
use crate::output::Output;
use serde_json::json;
use sogov::crypto::envelope::RecipientKey;
use sogov::custody;
use sogov::engine::Change;

pub const STATE: Opt = Opt::value("state", "DIR", "the state directory, where packages are installed");
pub const RECEIPT_KEY: Opt =
    Opt::value("receipt-key", "FILE", "secret bytes, 16 to 1024, outside of the state directory");

pub const COMMAND: Command = Command {
    name: "install",
    summary: "verifies an update package and installs it, whole or not at all",
    usage: &[
        "--trust DIR (--root-id sm3:HEX ... | --development) --state DIR --receipt-key FILE --key HOST.pem \
         --audience HOST PACKAGE",
    ],
    about: &[
        "The package is decrypted and verified: its signatures, that it is for this host, its end, that neither it nor \
         a later one was installed before, and every plugin in it as sogov verify does. Then its files appear together \
         in the state directory, where they can be loaded from.",
        "The receipt that is written says where the files lie; sogov package check looks at it. Make its key with: \
         head -c 32 /dev/urandom > receipt.key",
    ],
    options: &[
        TRUST,
        ROOT_ID,
        ROOT_THRESHOLD,
        ROOT_SET,
        DEVELOPMENT,
        STATE,
        RECEIPT_KEY,
        Opt::value("key", "HOST.pem", "the private key of this host, of RSA or SM2"),
        PASSWORD_FILE,
        Opt::value("certificate", "CERT.pem", "its certificate, where the package has many recipients"),
        Opt::value("audience", "HOST", "the name of this host"),
    ],
    operands: 1,
    examples: &[
        "(umask 077 && head -c 32 /dev/urandom > receipt.key)",
        "sogov install --trust trust --root-id \"$(sogov key-id root.pub.pem)\" --state state --receipt-key receipt.key \
         --key host-1.pem --audience host-1 fee.sogpkg",
    ],
    run,
};

fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let path = args.required_operand("the package's file")?;
    let key_path = args.required_path("key")?;
    let audience = args.required_text("audience")?;
    let certificate = args.path("certificate").map(input::key_file).transpose()?;
    let password = input::password(args)?;
    let file = input::secret_file(key_path)?;
    let password = password.as_ref().map(|password| password.as_slice());
    let key = RecipientKey::from_encoded_in(
        custody::rooms(),
        &file,
        password,
        certificate.as_ref().map(|file| file.as_slice()),
    );
    let key = key.map_err(|e| e.of(key_path.display()))?;
    let engine = engine::open_with_packages(args)?;
    let change = Change { actor: engine::ACTOR.into(), ..Change::default() };
    let installed = engine.install(path, &key, audience, &change)?;
    output.show(&json!({
        "installed": true,
        "package_id": installed.id.to_string(),
        "service": installed.service,
        "epoch": installed.epoch,
        "directory": installed.directory.display().to_string(),
        "plugins": installed.plugins.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "signers": installed.signers.iter().map(ToString::to_string).collect::<Vec<_>>(),
    }));
    Ok(())
}
