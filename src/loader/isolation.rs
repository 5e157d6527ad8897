//! Which images may have a namespace of their own: those that do not notice that their C library is a second one.
//!
//! What does not work beside the first C library was measured with glibc 2.36, and all of it fails late and badly, so it
//! is refused here, from the bytes:
//! - Thread-specific data: the keys of both are numbered from 0, and the values stand in one array of the thread. A
//!   plugin's value replaced the host's.
//! - Threads: the first C library goes on believing that there is one thread.
//! - Thread-local destructors, exit handlers, streams: at the end of a thread or of the process the first C library runs
//!   its own alone. What a plugin printed was lost.
//! - The C++ runtime stands on these, and is never unmapped.
//!
//! Functions of the C library are therefore refused unless they are known to be sound (`functions`).
#![forbid(unsafe_code)]

mod functions;

use super::audit::Companions;
use super::link_map::Exports;
use super::namespace::Namespace;
use crate::artifact::elf::Elf;
use crate::artifact::elf::hazards::{self, Hazard, HazardKind};
use crate::error::{Error, Result, Status};
use crate::sys::maps;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A library that an isolated image needs: its file was looked at, and may be mapped.
#[derive(Debug)]
pub(super) struct Library {
    name: String,
    /// Device and inode, as the maps show them.
    file: (u64, u64),
    /// What forbids closing it.
    hazard: Option<Hazard>,
}

/// Refuses an image that would not work with a C library of its own, or whose libraries would not. Answers those.
pub(super) fn check(image: &Elf<'_>) -> Result<Vec<Library>> {
    let by_calls = image.exports().any(|export| export.name == super::plugin::SYMBOL);
    let threads = if by_calls { Threads::Prepared } else { Threads::Any };
    check_code(image, threads)?;
    let (mut known, mut libraries) = (BTreeSet::new(), Vec::new());
    let mut wanted = wanted_by(image);
    while let Some((name, directories)) = wanted.pop() {
        if is_of_the_c_library(&name) || !known.insert(name.clone()) {
            continue;
        }
        if libraries.len() >= MAX_LIBRARIES {
            return Err(unsupported(format!("expected at most {MAX_LIBRARIES} needed libraries")));
        }
        let of = |e: Error| e.of(format_args!("needed library {name}"));
        let path = find(&name, &directories)?;
        let failed = |e| Error::io(format_args!("read {}", path.display()), &e);
        let mut file = File::open(&path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let elf = Elf::parse(&bytes).map_err(of)?;
        check_code(&elf, threads).map_err(of)?;
        wanted.extend(wanted_by(&elf));
        let hazard = hazards::unload_hazards(&elf).into_iter().find(Hazard::forbids_closing);
        libraries.push(Library { file: maps::as_mapped(&file)?, name, hazard });
    }
    Ok(libraries)
}

/// What came with the image that begins at `image`. Refused where another file was mapped than was looked at: the
/// environment of the process, or somebody who replaces files, led the linker elsewhere.
pub(super) fn companions(namespace: &Namespace, image: usize, libraries: Vec<Library>) -> Result<Companions> {
    let mut bases = Vec::new();
    let mut arrived = Vec::new();
    let _: Option<()> = namespace.find(|object| {
        if !namespace.is_resident(object.base) {
            let start = object.extent().start;
            bases.push(object.base);
            if start != image {
                arrived.push((object.shown(), start));
            }
        }
        None
    });
    for (name, start) in arrived {
        let file = maps::file_at(start)?;
        if !is_of_the_c_library(&name) && !libraries.iter().any(|library| library.file == file) {
            return Err(unsupported(format!(
                "needed library {name}: expected the file of the image's run path, found that another one was mapped"
            )));
        }
    }
    let hazards = libraries.into_iter().filter_map(|library| Some((library.name, library.hazard?)));
    Ok(Companions::examined(bases, hazards.collect()))
}

/// On which threads code runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Threads {
    /// Those that the engine has prepared for the call.
    Prepared,
    /// Any: the host calls its symbols.
    Any,
}

/// Looks at what an object imports and at what it needs.
fn check_code(elf: &Elf<'_>, threads: Threads) -> Result<()> {
    if let Some(name) = elf.needed().iter().find(|name| RUNTIMES.iter().any(|stem| is_called(name, stem))) {
        return Err(unsupported(format!(
            "expected a plugin that does without the C++ runtime and unwinding, found that it needs {name}"
        )));
    }
    let stays = [HazardKind::NoDelete, HazardKind::UniqueSymbol];
    if let Some(hazard) =
        hazards::unload_hazards(elf).into_iter().find(|hazard| !stays.contains(&hazard.kind))
    {
        return Err(unsupported(format!(
            "expected a plugin without threads, handlers and thread-local destructors, found that it {}",
            hazard.evidence
        )));
    }
    let c_library = Exports::of(c"libc.so.6")
        .ok_or_else(|| unsupported("expected a process with libc.so.6, found none by that name"))?;
    for name in elf.imports().filter(|name| !functions::is_sound(name) && c_library.have(name)) {
        if !functions::is_sound_where_prepared(name) {
            return Err(unsupported(format!(
                "expected functions of the C library that work in a second copy of it, found {name}"
            )));
        }
        if threads == Threads::Any {
            return Err(unsupported(format!(
                "{name}: expected a level-1 plugin, since it works on prepared threads only, found one of level 0"
            )));
        }
    }
    // The C library was there first, so its definition would be used.
    if let Some((name, _)) = elf.interposable().find(|(name, _)| c_library.have(name)) {
        return Err(Error::new(
            Status::ImageRejected,
            format!(
                "symbols: expected none that the C library defines too, found {name}, which would be replaced; export \
                 the plugin's interface only (a version script), or link with -Bsymbolic"
            ),
        ));
    }
    Ok(())
}

const MAX_LIBRARIES: usize = 64;

/// Libraries of compilers, by the beginning of their names.
const RUNTIMES: [&str; 6] = ["libstdc++", "libgcc_s", "libc++", "libc++abi", "libunwind", "libgo"];

/// Parts of the C library, whose functions are judged one by one.
fn is_of_the_c_library(name: &str) -> bool {
    is_called(name, "libc") || is_called(name, "libm") || name.starts_with("ld-linux-")
}

fn is_called(name: &str, stem: &str) -> bool {
    name.strip_prefix(stem).is_some_and(|rest| rest.starts_with(".so"))
}

/// The SONAMEs that an object needs, each with the directories of its run path.
fn wanted_by(elf: &Elf<'_>) -> Vec<(String, Vec<PathBuf>)> {
    let paths = elf.run_paths().iter().flat_map(|(_, path)| path.split(':'));
    let directories: Vec<PathBuf> = paths.filter(|path| path.starts_with('/')).map(PathBuf::from).collect();
    elf.needed().iter().map(|name| ((*name).to_owned(), directories.clone())).collect()
}

fn find(name: &str, directories: &[PathBuf]) -> Result<PathBuf> {
    let places = directories.iter().map(|directory| directory.join(Path::new(name)));
    places.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        unsupported(format!(
            "needed library {name}: expected it in an absolute directory of the run path of what needs it, found it in \
             none; what the process has loaded is not seen"
        ))
    })
}

fn unsupported(what: impl std::fmt::Display) -> Error {
    Error::new(Status::Unsupported, format!("isolated: {what}"))
}
