//! `sogov trust sign`
#![forbid(unsafe_code)]

use super::{Args, Command, DIR, Failure, Opt, Output, Path, json};
use crate::commands::PASSWORD_FILE;
use crate::input;
use sogov::artifact::statement::Domain;
use sogov::engine::sign_document;
use sogov::sys::file;
use sogov::trust::{Advisories, Denylist, Roots};

pub const COMMAND: Command = Command {
    name: "trust sign",
    summary: "signs a document of the trust directory, after every change of it",
    usage: &["--dir DIR --key ROOT.pem [--file NAME] [--password-file FILE]"],
    about: &[
        "The document is trust.json, or the one that --file names: denylist.json, which a deny key may sign instead of the \
              root keys, advisories.json, the snapshot of known vulnerabilities, or a further set of root keys, such as roots/2.json, which enough keys of the set before it and of \
              the set itself have to sign. It has to be valid.",
        "Signatures of other keys over the same bytes stay; those over earlier bytes are dropped. The public key is put into \
              keys/ where it is missing.",
    ],
    options: &[
        DIR,
        Opt::value("key", "ROOT.pem", "the private key"),
        Opt::value(
            "file",
            "NAME",
            "trust.json (the default), denylist.json, advisories.json, or roots/N.json",
        ),
        PASSWORD_FILE,
    ],
    operands: 0,
    examples: &[
        "sogov trust sign --dir trust --key root.pem",
        "echo '{\"schema\": 1, \"number\": 1}' > trust/denylist.json && sogov trust sign --dir trust --key root.pem --file denylist.json",
    ],
    run,
};

fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let directory = args.required_path("dir")?;
    let name = args.text("file")?.unwrap_or("trust.json");
    let path = directory.join(name);
    let domain = check(directory, name, &path)?;
    let key = input::private_key(args, "key")?;
    super::put_public_key(directory, &key.public_key())?;
    sign_document(&*key, &path, domain)?;
    output.show(&json!({
        "directory": directory.display().to_string(),
        "file": name,
        "root_key_id": key.public_key().key_id().to_string(),
    }));
    Ok(())
}

/// What kind of document it is; one that would be refused is not signed.
fn check(directory: &Path, name: &str, path: &Path) -> Result<Domain, Failure> {
    let read = || file::read(path, super::MAX_DOCUMENT_LEN);
    match name {
        "trust.json" => {
            super::read_document(directory)?;
            Ok(Domain::TrustDocument)
        }
        "denylist.json" => {
            Denylist::parse(&read()?).map_err(|e| e.of(path.display()))?;
            Ok(Domain::Denylist)
        }
        "advisories.json" => {
            let bytes = file::read(path, super::MAX_ADVISORIES_LEN)?;
            Advisories::parse(&bytes).map_err(|e| e.of(path.display()))?;
            Ok(Domain::Advisories)
        }
        name => {
            let number = name.strip_prefix("roots/").and_then(|name| name.strip_suffix(".json"));
            let number = number.and_then(|number| number.parse::<u64>().ok()).ok_or_else(|| {
                Failure::Usage(format!(
                    "--file: expected trust.json, denylist.json, advisories.json or roots/N.json, found {name:?}"
                ))
            })?;
            let (set, _) = Roots::parse(&read()?).map_err(|e| e.of(path.display()))?;
            if set.number() != number {
                let found = set.number();
                return Err(Failure::Usage(format!(
                    "{name}: expected the number {number} in it, found {found}"
                )));
            }
            Ok(Domain::Roots)
        }
    }
}
