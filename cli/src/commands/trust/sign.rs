//! `sogov trust sign`
#![forbid(unsafe_code)]

use super::{Args, Command, DIR, Failure, Opt, Output, json};
use crate::commands::PASSWORD_FILE;
use crate::input;
use sogov::engine::sign_root_document;
use sogov::trust::RootDocument;

pub const COMMAND: Command = Command {
    name: "trust sign",
    summary: "signs trust.json, or advisories.json, with a root key, after every change of it",
    usage: &["--dir DIR --key ROOT.pem [--password-file FILE] [--advisories]"],
    about: &[
        "Signatures of other root keys over the same bytes stay; those over earlier bytes are dropped. The root's \
              public key is put into keys/ where it is missing.",
        "--advisories signs the snapshot of advisories, advisories.json, in place of trust.json.",
    ],
    options: &[
        DIR,
        Opt::value("key", "ROOT.pem", "the private root key"),
        PASSWORD_FILE,
        Opt::flag("advisories", "sign advisories.json"),
    ],
    operands: 0,
    examples: &["sogov trust sign --dir trust --key root.pem"],
    run,
};

fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let directory = args.required_path("dir")?;
    let document = if args.has("advisories") {
        super::check_advisories(directory)?;
        RootDocument::Advisories
    } else {
        super::read_document(directory)?;
        RootDocument::Trust
    };
    let root = input::private_key(args, "key")?;
    super::put_public_key(directory, &root.public_key())?;
    sign_root_document(document, &*root, directory)?;
    output.show(&json!({
        "document": document.file_name(),
        "directory": directory.display().to_string(),
        "root_key_id": root.public_key().key_id().to_string(),
    }));
    Ok(())
}
