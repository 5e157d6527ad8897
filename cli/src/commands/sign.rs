//! `sogov sign`: plugin files and messages.
#![forbid(unsafe_code)]

use super::{Command, PASSWORD_FILE, USER_ID};
use crate::args::{Args, Opt};
use crate::exit::Failure;
use crate::input::{self, MAX_LEN};
use crate::output::{self, Output};
use serde_json::json;
use sogov::crypto::sm3;
use sogov::engine::{self, FileFacts, FileSigner};
use sogov::sys::file;
use std::path::{Path, PathBuf};

pub const COMMAND: Command = Command {
    name: "sign",
    summary: "signs a plugin file or a message",
    usage: &[
        "--key KEY.pem --service NAME --version LABEL [OPTIONS] PLUGIN",
        "--add --key KEY.pem FILE",
        "--message FILE --key KEY.pem [--der] [--out FILE]",
    ],
    about: &[
        "The statement that is signed names the service that may run the plugin and the label of its version; the \
         options below add to it. PLUGIN is signed in place unless --out names another file. With --detached it is \
         left as it is, and the signature goes to PLUGIN.sogsig. Strip first, sign last.",
        "--sbom binds a bill of materials in CycloneDX or SPDX JSON; a copy goes to PLUGIN.sbom.json beside the signed plugin, \
         where loading looks for it.",
        "--needed states the digest of a library under its SONAME. Loading copies that very file from wherever the dynamic linker \
         looks; without it, a library must be loaded already or be one of the system's.",
        "--add puts a further signature over the same statement: into a signed plugin, or into a .sogsig file.",
        "--message signs bytes as they are (- is standard input); the signature goes to --out or to standard output: \
         64 bytes R||S, or with --der SEQUENCE { r, s }.",
        "The key says the scheme: sm2-sm3 or ecdsa-p256, or for a key in a token rsa-pss-sha512 as well. KEY is a file, \
         or the URI of a key in a PKCS#11 token or an SDF device.",
    ],
    options: &[
        Opt::value("key", "KEY", "the private key: a file, or a URI (pkcs11:, sdf:, file:)"),
        PASSWORD_FILE,
        USER_ID,
        Opt::value("service", "NAME", "the service that may run the plugin"),
        Opt::value("version", "LABEL", "the label under which it may run, such as v2"),
        Opt::value("epoch", "N", "number that never falls between releases; default 0"),
        Opt::value("name", "PURL", "package URL; default pkg:generic/SERVICE@VERSION"),
        Opt::value("semver", "X.Y.Z", "semantic version"),
        Opt::value("issuer", "TEXT", "who issues it"),
        Opt::value("not-before", "TIME", "valid from, such as 2026-01-31T00:00:00Z"),
        Opt::value("not-after", "TIME", "valid until"),
        Opt::value("channel", "TEXT", "release channel"),
        Opt::value("audience", "TEXT", "for whom it is meant"),
        Opt::value("reserve", "BYTES", "room for statement and signatures in the file; default 16384"),
        Opt::value("sbom", "FILE", "the bill of materials to bind"),
        Opt::many("needed", "FILE", "a library that the plugin needs: loading takes no other file for it"),
        Opt::flag("detached", "write the signature beside the plugin"),
        Opt::value("out", "PATH", "where the signed plugin, or the signature, goes"),
        Opt::flag("add", "add a signature"),
        Opt::value("message", "FILE", "sign a message"),
        Opt::flag("der", "DER instead of R||S, for --message"),
    ],
    operands: 1,
    examples: &[
        "sogov sign --key release.pem --service fee --version v1 --epoch 1 --out fee-v1.so libfee_v1.so",
        "sogov sign --key release.pem --service fee --version v2 --epoch 2 --out fee-v2.so libfee_v2.so",
        "sogov sign --add --key audit.pem --password-file password.txt fee-v2.so",
        "sogov sign --key release.pem --service fee --version v3 --not-after 2099-12-31T00:00:00Z --detached libfee_v3.so",
        "sogov sign --key release.pem --service fee --version v4 --sbom fee.cdx.json --out fee-v4.so libfee_v3.so",
        "sogov sign --message report.txt --key release.pem --der --out report.sig",
    ],
    run,
};

fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    if args.has("message") {
        return sign_message(args, output);
    }
    if args.has("add") {
        return add_signature(args, output);
    }
    sign_file(args, output)
}

fn sign_file(args: &Args, output: &mut Output) -> Result<(), Failure> {
    if args.has("der") {
        return Err(Failure::Usage("--der goes with --message".into()));
    }
    if args.has("detached") && args.has("reserve") {
        return Err(Failure::Usage("--reserve does not go with --detached".into()));
    }
    let facts = facts(args)?;
    let plugin = args.required_operand("the plugin's file")?;
    let (key, user_id) = (input::private_key(args, "key")?, args.user_id()?);
    let signer = FileSigner { key: &*key, user_id: &user_id };
    let (digest, target, carrier) = if args.has("detached") {
        let target = args.path("out").map_or_else(|| beside(plugin, ".sogsig"), Path::to_owned);
        (signer.sign_detached(plugin, Some(&target), &facts)?, target, plugin)
    } else {
        let target = args.path("out").unwrap_or(plugin);
        (signer.sign(plugin, target, &facts)?, target.to_owned(), target)
    };
    let sbom = facts.sbom.as_deref().map(|sbom| put_beside(sbom, carrier)).transpose()?;
    output.show(&json!({
        "file": target.display().to_string(),
        "digest": sm3::text(&digest),
        "service": facts.service,
        "version": facts.version,
        "epoch": facts.epoch,
        "sbom": sbom.map(|path| path.display().to_string()),
        "key_id": key.public_key().key_id().to_string(),
    }));
    Ok(())
}

fn facts(args: &Args) -> Result<FileFacts, Failure> {
    let reserve = args.number("reserve")?.unwrap_or_default();
    Ok(FileFacts {
        service: args.required_text("service")?.to_owned(),
        version: args.required_text("version")?.to_owned(),
        epoch: args.number("epoch")?.unwrap_or_default(),
        name: args.text_or_empty("name")?,
        semver: args.text_or_empty("semver")?,
        issuer: args.text_or_empty("issuer")?,
        not_before: args.time("not-before")?,
        not_after: args.time("not-after")?,
        channel: args.text_or_empty("channel")?,
        audience: args.text_or_empty("audience")?,
        reserve: usize::try_from(reserve).map_err(|_| Failure::Usage("--reserve: too large".into()))?,
        sbom: args.path("sbom").map(Path::to_owned),
        needed: args.all("needed").map(PathBuf::from).collect(),
    })
}

fn add_signature(args: &Args, output: &mut Output) -> Result<(), Failure> {
    args.only("add", &["key", "password-file", "user-id"], 1)?;
    let path = args.required_operand("a signed plugin, or a .sogsig file")?;
    let (key, user_id) = (input::private_key(args, "key")?, args.user_id()?);
    FileSigner { key: &*key, user_id: &user_id }.add_signature(path)?;
    output.show(&json!({
        "file": path.display().to_string(),
        "key_id": key.public_key().key_id().to_string(),
    }));
    Ok(())
}

fn sign_message(args: &Args, output: &mut Output) -> Result<(), Failure> {
    args.only("message", &["key", "password-file", "user-id", "der", "out"], 0)?;
    let (key, user_id) = (input::private_key(args, "key")?, args.user_id()?);
    let message = input::read(args.required_path("message")?.as_os_str())?;
    engine::check_message(&message)?;
    let (scheme, signature) = (key.public_key().scheme(), key.sign(&user_id, &message)?);
    let (format, bytes) =
        if args.has("der") { ("der", scheme.signature_to_der(&signature)?) } else { ("raw", signature) };
    let result = json!({
        "file": args.path("out").map(|path| path.display().to_string()),
        "key_id": key.public_key().key_id().to_string(),
        "scheme": scheme.name(),
        "format": format,
        "signature": output::hex(&bytes),
    });
    match args.path("out") {
        Some(path) => {
            file::replace(path, &bytes, None)?;
            output.show(&result);
        }
        None => output.show_bytes(&bytes, &result),
    }
    Ok(())
}

/// Puts a copy of the bill of materials where loading looks for it.
fn put_beside(sbom: &Path, plugin: &Path) -> Result<PathBuf, Failure> {
    let place = beside(plugin, ".sbom.json");
    if sbom != place {
        file::replace(&place, &file::read(sbom, MAX_LEN)?, None)?;
    }
    Ok(place)
}

fn beside(plugin: &Path, ending: &str) -> PathBuf {
    let mut path = plugin.as_os_str().to_owned();
    path.push(ending);
    path.into()
}
