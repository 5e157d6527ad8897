//! The C interface as C programs meet it: `tests/c/` compiled with gcc and run plainly, under AddressSanitizer with
//! UndefinedBehaviorSanitizer, and under valgrind; and the example hosts of `c_examples/`.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers belong to the tests")]

#[path = "support/library.rs"]
mod library;
mod support;

use library::library_directory;
use parking_lot::Mutex;
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{ROOT, TempDir, Trust, fee, run, zoo};

/// Leaks, overruns and undefined behaviour in the C program and at its border with the library.
const SANITIZERS: [&str; 2] = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
/// Memory errors inside the library too, and every block that nobody can free any more.
const VALGRIND: [&str; 6] = [
    "valgrind",
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    "--errors-for-leak-kinds=definite",
    "--fair-sched=try",
];

/// Programs run one at a time: storms that compete for the processors take several times as long.
static ALONE: Mutex<()> = Mutex::new(());

/// Functions that take nothing that could be hostile, or whose hostile arguments stand in `handles.c`.
const TRIED_ELSEWHERE: [&str; 14] = [
    "sogov_bytes_free",
    "sogov_engine_free",
    "sogov_error_free",
    "sogov_error_message",
    "sogov_error_status",
    "sogov_key_free",
    "sogov_prepared_keys_limit",
    "sogov_recipient_free",
    "sogov_recipient_key_free",
    "sogov_service_free",
    "sogov_status_name",
    "sogov_verifier_free",
    "sogov_version_number",
    "sogov_version_text",
];

#[test]
fn the_abi_holds() {
    let output = abi_test(&[], &build_abi_test("plain", &[]), 10_000);
    let mut tried: Vec<&str> = output.lines().filter_map(|line| line.strip_prefix("function ")).collect();
    tried.extend(TRIED_ELSEWHERE);
    tried.sort_unstable();
    let exported: Vec<&str> = include_str!("exports.txt").lines().collect();
    assert_eq!(tried, exported, "the functions whose arguments are tried, and those that are exported");
}

#[test]
fn the_abi_holds_under_sanitizers() {
    abi_test(&[], &build_abi_test("sanitized", &SANITIZERS), 500);
}

#[test]
fn the_abi_holds_under_valgrind() {
    abi_test(&VALGRIND, &build_abi_test("valgrind", &[]), 20);
}

#[test]
fn the_payment_host_tells_its_story() {
    let host = build_examples("plain", "").join("payment_host");
    let release = Release::new();
    let output = run_under(&[], &host, &[release.path()]);
    for line in [
        "fee-tampered.so: SOGOV_STATUS_MODIFIED: ",
        "fee-unsigned.so: SOGOV_STATUS_UNSIGNED: ",
        "asked 20% on v2, found ",
        "0 of 50000 users changed their version",
        "1000 calls with x-env: gray: 1000 on v2",
        "v2 restored in ",
        "lost calls: 0",
        "v3 in ",
        "every count is as it must be",
    ] {
        assert!(output.contains(line), "expected {line:?} in\n{output}");
    }
}

#[test]
fn the_payment_host_is_clean_under_sanitizers_and_valgrind() {
    let release = Release::new();
    let sanitized = build_examples("sanitized", &SANITIZERS.join(" ")).join("payment_host");
    run_under(&[], &sanitized, &[release.path()]);
    let plain = build_examples("valgrind", "").join("payment_host");
    run_under(&VALGRIND, &plain, &[release.path()]);
}

#[test]
fn the_payment_host_fails_where_a_count_is_not_as_it_must_be() {
    let host = build_examples("failing", "").join("payment_host");
    let release = Release::new();
    // A "tampered" plugin that is whole is not refused.
    fs::copy(release.path().join("fee-v1.so"), release.path().join("fee-tampered.so")).unwrap();
    let output = Command::new(&host).arg(release.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("expected SOGOV_STATUS_MODIFIED"));
}

#[test]
fn third_party_libraries_are_governed() {
    let program = build_examples("third-party", "").join("third_party");
    let directory = TempDir::new();
    let output = run_under(&[], &program, &[directory.path()]);
    for line in ["zlib 1.", "crc32 cbf43926", "sqlite 3.", "the fees sum up to 1183", "DEVELOPMENT MODE"] {
        assert!(output.contains(line), "expected {line:?} in\n{output}");
    }
}

#[test]
fn the_shared_vectors_hold_in_c() {
    let program = compile("sm2_vectors", "tests/c/vectors", &SANITIZERS);
    for name in ["sm2_sign.json", "sm2_wycheproof.json"] {
        let vectors = fs::read_to_string(format!("{ROOT}/tests/vectors/{name}")).unwrap();
        let vectors: Value = serde_json::from_str(&vectors).unwrap();
        let text = |value: &Value| match value.as_str().unwrap() {
            "" => "-".to_owned(),
            text => text.to_owned(),
        };
        let (mut lines, mut count) = (String::new(), 0);
        let groups =
            vectors["testGroups"].as_array().unwrap().iter().filter(|group| group["user_id_hex"].is_string());
        for group in groups {
            for case in group["tests"].as_array().unwrap() {
                let fields = [&group["key"]["spki"], &group["user_id_hex"], &case["msg"], &case["sig"]];
                let fields: Vec<String> = fields.into_iter().map(text).collect();
                let (encoding, result) = (text(&case["encoding"]), text(&case["result"]));
                writeln!(lines, "{} {encoding} {result}", fields.join(" ")).unwrap();
                count += 1;
            }
        }
        assert!(count > 100);
        let directory = TempDir::new();
        let cases = directory.path().join("cases");
        fs::write(&cases, lines).unwrap();
        let output = run_under(&[], &program, &[&cases]);
        assert_eq!(output.trim_end(), format!("{count} cases hold"), "{name}");
    }
}

fn build_abi_test(name: &str, flags: &[&str]) -> PathBuf {
    compile(&format!("abi_test-{name}"), "tests/c", flags)
}

/// Compiles the C files of a folder and answers the program's path. Each test has its own, since tests run side by side.
fn compile(name: &str, folder: &str, flags: &[&str]) -> PathBuf {
    let (program, library) = (tmp(name), library_directory());
    let mut sources: Vec<PathBuf> =
        fs::read_dir(format!("{ROOT}/{folder}")).unwrap().map(|entry| entry.unwrap().path()).collect();
    sources.retain(|path| path.extension().is_some_and(|ending| ending == "c"));
    run(Command::new("gcc")
        .args([
            "-std=c11",
            "-O1",
            "-g",
            "-pthread",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Wconversion",
            "-Werror",
        ])
        .args(flags)
        .arg(format!("-I{ROOT}/include"))
        .args(sources)
        .arg(library.join(library::SONAME))
        .arg(format!("-Wl,-rpath,{}", library.display()))
        .arg("-o")
        .arg(&program));
    program
}

/// Builds the example hosts by their own Makefile and answers where they are.
fn build_examples(name: &str, flags: &str) -> PathBuf {
    let out = tmp(&format!("c_examples-{name}"));
    run(Command::new("make")
        .args(["-s", "-C", &format!("{ROOT}/c_examples")])
        .arg(format!("OUT={}", out.display()))
        .arg(format!("LIBDIR={}", library::library().parent().unwrap().display()))
        .arg(format!("CFLAGS={flags}")));
    out
}

fn abi_test(under: &[&str], program: &Path, cycles: u32) -> String {
    let directory = TempDir::new();
    let (plugins, zoo) = (fee("v1"), zoo("plain_v1"));
    let cycles = cycles.to_string();
    run_under(
        under,
        program,
        &[directory.path(), plugins.parent().unwrap(), zoo.parent().unwrap(), Path::new(&cycles)],
    )
}

/// Runs a program that has to succeed, perhaps inside of another one, and answers what it printed.
fn run_under(under: &[&str], program: &Path, arguments: &[&Path]) -> String {
    let _alone = ALONE.lock();
    let mut words = under.iter().map(Path::new).chain([program]).chain(arguments.iter().copied());
    let mut command = Command::new(words.next().unwrap());
    command.args(words).env("ASAN_OPTIONS", "detect_leaks=1").env("UBSAN_OPTIONS", "print_stacktrace=1");
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}; `make setup` installs what is missing"));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{stdout}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    stdout
}

fn tmp(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// What a release team hands to the payment host.
struct Release {
    trust: Trust,
    directory: TempDir,
}

impl Release {
    fn new() -> Self {
        let release = Self { trust: Trust::new(), directory: TempDir::new() };
        let to = |name: &str| release.path().join(name);
        for version in ["v1", "v2", "v3"] {
            fs::copy(release.trust.signed(&fee(version), "fee", version), to(&format!("fee-{version}.so")))
                .unwrap();
        }
        let mut tampered = fs::read(to("fee-v1.so")).unwrap();
        tampered[0x300] ^= 1;
        fs::write(to("fee-tampered.so"), tampered).unwrap();
        fs::copy(fee("v1"), to("fee-unsigned.so")).unwrap();
        fs::write(to("root.id"), format!("{}\n", release.trust.root_id())).unwrap();

        fs::create_dir_all(to("trust/keys")).unwrap();
        for file in ["trust.json", "trust.json.sogsig", "keys/release.pem", "keys/root.pem"] {
            fs::copy(release.trust.path().join(file), to("trust").join(file)).unwrap();
        }
        release
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}
