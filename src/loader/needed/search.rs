//! Where the dynamic linker looks for a library.

#![forbid(unsafe_code)]

use crate::loader::link_map;
use crate::loader::soname::SYSTEM_DIRECTORIES;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of this name in the order of the search, regular ones alone: to open some others has effects. The cache of the
/// linker is not read; the directories that it is made from are.
pub(super) fn files(name: &str) -> impl Iterator<Item = PathBuf> + use<> {
    let system = SYSTEM_DIRECTORIES.iter().map(PathBuf::from);
    let directories: Vec<_> =
        link_map::search_directories().into_iter().chain(configured()).chain(system).collect();
    let name = name.to_owned();
    directories.into_iter().map(move |directory| directory.join(&name)).filter(|path| path.is_file())
}

/// The directories that stand in the search for this process alone: those of `LD_LIBRARY_PATH` as it was when the process
/// began, and of a run path of the program.
pub(super) fn directories_of_the_environment() -> Vec<PathBuf> {
    let is_of_the_system = |directory: &Path| {
        let is = |known: &Path| {
            known == directory || fs::canonicalize(known).is_ok_and(|known| known == directory)
        };
        SYSTEM_DIRECTORIES.iter().map(Path::new).any(is)
    };
    let of_the_system = |directory: &PathBuf| {
        is_of_the_system(directory)
            || fs::canonicalize(directory).is_ok_and(|directory| is_of_the_system(&directory))
    };
    link_map::search_directories().into_iter().filter(|directory| !of_the_system(directory)).collect()
}

/// The file of this name that the linker would find in `directory`, or in the parts of it that are for some processors.
pub(super) fn within(directory: &Path, name: &str) -> Option<PathBuf> {
    /// Directories of processors, of which those before glibc 2.37 may stand in each other.
    const OF_PROCESSORS: [&str; 5] = ["tls", "x86_64", "haswell", "avx512_1", "xeon_phi"];
    fn search(directory: &Path, name: &str, depth: usize) -> Option<PathBuf> {
        let here = directory.join(name);
        if here.exists() {
            return Some(here);
        }
        if depth == 0 {
            return None;
        }
        OF_PROCESSORS.iter().find_map(|part| search(&directory.join(part), name, depth - 1))
    }
    let of_levels = fs::read_dir(directory.join("glibc-hwcaps")).into_iter().flatten().flatten();
    search(directory, name, 3)
        .or_else(|| of_levels.map(|level| level.path().join(name)).find(|path| path.exists()))
}

/// What the linker's cache is made from.
fn configured() -> Vec<PathBuf> {
    let parts = fs::read_dir("/etc/ld.so.conf.d").into_iter().flatten().flatten().map(|part| part.path());
    let texts = parts.chain(["/etc/ld.so.conf".into()]).filter_map(|path| fs::read_to_string(path).ok());
    let directories = |text: String| {
        text.lines().filter(|line| line.starts_with('/')).map(|line| line.trim().into()).collect::<Vec<_>>()
    };
    texts.flat_map(directories).collect()
}
