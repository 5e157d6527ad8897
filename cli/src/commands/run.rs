//! `sogov run`: loads, routes and calls.
#![forbid(unsafe_code)]

use super::{Command, PASSWORD_FILE};
use crate::args::{self, Args, Opt};
use crate::engine::{self, DEVELOPMENT, ROOT_ID, ROOT_SET, ROOT_THRESHOLD, TRUST};
use crate::exit::{Exit, Failure};
use crate::input;
use crate::output::{self, Output, of_error};
use serde_json::{Map, Value, json};
use sogov::engine::{AuditOptions, Change, Engine, LoadOptions};
use sogov::error::Error;
use sogov::loader::Invocation;
use sogov::route::{Header, Reason, Request};
use sogov::runtime::{Called, Service, Standing};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// The longest answer.
const MAX_ANSWER_LEN: usize = 64 << 20;

pub const COMMAND: Command = Command {
    name: "run",
    summary: "loads versions of a service, routes a request and prints the answer",
    usage: &[
        "--trust DIR (--root-id sm3:HEX ... | --development) --service NAME --load LABEL=PATH ... [OPTIONS] \
         (--input TEXT | --input-file FILE | -)",
    ],
    about: &[
        "The first version loaded is promoted, unless --promote or --policy says otherwise or the state directory \
         brings a stable one back. A request goes to the level-1 plugin of the version that the route policy picks; \
         - reads it from standard input.",
        "With --count the request is sent N times, as the users user-1 to user-N unless --user-key names one, and \
         the split between the versions is printed.",
    ],
    options: &[
        TRUST,
        ROOT_ID,
        ROOT_THRESHOLD,
        ROOT_SET,
        DEVELOPMENT,
        Opt::value(
            "state",
            "DIR",
            "the state directory: a later run brings the stable version back from there",
        ),
        Opt::flag("audit", "record what is done in the state directory's audit trail, or do not do it"),
        Opt::value("audit-key", "FILE", "private key that signs the trail's checkpoints"),
        PASSWORD_FILE,
        Opt::value("service", "NAME", "the service"),
        Opt::many("load", "LABEL=PATH", "a version and its signed plugin"),
        Opt::value("promote", "LABEL", "the version that becomes stable"),
        Opt::value("policy", "FILE", "the route policy (JSON)"),
        Opt::value("user-key", "KEY", "what identifies the user"),
        Opt::many("header", "NAME=VALUE", "a header of the request"),
        Opt::value("count", "N", "send the request N times"),
        Opt::value("input", "TEXT", "the request"),
        Opt::value("input-file", "FILE", "the request, from a file"),
        Opt::flag("verbose", "tell what the engine does on standard error"),
    ],
    operands: 1,
    examples: &[
        "sogov run --trust trust --root-id \"$(sogov key-id root.pub.pem)\" --service fee --load v1=fee-v1.so \
         --input 'amount=100 currency=CNY'",
        "sogov run --trust trust --development --service fee --load v1=fee-v1.so --load v2=fee-v2.so \
         --policy policy.json --count 1000 --input 'amount=100 currency=CNY'",
        "sogov run --trust trust --development --state state --audit --audit-key root.pem --service fee --load v1=fee-v1.so \
         --input 'amount=100 currency=CNY'",
    ],
    run,
};

fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let name = args.required_text("service")?;
    if !args.has("load") && !args.has("state") {
        return Err(Failure::Usage("--load is required where there is no --state".into()));
    }
    let plugins = plugins(args)?;
    let headers = headers(args)?;
    let count = args.number("count")?;
    if count == Some(0) {
        return Err(Failure::Usage("--count: expected 1 or more, found 0".into()));
    }
    let input = input_of(args)?;

    let audit = audit_options(args)?;
    let engine = engine::open(args, args.path("state").map(Path::to_owned), audit, args.has("verbose"))?;
    let done = prepare(args, &engine, name, &plugins).and_then(|service| {
        let calls =
            Calls { service: &service, headers: &headers, user_key: args.value("user-key"), input: &input };
        match count {
            None => calls.one(output),
            Some(count) => calls.many(count, output),
        }
    });
    engine.close();
    done
}

/// How the run is recorded, where that was asked for.
fn audit_options(args: &Args) -> Result<Option<AuditOptions>, Failure> {
    if !args.has("audit") {
        if args.has("audit-key") {
            return Err(Failure::Usage("--audit-key goes with --audit".into()));
        }
        return Ok(None);
    }
    if !args.has("state") {
        return Err(Failure::Usage("--audit goes with --state".into()));
    }
    let key =
        args.path("audit-key").map(|path| input::key_of(args, "audit-key", path)).transpose()?.map(Arc::new);
    Ok(Some(AuditOptions { required: true, key, ..AuditOptions::default() }))
}

/// Loads, promotes and routes as the options say.
fn prepare(
    args: &Args,
    engine: &Engine,
    name: &str,
    plugins: &[(&str, &Path)],
) -> Result<Arc<Service>, Failure> {
    let change = Change { actor: engine::ACTOR.into(), wait_durable: true, ..Change::default() };
    for (label, path) in plugins {
        let options = LoadOptions { change: change.clone(), ..LoadOptions::default() };
        engine.load_versioned(name, label, path, &options)?;
    }
    let policy = args
        .path("policy")
        .map(|path| input::read(path.as_os_str()).map(|bytes| (path, bytes)))
        .transpose()?;
    let stable = engine.report(Some(name))?.iter().any(|version| version.standing == Standing::Stable);
    let first = plugins.first().map(|(label, _)| *label).filter(|_| !stable && policy.is_none());
    if let Some(label) = args.text("promote")?.or(first) {
        engine.promote(name, label, &change)?;
    }
    if let Some((path, document)) = policy {
        engine.apply_route_policy(name, &document, &change).map_err(|e| e.of(path.display()))?;
    }
    Ok(engine.service(name)?)
}

/// Requests that differ in their user at most.
struct Calls<'a> {
    service: &'a Service,
    headers: &'a [Header<'a>],
    user_key: Option<&'a OsStr>,
    input: &'a [u8],
}

/// What became of one call.
struct Reply {
    called: Option<Called>,
    answer: Vec<u8>,
    failure: Option<Error>,
}

impl Calls<'_> {
    fn one(&self, output: &mut Output) -> Result<(), Failure> {
        let Reply { called, answer, failure } = self.send(self.user_key.map(OsStr::as_bytes));
        if let Some(error) = failure {
            return Err(match called {
                Some(called) => error.of(format_args!("version {}", called.version)).into(),
                None => error.into(),
            });
        }
        let mut result = Map::new();
        result.insert("service".into(), self.service.name().to_string().into());
        result.insert("version".into(), called.map(|called| called.version.to_string()).into());
        result.insert("reason".into(), called.map(|called| called.reason.name()).into());
        match String::from_utf8(answer) {
            Ok(text) => result.insert("answer".into(), text.into()),
            Err(bytes) => result.insert("answer_hex".into(), output::hex(bytes.as_bytes()).into()),
        };
        output.show(&Value::Object(result));
        Ok(())
    }

    fn many(&self, count: u64, output: &mut Output) -> Result<(), Failure> {
        let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
        let mut first_failure = None;
        let mut failed = 0_u64;
        for number in 1..=count {
            let user = format!("user-{number}");
            let reply = self.send(Some(self.user_key.map_or(user.as_bytes(), OsStr::as_bytes)));
            if let Some(called) = reply.called {
                tallies
                    .entry(called.version.to_string())
                    .or_default()
                    .add(called.reason, reply.failure.is_none());
            }
            failed = failed.saturating_add(u64::from(reply.failure.is_some()));
            first_failure = first_failure.or(reply.failure);
        }
        let split: Map<String, Value> =
            tallies.iter().map(|(label, tally)| (label.clone(), tally.show(count))).collect();
        output.show(&json!({
            "service": self.service.name().to_string(),
            "calls": count,
            "failed": failed,
            "first_failure": first_failure.as_ref().map(of_error),
            "split": split,
        }));
        match first_failure {
            None => Ok(()),
            Some(error) => {
                output::complain(&format!("{failed} of {count} calls failed, the first with: {error}"));
                Err(Failure::Reported(Exit::CallFailed))
            }
        }
    }

    fn send(&self, user_key: Option<&[u8]>) -> Reply {
        let request = Request { user_key, headers: self.headers };
        let (mut answer, mut called) = (Vec::new(), None);
        let mut invocation =
            Invocation { request: self.input, answer: &mut answer, limit: MAX_ANSWER_LEN, code: 0 };
        let failure = self.service.call(&request, &mut invocation, &mut called).err();
        Reply { called, answer, failure }
    }
}

/// What one version was asked.
#[derive(Default)]
struct Tally {
    calls: u64,
    failed: u64,
    reasons: BTreeMap<&'static str, u64>,
}

impl Tally {
    fn add(&mut self, reason: Reason, succeeded: bool) {
        self.calls = self.calls.saturating_add(1);
        self.failed = self.failed.saturating_add(u64::from(!succeeded));
        let times = self.reasons.entry(reason.name()).or_default();
        *times = times.saturating_add(1);
    }

    fn show(&self, of: u64) -> Value {
        #[allow(clippy::cast_precision_loss, reason = "a percentage with two decimal digits")]
        let percent = (self.calls as f64 / of as f64 * 10_000.0).round() / 100.0;
        json!({ "calls": self.calls, "percent": percent, "failed": self.failed, "reasons": self.reasons })
    }
}

fn plugins(args: &Args) -> Result<Vec<(&str, &Path)>, Failure> {
    let parse =
        |value| args::split(value, b'=', "load", "LABEL=PATH").map(|(label, path)| (label, Path::new(path)));
    args.all("load").map(parse).collect()
}

fn headers(args: &Args) -> Result<Vec<Header<'_>>, Failure> {
    let parse = |value| {
        args::split(value, b'=', "header", "NAME=VALUE")
            .map(|(name, value)| Header { name: name.as_bytes(), value: value.as_bytes() })
    };
    args.all("header").map(parse).collect()
}

/// The request, from the one place that was named.
fn input_of(args: &Args) -> Result<Vec<u8>, Failure> {
    match (args.value("input"), args.path("input-file"), args.operand()) {
        (Some(text), None, None) => Ok(text.as_bytes().to_vec()),
        (None, Some(file), None) => Ok(input::read(file.as_os_str())?),
        (None, None, Some(dash)) if dash == "-" => Ok(input::read(dash)?),
        _ => Err(Failure::Usage("expected one of --input TEXT, --input-file FILE and -".into())),
    }
}
