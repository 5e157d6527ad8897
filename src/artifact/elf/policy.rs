//! Well-formed features that are refused all the same, because they reach beyond the plugin.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::{Elf, Stack, rejected};
use crate::error::Result;

/// What a trust document may allow by name.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a field of the trust document")]
pub struct LoadAllowances {
    /// DT_RPATH and DT_RUNPATH: where dependencies are looked for.
    pub run_path: bool,
    /// DT_TEXTREL: code that is writable while it is relocated.
    pub text_relocations: bool,
    /// A Go runtime where the process has one already.
    pub go_runtime: bool,
    /// Libraries that are found by `LD_LIBRARY_PATH` and whose digests the statement does not demand.
    pub library_path: bool,
}

/// Refuses an image whose loading would change the host, run code early, or load files it was not asked for.
///
/// Every refusal is a [`crate::error::Status::ImageRejected`] whose message names the entry. An executable
/// stack is never allowed: glibc gives it to the whole process, and it stays.
pub fn loadable(elf: &Elf<'_>, allow: &LoadAllowances) -> Result<()> {
    if let Some((entry, path)) = elf.run_paths().first().filter(|_| !allow.run_path) {
        return Err(rejected(format!("{entry}: expected none, found {path:?}")));
    }
    if let Some((entry, file)) = elf.redirections().first() {
        return Err(rejected(format!("{entry}: expected none, found {file:?}")));
    }
    if elf.text_relocations() && !allow.text_relocations {
        return Err(rejected("DT_TEXTREL: expected none, found text relocations (compile with -fPIC)"));
    }
    match elf.stack() {
        Stack::NonExecutable => {}
        Stack::Executable => {
            return Err(rejected(
                "PT_GNU_STACK: expected a stack without execution, found an executable one",
            ));
        }
        Stack::Absent => {
            return Err(rejected(
                "PT_GNU_STACK: expected one, found none (glibc would make the stack executable)",
            ));
        }
    }
    if let Some(soname) = elf.soname().filter(|soname| soname.contains('/')) {
        return Err(rejected(format!("DT_SONAME: expected a name without '/', found {soname:?}")));
    }
    if elf.has_ifunc() {
        return Err(rejected(
            "STT_GNU_IFUNC: expected none, found a resolver that runs while the image is loaded",
        ));
    }
    Ok(())
}
