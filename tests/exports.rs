//! What the shared library shows to the dynamic linker: its name, its symbols, what it needs.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers belong to the tests")]
#![allow(clippy::print_stdout, reason = "a figure that people ask for")]

#[path = "support/library.rs"]
mod library;

use library::{SONAME, library};
use std::process::Command;

/// The symbols, one a line, sorted. A new function of the C interface is entered here by hand.
const EXPORTS: &str = include_str!("exports.txt");
const HEADER: &str = include_str!("../include/sogov.h");
/// The newest symbol version of glibc that may be needed: Debian 12 has 2.36, RHEL 9 has 2.34.
const NEWEST_GLIBC: (u32, u32) = (2, 34);

#[test]
fn exactly_the_listed_symbols_are_exported() {
    let found = output("nm", &["-D", "--defined-only", "--format=posix"]);
    let mut found: Vec<&str> = found.lines().filter_map(|line| line.split(' ').next()).collect();
    found.sort_unstable();
    let listed: Vec<&str> = EXPORTS.lines().collect();
    assert!(listed.is_sorted(), "tests/exports.txt: expected sorted lines");
    assert_eq!(found, listed, "the exports of libsogov.so and the lines of tests/exports.txt");
}

/// Code on vectors is compiled for the instructions of its level only where it is inlined into that level's entry. What is
/// not inlined works all the same, but each of its vector instructions becomes a call of a function.
#[test]
fn vector_instructions_are_no_calls() {
    let symbols = output("nm", &["-C"]);
    let called: Vec<&str> =
        symbols.lines().filter(|line| line.contains("core_arch::x86") && line.contains("::_mm")).collect();
    assert!(called.is_empty(), "intrinsics that were not inlined:\n{}", called.join("\n"));
}

#[test]
fn exactly_the_listed_symbols_are_declared_in_the_header() {
    let mut declared: Vec<&str> = HEADER
        .lines()
        .filter(|line| !line.starts_with([' ', '#', '/']) && !line.starts_with("typedef"))
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next())
        .collect();
    declared.sort_unstable();
    assert_eq!(declared, EXPORTS.lines().collect::<Vec<_>>(), "include/sogov.h and tests/exports.txt");
}

#[test]
fn the_dynamic_section_is_as_hosts_rely_on() {
    let dynamic = output("readelf", &["-dW"]);
    let values = |tag: &str| -> Vec<String> {
        let tag = format!("({tag})");
        dynamic
            .lines()
            .filter(|line| line.contains(&tag))
            .map(|line| line.rsplit(['[', ']']).nth(1).unwrap_or(line).to_owned())
            .collect()
    };
    assert_eq!(values("SONAME"), [SONAME]);
    let flags = dynamic.lines().find(|line| line.contains("(FLAGS_1)")).unwrap_or_default();
    assert!(flags.contains("NODELETE"), "expected NODELETE, found {flags:?}");
    let allowed = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"];
    for needed in values("NEEDED") {
        assert!(allowed.contains(&needed.as_str()), "NEEDED: expected one of {allowed:?}, found {needed}");
    }
    for refused in ["RPATH", "RUNPATH", "TEXTREL"] {
        assert_eq!(values(refused), [""; 0], "{refused}");
    }
}

#[test]
fn no_segment_is_writable_and_executable() {
    let segments = output("readelf", &["-lW"]);
    let stack = segments.lines().find(|line| line.contains("GNU_STACK")).expect("a GNU_STACK header");
    assert!(stack.contains("RW "), "expected a stack without execution, found {stack}");
    assert!(!segments.contains("RWE"), "{segments}");
}

#[test]
fn no_newer_glibc_is_needed_than_promised() {
    let undefined = output("nm", &["-D", "--undefined-only"]);
    let version = |line: &str| -> Option<(u32, u32)> {
        let mut parts = line.split_once("@GLIBC_")?.1.split('.').map(|part| part.parse().unwrap());
        Some((parts.next()?, parts.next()?))
    };
    let newest = undefined.lines().filter_map(|line| Some((version(line)?, line))).max().expect("glibc");
    println!("the newest symbol needed:{}", newest.1);
    assert!(newest.0 <= NEWEST_GLIBC, "expected at most {NEWEST_GLIBC:?}, found{}", newest.1);
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .env("LC_ALL", "C")
        .args(arguments)
        .arg(library())
        .output()
        .unwrap_or_else(|e| panic!("{program}: {e}; `make setup` installs what is missing"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
