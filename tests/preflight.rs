//! Versions are tried in a child process before they enter the host. `tests/preflight/host.c` is the host: a C program
//! with nothing but `libsogov.so`, which looks whether it was touched.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "support/library.rs"]
mod library;
mod support;

use sogov::engine::{Change, Engine, EngineOptions, LoadOptions};
use sogov::error::Status;
use sogov::loader::preflight;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use support::{Lines, ROOT, TempDir, Trust, load, run, zoo};

/// What the preflight must say of each plugin: the stage and the end.
const ACCIDENTS: &[(&str, &str)] = &[
    ("constructor_faults", "dlopen and constructors: ended by SIGSEGV"),
    ("constructor_exits", "dlopen and constructors: exited with status 0 before its report was complete"),
    ("constructor_throws", "dlopen and constructors: ended by SIGABRT"),
    ("missing_symbol", "dlopen and constructors: undefined symbol: nobody_defines_this"),
    ("accident_execs", "dlopen and constructors: called execve, which a preflight forbids"),
    ("accident_writes_ok", "dlopen and constructors: something was written into the report"),
    ("accident_forks", "dlopen and constructors: called clone (a new process), which a preflight forbids"),
    (
        "accident_spawns",
        "dlopen and constructors: called what a preflight forbids (such as a new process), with SIGSYS blocked",
    ),
    ("accident_eats", "dlopen and constructors: expected at most 512 MiB of memory, found "),
    (
        "accident_signals_parent",
        "dlopen and constructors: called kill (another process), which a preflight forbids",
    ),
    (
        "accident_signals_group",
        "dlopen and constructors: called kill (another process), which a preflight forbids",
    ),
    ("accident_overflows", "dlopen and constructors: ended by SIGSEGV"),
    (
        "accident_blocks_signals",
        "dlopen and constructors: called what a preflight forbids (such as a new process), with SIGSYS blocked",
    ),
    ("start_fails", "start: plugin start: expected 0, found 7"),
    ("start_faults", "start: ended by SIGSEGV"),
    ("start_exits", "start: exited with status 0 before its report was complete"),
    ("health_fails", "health: plugin health: expected 0, found 1"),
    ("health_faults", "health: ended by SIGSEGV"),
    ("health_exits", "health: exited with status 0 before its report was complete"),
    ("stop_faults", "stop: ended by SIGSEGV"),
    ("stop_exits", "stop: exited with status 0 before its report was complete"),
];

/// The same for those that only the deadline ends.
const HANGING: &[(&str, &str)] = &[
    ("constructor_hangs", "dlopen and constructors: did not end within 1000 ms"),
    ("constructor_stops", "dlopen and constructors: did not end within 1000 ms, stopped by a signal"),
    ("accident_spins", "dlopen and constructors: did not end within 1000 ms"),
    ("start_hangs", "start: did not end within 1000 ms"),
    ("health_hangs", "health: did not end within 1000 ms"),
    ("stop_hangs", "stop: did not end within 1000 ms"),
];

#[test]
fn accidents_are_refused_and_the_host_is_untouched() {
    let output = host("plain", ACCIDENTS, HANGING);
    assert_says(&output, ACCIDENTS);
    assert_says(&output, HANGING);
}

#[test]
fn whatever_the_host_does_with_signals_threads_and_descriptors() {
    for mode in ["threads", "blocked", "ignored", "few-descriptors", "no-standard-descriptors"] {
        let output = host(mode, ACCIDENTS, &HANGING[1..2]);
        assert_says(&output, ACCIDENTS);
        assert_says(&output, &HANGING[1..2]);
    }
}

#[test]
fn what_the_kernel_lacks_is_said_and_the_filter_stands_in() {
    let output = host("no-landlock", &ACCIDENTS[..1], &[]);
    let line = output.lines().find(|line| line.starts_with("sandbox ")).unwrap();
    assert!(line.starts_with("sandbox SOGOV_STATUS_OK"), "{output}");
    assert!(output.contains("log zoo@sandbox: preflight: this kernel has no Landlock"), "{output}");
}

#[test]
fn the_sandbox_is_as_the_guide_says() {
    let (trust, lines) = (Trust::new(), Lines::default());
    let engine = Engine::open(EngineOptions { log: lines.log(), ..trust.options() }).unwrap();
    load(&engine, &trust, &zoo("sandbox"), "zoo", "v1");
    assert!(!lines.contain("preflight"), "nothing is missing of it: {:?}", lines.all());
}

#[test]
fn what_a_refused_plugin_logged_is_told_and_what_a_passed_one_logged_is_told_once() {
    let (trust, lines) = (Trust::new(), Lines::default());
    let engine = Engine::open(EngineOptions { log: lines.log(), ..trust.options() }).unwrap();
    let signed = trust.signed(&zoo("start_faults"), "zoo", "v1");
    let refused = engine.load_versioned("zoo", "v1", &signed, &LoadOptions::default()).unwrap_err();
    assert_eq!(refused.status(), Status::PreflightFailed);
    assert!(lines.contain("Info zoo@v1: preflight: about to start"), "{:?}", lines.all());
    load(&engine, &trust, &zoo("stop_fails"), "zoo", "v2");
    assert!(
        lines.contain(
            "Warning zoo@v2: preflight: plugin stop: expected 0, found 9: the version will stay mapped"
        ),
        "{:?}",
        lines.all()
    );
}

#[test]
fn without_a_helper_nothing_is_loaded_unless_the_preflight_is_off() {
    let trust = Trust::new();
    let signed = trust.signed(&zoo("plain_v1"), "zoo", "v1");
    let with = |preflight| EngineOptions { preflight, ..trust.options() };
    let load = |options| {
        Engine::open(options).unwrap().load_versioned("zoo", "v1", &signed, &LoadOptions::default())
    };
    let refused = load(with(preflight::Options::default())).unwrap_err();
    assert_eq!(refused.status(), Status::Unsupported, "{refused}");
    assert!(refused.message().contains("expected this code to be in libsogov.so"), "{refused}");

    // Files that are no helper.
    for (path, part) in [("/does/not/exist", "No such file"), ("/dev/null", "exited with status 127")] {
        let library = Some(PathBuf::from(path));
        let refused = load(with(preflight::Options { library, ..Default::default() })).unwrap_err();
        assert!(refused.message().contains(part), "{refused}");
    }

    let off = preflight::Options { policy: preflight::PreflightPolicy::Off, ..Default::default() };
    load(with(off)).unwrap();
}

#[test]
fn what_the_store_brings_back_is_tried_again() {
    let (trust, state, lines) = (Trust::new(), TempDir::new(), Lines::default());
    let options = |preflight| EngineOptions {
        state_directory: Some(state.path().join("state")),
        log: lines.log(),
        preflight,
        ..trust.options()
    };
    let first = Engine::open(options(trust.options().preflight)).unwrap();
    load(&first, &trust, &zoo("plain_v1"), "zoo", "v1");
    first.promote("zoo", "v1", &Change { wait_durable: true, ..Change::default() }).unwrap();
    first.close();
    // Over before the child is looked at. How far it comes until it is ended is the scheduler's.
    let mut hasty = trust.options().preflight;
    hasty.limits.deadline = std::time::Duration::from_micros(1);
    let second = Engine::open(options(hasty)).unwrap();
    assert!(second.report(Some("zoo")).unwrap().is_empty());
    assert!(lines.contain("preflight: ") && lines.contain("did not end within 0 ms"), "{:?}", lines.all());
}

#[test]
fn libraries_that_the_host_has_loaded_are_the_plugins_too() {
    let trust = Trust::new();
    let engine = Engine::open(trust.options()).unwrap();
    let signed = trust.signed(&zoo("needs_helper"), "zoo", "v1");
    let load = || engine.load_versioned("zoo", "v1", &signed, &LoadOptions::default());
    let refused = load().unwrap_err();
    assert!(refused.message().contains("libhelper.so"), "{refused}");
    // SAFETY: a library of the zoo without constructors.
    let helper = unsafe { libloading::Library::new(zoo("helper_v1/libhelper")) }.unwrap();
    load().unwrap();
    drop(helper);
}

#[test]
fn the_library_run_by_itself_says_what_it_is() {
    let loader = dynamic_loader();
    let output = Command::new(loader).arg(library::library()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), concat!("sogov ", env!("CARGO_PKG_VERSION"), "\n"));
    // Without a job in its descriptors a child does nothing.
    let child =
        Command::new(dynamic_loader()).arg(library::library()).arg("--sogov-preflight-child").output();
    assert_eq!(child.unwrap().status.code(), Some(2));
}

fn dynamic_loader() -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| line.contains("/ld-linux") || line.contains("/ld-2")).unwrap();
    PathBuf::from(&line[line.find('/').unwrap()..])
}

/// Runs the C host over these plugins, each signed; it fails if it was touched.
fn host(mode: &str, patient: &[(&str, &str)], hasty: &[(&str, &str)]) -> String {
    let trust = Trust::new();
    trust.signed(&zoo("plain_v1"), "zoo", "good");
    trust.signed(&zoo("sandbox"), "zoo", "sandbox");
    trust.signed(&zoo("plain_level1"), "calls", "v1");
    let mut names = Vec::new();
    for (mark, plugins) in [("", patient), ("~", hasty)] {
        for (plugin, _) in plugins {
            trust.signed(&zoo(plugin), "zoo", plugin);
            names.push(format!("{mark}{plugin}"));
        }
    }
    let output = Command::new(program())
        .arg(mode)
        .args([trust.path(), trust.path()])
        .args(names)
        .env("LD_PRELOAD", "libm.so.6")
        .output()
        .unwrap();
    let stdout = format!("mode {mode}\n{}", String::from_utf8(output.stdout).unwrap());
    assert!(output.status.success(), "{mode}: {}\n{}", stdout, String::from_utf8_lossy(&output.stderr));
    assert!(stdout.ends_with("untouched\n"), "{mode}: {stdout}");
    stdout
}

fn assert_says(output: &str, expected: &[(&str, &str)]) {
    for (plugin, says) in expected {
        let line = output.lines().find(|line| line.split(' ').next() == Some(plugin)).unwrap();
        let wanted = format!("{plugin} SOGOV_STATUS_PREFLIGHT_FAILED ");
        assert!(line.starts_with(&wanted), "{line}");
        assert!(line.contains(&format!(": preflight: {says}")), "expected {says:?} in: {output}");
    }
}

fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let (program, library) =
            (Path::new(env!("CARGO_TARGET_TMPDIR")).join("preflight-host"), library::library_directory());
        run(Command::new("gcc")
            .args(["-std=c11", "-O1", "-g", "-pthread", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
            .arg(format!("-I{ROOT}/include"))
            .arg(format!("{ROOT}/tests/preflight/host.c"))
            .arg(library.join(library::SONAME))
            .arg(format!("-Wl,-rpath,{}", library.display()))
            .arg("-o")
            .arg(&program));
        program
    })
}
