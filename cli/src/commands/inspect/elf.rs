//! What the image says of itself.
#![forbid(unsafe_code)]

use crate::output::of_error;
use serde_json::{Value, json};
use sogov::artifact::elf::hazards::{Hazard, unload_hazards};
use sogov::artifact::elf::policy::{LoadAllowances, loadable};
use sogov::artifact::elf::{Elf, Stack};

/// The image in `bytes`, or why it is none that may be loaded.
pub fn describe(bytes: &[u8]) -> Value {
    let elf = match Elf::parse(bytes) {
        Ok(elf) => elf,
        Err(e) => return json!({ "error": of_error(&e) }),
    };
    let descriptor = elf.exports().any(|export| export.name == "sogov_plugin_descriptor");
    json!({
        "soname": elf.soname(),
        "needed": elf.needed(),
        "run_paths": elf.run_paths().iter().map(|(entry, path)| format!("{entry} {path}")).collect::<Vec<_>>(),
        "stack": match elf.stack() {
            Stack::NonExecutable => "not executable",
            Stack::Executable => "executable",
            Stack::Absent => "executable (no PT_GNU_STACK)",
        },
        "text_relocations": elf.text_relocations(),
        "exports": elf.exports().count(),
        "plugin_level": u8::from(descriptor),
        "stays_mapped_because": unload_hazards(&elf).iter().map(of_hazard).collect::<Vec<_>>(),
        "refused_because": loadable(&elf, &LoadAllowances::default()).err().map(|e| e.message().to_owned()),
    })
}

fn of_hazard(hazard: &Hazard) -> String {
    let waived = if hazard.is_waived_by_clean_stop() { " (unless it declares a clean stop)" } else { "" };
    format!("{hazard}{waived}")
}
