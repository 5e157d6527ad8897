//! C sources, compiled when the bench starts and called through function pointers.

use libloading::Library;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const OPTIONS: [&str; 9] =
    ["-std=c11", "-O2", "-g", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror", "-fvisibility=default"];

/// Compiles `benches/<source>` with further options to `<name>.so` and answers where that is.
pub fn compile<S: AsRef<OsStr>>(source: &str, name: &str, more: impl IntoIterator<Item = S>) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.so"));
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(compiler);
    command.args(OPTIONS).arg(format!("-I{ROOT}/include")).arg("-o").arg(&target);
    command.arg(format!("{ROOT}/benches/{source}")).args(more);
    let status = command
        .status()
        .unwrap_or_else(|e| panic!("{command:?}: {e}; `make setup` installs what is missing"));
    assert!(status.success(), "{command:?}: {status}");
    target
}

/// The library under test, as Cargo built it for this bench.
pub fn libsogov() -> PathBuf {
    std::env::current_exe().unwrap().with_file_name("libsogov.so")
}

/// Loads a library for the rest of the process.
pub fn load(path: &Path) -> &'static Library {
    // SAFETY: the library is this repository's own; its constructors only set up its allocator and its runtime.
    let library = unsafe { Library::new(path) }.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Box::leak(Box::new(library))
}

/// A function of a library.
///
/// # Safety
/// `F` is the function's type as the C source has it.
pub unsafe fn function<F: Copy>(library: &Library, name: &str) -> F {
    // SAFETY: the caller's promise.
    *unsafe { library.get::<F>(name.as_bytes()) }.unwrap_or_else(|e| panic!("{name}: {e}"))
}
