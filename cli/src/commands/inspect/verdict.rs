//! Whether the plugin would be accepted: by the trust directory, and by the checks before loading.
#![forbid(unsafe_code)]

use super::signature::Subject;
use crate::args::Args;
use crate::engine;
use crate::exit::Failure;
use crate::output::of_error;
use serde_json::{Map, Value, json};
use sogov::engine::{Engine, EngineOptions, LoadOptions};
use sogov::error::Error;
use sogov::loader::{Instance, Isolation};
use sogov::trust::VerifiedImage;
use std::path::Path;

/// What the engine would say, where `--trust` is given.
pub fn decide(args: &Args, subject: &Subject<'_>) -> Result<Map<String, Value>, Failure> {
    let Some(directory) = args.path("trust") else { return Ok(Map::new()) };
    let engine = Engine::open(EngineOptions {
        trust_directory: Some(directory.to_owned()),
        root_key_ids: engine::root_ids(args)?,
        root_threshold: engine::root_threshold(args)?,
        root_set: args.number("root-set")?.unwrap_or(0),
        ..EngineOptions::default()
    })?;
    let stated = subject.service();
    // Without a statement the refusal does not depend on the service.
    let service = args.text("service")?.or(stated.as_deref());
    let options = LoadOptions {
        signature_path: subject.detached.clone(),
        sbom_path: args.path("sbom").map(Path::to_owned),
        ..LoadOptions::default()
    };
    let mut fields = Map::new();
    fields.insert("development".into(), engine.is_development().into());
    if subject.content().is_some() {
        let verified = engine.admit_file(service.unwrap_or("none"), None, &subject.plugin, &options);
        let signers =
            verified.iter().flat_map(VerifiedImage::signers).map(ToString::to_string).collect::<Vec<_>>();
        fields.insert(
            "trust".into(),
            verdict(verified.as_ref().err(), json!({ "service": service, "signers": signers })),
        );
        if let Ok(image) = &verified {
            fields.insert(
                "loading".into(),
                verdict(Instance::check_bytes(image, Isolation::Shared).err().as_ref(), json!({})),
            );
        }
    }
    Ok(fields)
}

/// Accepted, or refused with the error; then `more`.
fn verdict(refusal: Option<&Error>, more: Value) -> Value {
    let mut fields = Map::new();
    fields.insert("accepted".into(), refusal.is_none().into());
    if let Some(Value::Object(mut error)) = refusal.map(of_error) {
        fields.append(&mut error);
    }
    if let Value::Object(mut more) = more {
        fields.append(&mut more);
    }
    Value::Object(fields)
}
