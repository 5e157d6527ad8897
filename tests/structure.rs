//! Holds the house together: which module may use which, and where `unsafe` may stand.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `src/` with those that each may use; `error` and `sync` are open to all. See ARCHITECTURE.md.
const MAY_USE: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("sync", &[]),
    ("label", &[]),
    ("timestamp", &[]),
    ("telemetry", &[]),
    ("document", &[]),
    ("sys", &[]),
    ("crypto", &[]),
    ("custody", &["crypto", "sys"]),
    ("verifier", &["crypto", "sys"]),
    ("journal", &["crypto", "document", "sys", "timestamp"]),
    ("artifact", &["crypto", "document"]),
    ("trust", &["artifact", "crypto", "document", "sys", "timestamp"]),
    ("loader", &["artifact", "sys", "trust"]),
    ("route", &["crypto", "document"]),
    ("runtime", &["crypto", "label", "loader", "route", "sys"]),
    ("store", &["artifact", "crypto", "document", "label", "runtime", "sys", "trust"]),
    (
        "engine",
        &[
            "artifact",
            "crypto",
            "journal",
            "label",
            "loader",
            "route",
            "runtime",
            "store",
            "sys",
            "telemetry",
            "timestamp",
            "trust",
        ],
    ),
    (
        "capi",
        &[
            "crypto",
            "custody",
            "engine",
            "journal",
            "label",
            "loader",
            "route",
            "runtime",
            "sys",
            "telemetry",
            "verifier",
        ],
    ),
];

/// The rooms in which `unsafe` may stand; every other file forbids it.
const UNSAFE_ROOMS: &[&str] = &["sys", "loader", "capi"];

/// The kernels of `crypto`, what calls the libraries of tokens and devices, and the pointers of `runtime`, file by file; the modules that they stand in deny `unsafe` and
/// use none.
const UNSAFE_FILES: &[&str] = &[
    "crypto/prefetch.rs",
    "crypto/secret/valgrind.rs",
    "crypto/sm2/field/adx.rs",
    "crypto/sm2/lanes/ifma.rs",
    "crypto/sm3/compress/avx2.rs",
    "crypto/sm3/lanes/kernel/x86_64.rs",
    "crypto/sm3/vector/avx2.rs",
    "crypto/sm3/vector/avx512.rs",
    "custody/library.rs",
    "custody/pkcs11/module.rs",
    "custody/sdf/device.rs",
    "runtime/held.rs",
    "runtime/published.rs",
];

#[test]
fn every_use_goes_the_permitted_way() {
    let permitted: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let module = room(&path);
        if module == "lib" {
            continue;
        }
        let Some(may_use) = permitted.get(module.as_str()) else {
            panic!("{}: the module {module} is not in this test's table", path.display());
        };
        for used in crate_paths(&text) {
            if used != module && used != "error" && used != "sync" && !may_use.contains(&used.as_str()) {
                wrong.push(format!("{} uses crate::{used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_stands_in_its_rooms_only() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let module = room(&path);
        let kernel = UNSAFE_FILES.iter().any(|kernel| path.ends_with(kernel));
        let forbids = text.contains("#![forbid(unsafe_code)]")
            || text.contains("#![deny(unsafe_code)]") && !text.contains("allow(unsafe_code)");
        let inherits = module == "lib" || ancestors_forbid(&path);
        if !UNSAFE_ROOMS.contains(&module.as_str()) && !kernel && !forbids && !inherits {
            wrong.push(format!("{}: lacks #![forbid(unsafe_code)]", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_has_one_subject() {
    const LINES: usize = 600;
    let long: Vec<_> = sources()
        .into_iter()
        .map(|(path, text)| (text.lines().count(), path))
        .filter(|(lines, _)| *lines > LINES)
        .map(|(lines, path)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// The module below `src/` that a file belongs to.
fn room(path: &Path) -> String {
    let below = path.strip_prefix(source_root()).unwrap();
    let first = below.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// Whether a module that contains this one forbids `unsafe` for all that is in it.
fn ancestors_forbid(path: &Path) -> bool {
    let mut directory = path.parent();
    while let Some(current) = directory.filter(|d| *d != source_root()) {
        let parent_module = current.with_extension("rs");
        if fs::read_to_string(parent_module).is_ok_and(|text| text.contains("#![forbid(unsafe_code)]")) {
            return true;
        }
        directory = current.parent();
    }
    false
}

/// The first segments of every `crate::…` path outside of comments.
fn crate_paths(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect())
        .filter(|segment: &String| !segment.is_empty())
        .collect()
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut directories = vec![source_root()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    files
}

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
