//! What the dynamic linker would rather load: libraries put in the way by the image's own entries, by the environment, by names.
//! Where the environment is the attack, the test starts itself in a process that has it.

use crate::host::Host;
use crate::support::{TempDir, Trust, run, zoo};
use sogov::artifact::elf::Elf;
use sogov::engine::{FileFacts, LoadOptions};
use sogov::error::Status;
use std::ffi::CString;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Names what the child process has to do.
const CHILD: &str = "SOGOV_TEST_SEARCH_PATH";

fn refused(plugin: &str) -> Status {
    let refused = Host::new().try_load(plugin).unwrap_err();
    refused.status()
}

#[test]
fn a_run_path_in_the_image() {
    assert_eq!(refused("rpath"), Status::ImageRejected);
    assert_eq!(refused("runpath"), Status::ImageRejected);
}

/// DT_NEEDED is covered like any other byte: the signed name of a library cannot become another's.
#[test]
fn a_needed_library_renamed_after_signing() {
    let host = Host::new();
    let signed = host.trust.signed(&zoo("needs_helper"), "zoo", "v1");
    let mut file = fs::read(&signed).unwrap();
    let places: Vec<usize> =
        file.windows(13).enumerate().filter(|(_, at)| at == b"libhelper.so\0").map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    for at in places {
        file[at..at + 12].copy_from_slice(b"libhostile.s");
    }
    fs::write(&signed, file).unwrap();
    let refused = host.engine.load_versioned("zoo", "v1", &signed, &LoadOptions::default()).unwrap_err();
    assert_eq!(refused.status(), Status::Modified, "{refused}");
}

/// Another library of the SONAME is in the process: the plugin would get that one's code.
#[test]
fn a_needed_library_that_is_another_one_in_the_process() {
    assert_eq!(in_child("another_version", &[]), "IMAGE_REJECTED");
}

#[test]
fn the_soname_of_a_system_library() {
    assert_eq!(refused("soname_system"), Status::ImageRejected);
    assert_eq!(refused("soname_slash"), Status::ImageRejected);
}

/// The library that the plugin needs is there already: a directory that comes first in the search is not looked into.
#[test]
fn ld_library_path_where_the_needed_library_is_loaded_already() {
    let hostile = helper("v2");
    assert_eq!(in_child("resident v1", &[("LD_LIBRARY_PATH", hostile.path().to_str().unwrap())]), "answer 1");
}

/// It is not there: the dynamic linker would look where the environment says, and does where the trust document allows it.
#[test]
fn ld_library_path_where_the_needed_library_is_not_loaded() {
    let hostile = helper("v2");
    let path = [("LD_LIBRARY_PATH", hostile.path().to_str().unwrap())];
    assert_eq!(in_child("plain", &path), "IMAGE_REJECTED");
    assert_eq!(in_child("allowed", &path), "answer 2");
    let of_a_processor = TempDir::new();
    let level = of_a_processor.path().join("glibc-hwcaps/x86-64-v2");
    fs::create_dir_all(&level).unwrap();
    fs::copy(zoo("helper_v2/libhelper"), level.join("libhelper.so")).unwrap();
    let path = [("LD_LIBRARY_PATH", of_a_processor.path().to_str().unwrap())];
    assert_eq!(in_child("plain", &path), "IMAGE_REJECTED");
}

/// The statement demands the library's digest: the genuine file is found behind the hostile one, and no other will do.
#[test]
fn ld_library_path_where_the_statement_demands_the_digest_of_the_needed_library() {
    let (hostile, genuine) = (helper("v2"), helper("v1"));
    let (hostile, genuine) = (hostile.path().to_str().unwrap(), genuine.path().to_str().unwrap());
    for path in [format!("{hostile}:{genuine}"), format!("{genuine}:{hostile}")] {
        assert_eq!(in_child("demanded", &[("LD_LIBRARY_PATH", &path)]), "answer 1");
    }
    assert_eq!(in_child("demanded", &[("LD_LIBRARY_PATH", hostile)]), "MODIFIED");
    assert_eq!(in_child("demanded", &[]), "LOAD_FAILED");
}

/// What the host has loaded under the name is what the plugin would get.
#[test]
fn a_demanded_library_of_which_the_process_has_another_one() {
    let genuine = helper("v1");
    let path = [("LD_LIBRARY_PATH", genuine.path().to_str().unwrap())];
    assert_eq!(in_child("demanded resident v1", &[]), "answer 1");
    assert_eq!(in_child("demanded resident v2", &path), "MODIFIED");
    assert_eq!(in_child("demanded twice", &path), "MODIFIED");
}

/// A directory with one of the two libraries of that name.
fn helper(version: &str) -> TempDir {
    let directory = TempDir::new();
    let library = zoo(&format!("helper_{version}/libhelper"));
    fs::copy(library, directory.path().join("libhelper.so")).unwrap();
    directory
}

/// A preloaded library that defines a function of the plugin stands before it in the search: the plugin would call it.
#[test]
fn ld_preload_with_a_symbol_of_the_plugin() {
    let hostile = zoo("host_symbol_other");
    assert_eq!(in_child("host_symbol", &[]), "answer 42");
    assert_eq!(in_child("host_symbol", &[("LD_PRELOAD", hostile.to_str().unwrap())]), "IMAGE_REJECTED");
}

/// An auditor may answer the dynamic linker with another file than the one that it was told to load.
#[test]
fn ld_audit_that_gives_another_file() {
    let directory = TempDir::new();
    let (source, auditor) = (directory.path().join("auditor.c"), directory.path().join("auditor.so"));
    let hostile = zoo("plain_v2");
    let text = format!(
        "#define _GNU_SOURCE\n#include <link.h>\n#include <string.h>\n\
         unsigned la_version(unsigned version) {{ return version; }}\n\
         char *la_objsearch(const char *name, uintptr_t *cookie, unsigned flag) {{\n\
         (void)cookie; (void)flag;\n\
         return strncmp(name, \"/proc/\", 6) == 0 ? \"{}\" : (char *)name; }}\n",
        hostile.display()
    );
    fs::write(&source, text).unwrap();
    run(Command::new("gcc").args(["-shared", "-fPIC", "-o"]).args([&auditor, &source]));
    assert_eq!(in_child("plain_v1", &[("LD_AUDIT", auditor.to_str().unwrap())]), "LOAD_FAILED");
}

/// Runs `a_child_that_loads` in a process of its own with this environment; what it says became of the plugin.
fn in_child(task: &str, environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    // Built before: the compilers shall not meet the environment.
    zoo("plain_v1");
    command.args(["--exact", "search_path::a_child_that_loads", "--nocapture"]).env(CHILD, task);
    let output = command.envs(environment.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let says = text.lines().find_map(|line| line.split_once("verdict: ")).map(|(_, says)| says.to_owned());
    says.unwrap_or_else(|| panic!("{}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// Does nothing unless another test has started it.
#[test]
fn a_child_that_loads() {
    let Ok(task) = std::env::var(CHILD) else { return };
    // What the preflight's process would meet is not asked, but where it meets the same.
    let host = if task.contains("demanded") { Host::new() } else { Host::without_preflight() };
    let allow = |what: &str| {
        let rule = format!(r#"{{"name":"zoo","allow":{{"{what}":true}}}}"#);
        host.trust.write(&Trust::document(&Trust::key_entry(&host.trust.key, ""), &rule));
    };
    let plugin = match task.as_str() {
        "another_version" => {
            allow("run_path");
            open(&zoo("helper_v1/libhelper"));
            "needs_helper_v2"
        }
        "host_symbol" | "plain_v1" => &task,
        _ => {
            let elf = fs::read(zoo("needs_helper")).unwrap();
            assert!(Elf::parse(&elf).unwrap().needed().contains(&"libhelper.so"));
            "needs_helper"
        }
    };
    if let Some((_, version)) = task.split_once("resident ") {
        open(&zoo(&format!("helper_{version}/libhelper")));
    }
    if task == "allowed" {
        allow("library_path");
    }
    let signed = |version: &str, library: &str| {
        let needed = if task.contains("demanded") { vec![zoo(library)] } else { vec![] };
        let facts =
            FileFacts { service: "zoo".into(), version: version.into(), needed, ..FileFacts::default() };
        host.trust.signed_with(&zoo(plugin), &facts)
    };
    if task == "demanded twice" {
        for version in ["v2", "v3"] {
            let signed = signed(version, "helper_v1/libhelper");
            host.engine.load_versioned("zoo", version, &signed, &LoadOptions::default()).unwrap();
        }
    }
    let signed =
        signed("v1", if task == "demanded twice" { "helper_v2/libhelper" } else { "helper_v1/libhelper" });
    let verdict = match host.engine.load_versioned("zoo", "v1", &signed, &LoadOptions::default()) {
        Ok(_) => {
            host.promote("v1");
            format!("answer {}", host.answer("answer", None))
        }
        Err(refused) => {
            assert!(host.engine.report(None).unwrap().iter().all(|version| version.label.as_str() != "v1"));
            eprintln!("{refused}");
            refused.status().name().to_owned()
        }
    };
    println!("verdict: {verdict}");
}

/// Loads a library as the host would.
fn open(path: &Path) {
    let path = CString::new(path.as_os_str().as_encoded_bytes()).unwrap();
    // SAFETY: a plain library without constructors; it stays loaded.
    assert!(!unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) }.is_null());
}
