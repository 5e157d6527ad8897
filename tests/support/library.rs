//! The shared library of this test run.

#![allow(dead_code, reason = "each test target uses its own part")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What the dynamic linker looks for.
pub const SONAME: &str = "libsogov.so.0";

/// The path of `libsogov.so`. Cargo makes all crate types of a package in one go and puts the shared library beside
/// the test programs, so it is as new as the rlib that they are linked with.
pub fn library() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let path = program.parent().unwrap().join("libsogov.so");
    assert!(path.is_file(), "{}: expected the shared library there; `cargo build` makes it", path.display());
    path
}

/// A directory where the library bears its SONAME: C programs are linked and run against it.
pub fn library_directory() -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(link_library).clone()
}

fn link_library() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("library");
    fs::create_dir_all(&directory).unwrap();
    // Made aside and renamed: tests of several processes may be here at once.
    let fresh = directory.join(format!("{SONAME}.{}", std::process::id()));
    let _ = fs::remove_file(&fresh);
    symlink(library(), &fresh).unwrap();
    fs::rename(fresh, directory.join(SONAME)).unwrap();
    directory
}
