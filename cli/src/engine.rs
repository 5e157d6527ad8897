//! The engine as the options of several commands describe it, and its log on standard error.
#![forbid(unsafe_code)]

use crate::args::{Args, Opt};
use crate::exit::Failure;
use crate::input;
use crate::output;
use sogov::crypto::hmac::SecretKey;
use sogov::crypto::key_id::KeyId;
use sogov::engine::{AuditOptions, Engine, EngineOptions};
use sogov::telemetry::{Log, LogLevel};
use sogov::trust::Roots;
use std::path::PathBuf;
use std::sync::Arc;

/// Who makes the changes that a command asks for, in the engine's log.
pub const ACTOR: &str = "sogov run";

pub const TRUST: Opt = Opt::value("trust", "DIR", "the trust directory");
pub const ROOT_ID: Opt =
    Opt::many("root-id", "sm3:HEX", "id of a root key; one of these must have signed trust.json");
pub const ROOT_THRESHOLD: Opt =
    Opt::value("root-threshold", "N", "how many of the root keys must have signed; default 1");
pub const ROOT_SET: Opt = Opt::value(
    "root-set",
    "N",
    "number of the set that the root keys are; default 1, later ones stand in roots/",
);
pub const DEVELOPMENT: Opt = Opt::flag("development", "take trust.json without a signature by root keys");

/// The engine over the trust directory of `--trust`.
pub fn open(
    args: &Args,
    state_directory: Option<PathBuf>,
    audit: Option<AuditOptions>,
    verbose: bool,
) -> Result<Arc<Engine>, Failure> {
    Ok(Engine::open(EngineOptions {
        trust_directory: Some(args.required_path("trust")?.to_owned()),
        root_key_ids: roots(args)?,
        root_threshold: root_threshold(args)?,
        root_set: args.number("root-set")?.unwrap_or(0),
        state_directory,
        audit,
        log: log(verbose),
        ..EngineOptions::default()
    })?)
}

/// The engine over the trust directory of `--trust` and the packages of `--state`, with the key of `--receipt-key`.
pub fn open_with_packages(args: &Args) -> Result<Arc<Engine>, Failure> {
    let path = args.required_path("receipt-key")?;
    let receipt_key = SecretKey::from_bytes(&input::secret_file(path)?).map_err(|e| e.of(path.display()))?;
    Ok(Engine::open_idle(EngineOptions {
        trust_directory: Some(args.required_path("trust")?.to_owned()),
        root_key_ids: roots(args)?,
        root_threshold: root_threshold(args)?,
        root_set: args.number("root-set")?.unwrap_or(0),
        state_directory: Some(args.required_path("state")?.to_owned()),
        receipt_key: Some(Arc::new(receipt_key)),
        log: log(false),
        ..EngineOptions::default()
    })?)
}

/// The root keys. None at all has to be said, so that nobody gets there by forgetting.
pub fn roots(args: &Args) -> Result<Vec<KeyId>, Failure> {
    match (args.has("root-id"), args.has("development")) {
        (true, true) => Err(Failure::Usage("--root-id does not go with --development".into())),
        (false, false) => Err(Failure::Usage("--root-id (or --development) is required".into())),
        _ => root_ids(args),
    }
}

/// The set of root keys that `--root-id`, `--root-threshold` and `--root-set` describe.
pub fn root_set(args: &Args) -> Result<Roots, Failure> {
    set_of(args, roots(args)?)
}

/// The set of these root keys with `--root-threshold` and `--root-set`.
pub fn set_of(args: &Args, ids: Vec<KeyId>) -> Result<Roots, Failure> {
    Ok(Roots::new(ids).with(root_threshold(args)?, args.number("root-set")?.unwrap_or(0))?)
}

/// The value of `--root-threshold`; 0 without it.
pub fn root_threshold(args: &Args) -> Result<usize, Failure> {
    Ok(usize::try_from(args.number("root-threshold")?.unwrap_or(0)).unwrap_or(usize::MAX))
}

/// The values of `--root-id`.
pub fn root_ids(args: &Args) -> Result<Vec<KeyId>, Failure> {
    args.all("root-id").map(|id| Ok(crate::args::utf8(id, "root-id")?.parse::<KeyId>()?)).collect()
}

/// What went wrong, and with `--verbose` what was done. Left out is what this program says itself, its own changes that
/// were refused, and that the development mode is on, which is no news to whoever said `--development`.
fn log(verbose: bool) -> Log {
    Log::new(move |level, line| match level {
        LogLevel::Info if !verbose => {}
        LogLevel::Warning if line.starts_with("development mode") && !verbose => {}
        LogLevel::Error if line.contains(&format!(" refused by {ACTOR}:")) && !verbose => {}
        LogLevel::Info => output::complain(&format!("info: {line}")),
        LogLevel::Warning => output::complain(&format!("warning: {line}")),
        LogLevel::Error => output::complain(&format!("error: {line}")),
    })
}
