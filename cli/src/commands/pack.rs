//! `sogov pack`: update packages.
#![forbid(unsafe_code)]

use super::{Command, PASSWORD_FILE, USER_ID};
use crate::args::{Args, Opt};
use crate::exit::Failure;
use crate::input;
use crate::output::Output;
use serde_json::json;
use sogov::crypto::envelope::Recipient;
use sogov::engine::{self, FileSigner, PackageFacts, PackedPlugin};
use sogov::timestamp;
use std::path::{Path, PathBuf};

pub const COMMAND: Command = Command {
    name: "pack",
    summary: "puts signed plugins into an update package for some hosts",
    usage: &[
        "--key KEY.pem ... --recipient CERT.pem ... --audience HOST ... --out NAME.sogpkg [OPTIONS] PLUGIN ...",
    ],
    about: &[
        "The plugins are signed already; a PLUGIN.sogsig beside one goes with it. The manifest is signed by every --key, \
         then all of it is encrypted for every --recipient: a certificate or a public key, all of RSA (3072 bits at \
         least) or all of SM2. The trust directory of the hosts says how many keys must have signed, as for plugins.",
        "--audience names a host that may install the package: what it calls itself in sogov install.",
    ],
    options: &[
        Opt::many("key", "KEY.pem", "a private key that signs the manifest"),
        PASSWORD_FILE,
        USER_ID,
        Opt::many("recipient", "CERT.pem", "a certificate or public key that the package is encrypted for"),
        Opt::many("audience", "HOST", "the name of a host that may install it"),
        Opt::value("epoch", "N", "number that never falls between packages of a service; default 0"),
        Opt::value("service", "NAME", "the service; default that of the first plugin"),
        Opt::value("not-after", "TIME", "until when it can be installed; default 30 days from now"),
        Opt::value("issuer", "TEXT", "who issues it"),
        Opt::value("signature", "FILE", "the detached signature of the only PLUGIN"),
        Opt::many("file", "FILE", "a file that is carried beside the plugins, such as a bill of materials"),
        Opt::value("out", "NAME.sogpkg", "where the package goes"),
    ],
    operands: 64,
    examples: &[
        "sogov keygen --out host-1.pem --public host-1.pub.pem",
        "sogov pack --key release.pem --recipient host-1.pub.pem --audience host-1 --epoch 2 --out fee.sogpkg fee-v2.so",
        "sogov pack --key release.pem --recipient host-1.pub.pem --audience host-1 --epoch 3 --file report.txt \
         --out report.sogpkg libfee_v3.so",
    ],
    run,
};

fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let plugins: Vec<&Path> = args.operands().collect();
    if args.has("signature") && plugins.len() != 1 {
        return Err(Failure::Usage("--signature goes with one PLUGIN".into()));
    }
    let signature_path = args.path("signature").map(Path::to_owned);
    let plugins: Vec<PackedPlugin> = plugins
        .iter()
        .map(|path| PackedPlugin { path: path.to_path_buf(), signature_path: signature_path.clone() })
        .collect();
    let files: Vec<PathBuf> = args.all("file").map(PathBuf::from).collect();
    for required in ["key", "recipient", "audience"] {
        if !args.has(required) {
            return Err(Failure::Usage(format!("--{required} is required")));
        }
    }
    let target = args.required_path("out")?;
    let facts = PackageFacts {
        service: args.text_or_empty("service")?,
        epoch: args.number("epoch")?.unwrap_or_default(),
        audiences: args
            .all("audience")
            .map(|name| crate::args::utf8(name, "audience").map(str::to_owned))
            .collect::<Result<_, _>>()?,
        not_after: args.time("not-after")?,
        issuer: args.text_or_empty("issuer")?,
    };
    let recipients = args
        .all("recipient")
        .map(|path| {
            Ok(Recipient::from_encoded(&input::key_file(Path::new(path))?)
                .map_err(|e| e.of(path.display()))?)
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let user_id = args.user_id()?;
    let keys = args
        .all("key")
        .map(|path| input::private_key_of(args, "key", Path::new(path)))
        .collect::<Result<Vec<_>, Failure>>()?;
    let signers: Vec<_> = keys.iter().map(|key| FileSigner { key: &**key, user_id: &user_id }).collect();
    let packed = engine::pack(&plugins, &files, &facts, &signers, &recipients, target)?;
    output.show(&json!({
        "file": target.display().to_string(),
        "package_id": packed.id.to_string(),
        "service": packed.service,
        "epoch": facts.epoch,
        "audiences": facts.audiences,
        "not_after": timestamp::format(packed.not_after),
        "files": packed.files,
        "recipients": recipients.iter().map(|recipient| recipient.key_id().to_string()).collect::<Vec<_>>(),
    }));
    Ok(())
}
