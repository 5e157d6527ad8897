//! Makes the C header in `OUT_DIR` (`tests/header.rs` compares it with `include/sogov.h`, `make header` copies it
//! there) and names the shared library.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["src", "cbindgen.toml", "build.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    // Without nodelete, dlclose of the library would leave its threads and thread-local destructors without code.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libsogov.so.0,-z,nodelete");
    // Makes the library runnable by the dynamic loader: it is its own helper (src/loader/preflight/entry.rs).
    println!("cargo::rustc-cdylib-link-arg=-Wl,-e,sogov_helper_entry");
    let header = PathBuf::from(env::var("OUT_DIR")?).join("sogov.h");
    fs::write(header, make_header()?)?;
    Ok(())
}

fn make_header() -> Result<String, Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    for part in ["MAJOR", "MINOR", "PATCH"] {
        let number = env::var(format!("CARGO_PKG_VERSION_{part}"))?;
        let includes = config.after_includes.get_or_insert_default();
        *includes = includes.replace(&format!("@{part}@"), &number);
    }
    let mut header = Vec::new();
    cbindgen::Builder::new().with_crate(&root).with_config(config).generate()?.write(&mut header);
    Ok(without_safety_sections(&String::from_utf8(header)?))
}

/// Rust's `# Safety` sections say to a Rust reader what the header's head says to a C reader.
fn without_safety_sections(header: &str) -> String {
    let mut kept = Vec::new();
    let mut skipping = false;
    for line in header.lines() {
        if line.trim_start() == "* # Safety" {
            skipping = true;
            if kept.last().is_some_and(|last: &&str| last.trim() == "*") {
                kept.pop();
            }
        }
        if line.trim_start().starts_with("*/") {
            skipping = false;
        }
        if !skipping {
            kept.push(line);
        }
    }
    kept.join("\n") + "\n"
}
