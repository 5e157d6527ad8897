//! The components of a plugin, and the rule that would deny each.
#![forbid(unsafe_code)]

use super::signature::Subject;
use crate::args::Args;
use crate::engine;
use crate::exit::Failure;
use crate::output::of_error;
use serde_json::{Map, Value, json};
use sogov::artifact::elf::Elf;
use sogov::artifact::sbom::{Component, MAX_LEN, Sbom};
use sogov::crypto::sm3;
use sogov::error::{Result, Status};
use sogov::sys::file;
use sogov::trust::{self, Gate, TrustDirectory};
use std::path::{Path, PathBuf};

/// The field of the report; none where nothing says what the plugin is made of.
pub fn describe(args: &Args, subject: &Subject<'_>) -> std::result::Result<Map<String, Value>, Failure> {
    let mut fields = Map::new();
    let bound = subject.statement().and_then(|statement| statement.sbom);
    let file = read(args, &subject.plugin)?;
    let state = match (&bound, &file) {
        (None, None) => "none",
        (None, Some(_)) => "not bound by the statement",
        (Some(_), None) => "not here",
        (Some(digest), Some((_, bytes))) if sm3::digest(bytes) == *digest => "bound",
        (Some(_), Some(_)) => "not the one that was signed",
    };
    let components = match subject.image() {
        Some(image) => of_image(file.as_ref().map(|(_, bytes)| bytes.as_slice()), image),
        None => file.as_ref().map(|(_, bytes)| Sbom::parse(bytes)).transpose(),
    };
    if state == "none" && matches!(components, Ok(None)) {
        return Ok(fields);
    }
    let gate = gate(args, subject)?;
    let mut sbom = Map::new();
    sbom.insert("document".into(), state.into());
    sbom.insert("file".into(), file.map(|(path, _)| path.display().to_string()).into());
    match &components {
        Err(e) => drop(sbom.insert("error".into(), of_error(e))),
        Ok(components) => {
            let all = components.iter().flat_map(Sbom::components);
            let gate = gate.as_ref().and_then(|gate| gate.as_ref().ok());
            sbom.insert("components".into(), all.map(|component| of_component(component, gate)).collect());
        }
    }
    if let Some(Err(e)) = gate {
        sbom.insert("gate".into(), of_error(&e));
    }
    fields.insert("sbom".into(), Value::Object(sbom));
    Ok(fields)
}

/// The document that was named, which has to be there, or the one beside the plugin.
fn read(args: &Args, plugin: &Path) -> Result<Option<(PathBuf, Vec<u8>)>> {
    if let Some(named) = args.path("sbom") {
        return file::read(named, MAX_LEN as u64).map(|bytes| Some((named.to_owned(), bytes)));
    }
    let mut beside = plugin.as_os_str().to_owned();
    beside.push(".sbom.json");
    let beside = PathBuf::from(beside);
    match file::read(&beside, MAX_LEN as u64) {
        Err(missing) if missing.status() == Status::NotFound => Ok(None),
        read => read.map(|bytes| Some((beside, bytes))),
    }
}

fn of_image(document: Option<&[u8]>, image: &[u8]) -> Result<Option<Sbom>> {
    match Elf::parse(image) {
        Ok(elf) => trust::components(document, &elf, image),
        // The image's own error stands in its own part of the report.
        Err(_) => document.map(Sbom::parse).transpose(),
    }
}

/// What the trust directory denies, where `--trust` is given.
fn gate(args: &Args, subject: &Subject<'_>) -> std::result::Result<Option<Result<Gate>>, Failure> {
    let Some(directory) = args.path("trust") else { return Ok(None) };
    let roots = engine::set_of(args, engine::root_ids(args)?)?;
    let source = TrustDirectory::new(directory.to_owned(), roots, sogov::engine::prepared_keys);
    let stated = subject.service();
    let service = args.text("service")?.or(stated.as_deref()).unwrap_or("none");
    let view = source.read()?;
    Ok(Some(view.gate(service)))
}

fn of_component(component: &Component, gate: Option<&Gate>) -> Value {
    let denial = gate.and_then(|gate| gate.denial(component));
    json!({
        "name": component.name,
        "version": component.version,
        "purl": component.purl.as_ref().map(ToString::to_string),
        "denied_by": denial.map(|denial| denial.cause()),
    })
}
