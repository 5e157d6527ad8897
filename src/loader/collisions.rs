//! Names that mean something else in this process than in the plugin: symbols that the host defines too, and libraries of
//! which the process has another file under the same SONAME.

use super::link_map::{self, Exports};
use crate::artifact::elf::Elf;
use crate::error::{Error, Result, Status};
use std::ffi::CString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What becomes of a plugin that exports and uses symbols which the program defines too.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Collisions {
    /// It is refused.
    #[default]
    Refuse = 0,
    /// It is loaded, the log says so, and the program's are used.
    Warn = 1,
    /// It is loaded with RTLD_DEEPBIND: its own are used, and those of the libraries that it needs before the program's.
    OwnFirst = 2,
}

/// Whose definition of a name an image uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The host's, where it has one.
    HostFirst,
    /// Its own or its libraries', where they have one (`RTLD_DEEPBIND`).
    OwnFirst,
}

/// Looks at every symbol that the image exports and uses by name. A strong definition that the global scope has as well
/// goes by `policy`. Weak ones are inline functions and templates of C++, of which any copy is as good as another where
/// the sources agree; those are named in a warning. `warn` takes the text. Answers how the image is to be opened.
pub(super) fn check_symbols(elf: &Elf<'_>, policy: Collisions, warn: impl Fn(&str)) -> Result<Scope> {
    let scope = Exports::of_the_global_scope();
    let (mut strong, mut weak) = (Vec::new(), Vec::new());
    for (name, is_weak) in elf.interposable().filter(|(name, _)| scope.have(name)) {
        if is_weak { weak.push(name) } else { strong.push(name) }
    }
    if !strong.is_empty() && policy == Collisions::OwnFirst {
        return Ok(Scope::OwnFirst);
    }
    if let Some(first) = strong.first() {
        let found =
            format!("{} of its own symbols, {first} among them, are replaced by the host's", strong.len());
        if policy == Collisions::Refuse {
            return Err(Error::new(
                Status::ImageRejected,
                format!(
                    "symbols: expected none that the host defines too, found that {found}; export the plugin's \
                     interface only (a version script), or link with -Bsymbolic"
                ),
            ));
        }
        warn(&found);
    }
    if let Some(first) = weak.first() {
        warn(&format!("{} weak symbols, {first} among them, are shared with the host", weak.len()));
    }
    Ok(Scope::HostFirst)
}

/// Refuses an image that names, by its run path, another file for a library than the process has under that SONAME: the
/// linker would give it the one that is there.
pub(super) fn check_libraries(elf: &Elf<'_>) -> Result<()> {
    for soname in elf.needed() {
        let wanted = elf.run_paths().iter().find_map(|(_, path)| {
            let found = |directory: &str| fs::metadata(Path::new(directory).join(soname)).ok();
            path.split(':').filter(|directory| directory.starts_with('/')).find_map(found)
        });
        let mapped = || link_map::file_of(&CString::new(*soname).ok()?);
        if let (Some(wanted), Some(mapped)) = (wanted, mapped())
            && mapped != (wanted.dev(), wanted.ino())
        {
            return Err(Error::new(
                Status::ImageRejected,
                format!(
                    "needed library {soname}: expected the file of the image's run path, found that the process has \
                     another one of that SONAME, which it would get; give each version of the library a SONAME of its \
                     own before signing, or link it statically"
                ),
            ));
        }
    }
    Ok(())
}
