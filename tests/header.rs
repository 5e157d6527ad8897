//! The headers as compilers and readers meet them.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers belong to the tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const HEADER: &str = include_str!("../include/sogov.h");
/// What build.rs made of the sources as they are now.
const GENERATED: &str = include_str!(concat!(env!("OUT_DIR"), "/sogov.h"));

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];
const C_STANDARDS: [&str; 3] = ["-std=c99", "-std=c11", "-std=c17"];
const CXX_STANDARDS: [&str; 3] = ["-std=c++11", "-std=c++17", "-std=c++20"];

/// Both headers, each twice, and every macro.
const PROGRAM: &str = r#"
#include "sogov.h"
#include "sogov.h"
#include "sogov_plugin.h"
#include "sogov_plugin.h"

static int text_is(const char *text, size_t len) { return text[0] == 'f' && len == 3; }

int main(void)
{
    sogov_bytes bytes = SOGOV_BYTES_INIT;
    sogov_version_info version = SOGOV_VERSION_INFO_INIT;
    sogov_call_info call = SOGOV_CALL_INFO_INIT;
    sogov_process_info process = SOGOV_PROCESS_INFO_INIT;
    sogov_trust_info trust = SOGOV_TRUST_INFO_INIT;
    const char number[] = SOGOV_VERSION_TEXT;
    struct sogov_plugin plugin;
    plugin.abi = SOGOV_PLUGIN_ABI;
    plugin.flags = SOGOV_PLUGIN_STOPS_CLEAN;
    return !(text_is(SOGOV_TEXT("fee")) && bytes.data == NULL && bytes.len == 0 && bytes.capacity == 0 &&
             version.size == sizeof version && version.pin_reason[SOGOV_REASON_SIZE - 1] == 0 &&
             process.size == sizeof process && trust.size == sizeof trust && call.size == sizeof call && call.version[SOGOV_LABEL_SIZE - 1] == 0 &&
             call.reason == SOGOV_ROUTE_REASON_NONE && version.standing == SOGOV_STANDING_LOADED &&
             number[0] == '0' + SOGOV_VERSION_MAJOR && SOGOV_VERSION_NUMBER >= SOGOV_VERSION_MINOR * 1000 &&
             plugin.abi == 1 && plugin.flags == 1 && SOGOV_PLUGIN_OK == 0 && SOGOV_PLUGIN_FAILED == 1);
}
"#;

#[test]
fn the_committed_header_is_the_generated_one() {
    assert!(
        HEADER == GENERATED,
        "include/sogov.h is not what the sources say: run `make header` and commit it"
    );
}

#[test]
fn every_type_has_the_prefix() {
    let is_strange = |line: &&str| !line.contains("sogov_");
    let types = ["typedef ", "struct ", "enum ", "union "];
    let strangers: Vec<&str> = HEADER
        .lines()
        .filter(|line| types.iter().any(|word| line.starts_with(word)))
        .filter(is_strange)
        .collect();
    assert_eq!(strangers, [""; 0]);
}

#[test]
fn the_headers_compile_as_c() {
    for compiler in ["gcc", "clang"].into_iter().filter(|compiler| is_installed(compiler)) {
        for standard in C_STANDARDS {
            let flags = ["-x", "c", standard, "-Wconversion", "-Wstrict-prototypes"];
            compile_and_run(compiler, &flags, "");
            compile(compiler, &flags, r#"#include "sogov.h""#);
            compile(compiler, &flags, r#"#include "sogov_plugin.h""#);
        }
    }
}

#[test]
fn the_headers_compile_as_cxx() {
    for compiler in ["g++", "clang++"].into_iter().filter(|compiler| is_installed(compiler)) {
        for standard in CXX_STANDARDS {
            let flags = ["-x", "c++", standard];
            compile_and_run(compiler, &flags, "cxx");
            compile(compiler, &flags, r#"#include "sogov.h""#);
            compile(compiler, &flags, r#"#include "sogov_plugin.h""#);
        }
    }
}

#[test]
fn the_compilers_that_the_tests_need_are_there() {
    for compiler in ["gcc", "g++"] {
        assert!(is_installed(compiler), "{compiler} is missing; `make setup` installs it");
    }
}

/// Every function says what it does, names each parameter but `error` and lengths, and says what it returns.
#[test]
fn every_function_is_documented() {
    let functions: Vec<Function> = HEADER.split("/**").skip(1).filter_map(Function::parse).collect();
    assert!(functions.len() > 30, "found {} functions", functions.len());
    for Function { name, comment, parameters, returns } in functions {
        let lines = || comment.lines().map(|line| line.trim_start_matches([' ', '*']));
        assert!(lines().any(|line| !line.is_empty() && !line.starts_with('@')), "{name}: says nothing");
        let documented: Vec<&str> = lines()
            .filter_map(|line| line.strip_prefix("@param "))
            .flat_map(|line| {
                // "@param service, version what is promoted" names two.
                let mut words = line.split(' ');
                let mut names = Vec::new();
                for word in words.by_ref() {
                    names.push(word.trim_end_matches(','));
                    if !word.ends_with(',') {
                        break;
                    }
                }
                assert!(words.next().is_some(), "{name}: {line:?} says nothing");
                names
            })
            .collect();
        for parameter in &documented {
            assert!(parameters.contains(parameter), "{name}: has no parameter {parameter}");
        }
        for parameter in parameters {
            // What holds for every function is said once, at the head of the header.
            let is_common = parameter == "error" || parameter.ends_with("_len");
            assert!(is_common || documented.contains(&parameter), "{name}: {parameter} is not documented");
        }
        assert_eq!(returns, lines().any(|line| line.starts_with("@return ")), "{name}: @return");
    }
}

/// A function of the header with its comment.
struct Function<'a> {
    name: &'a str,
    comment: &'a str,
    parameters: Vec<&'a str>,
    returns: bool,
}

impl<'a> Function<'a> {
    /// From what follows the beginning of a comment; `None` where no function follows the comment.
    fn parse(text: &'a str) -> Option<Self> {
        let (comment, rest) = text.split_once("*/")?;
        let declaration = rest.split_once(';')?.0.trim_start();
        if declaration.contains('{') || declaration.starts_with("typedef") {
            return None;
        }
        let (head, parameters) = declaration.strip_suffix(')')?.split_once('(')?;
        let name = head.rsplit([' ', '*']).next()?;
        let parameters = parameters
            .split(',')
            .filter_map(|parameter| parameter.trim().rsplit([' ', '*']).next())
            .filter(|parameter| *parameter != "void")
            .collect();
        Some(Self { name, comment, parameters, returns: head != format!("void {name}") })
    }
}

fn is_installed(compiler: &str) -> bool {
    let asked = Command::new(compiler).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

fn compile(compiler: &str, flags: &[&str], source: &str) {
    let path = source_file(source);
    succeed(base(compiler, flags).arg("-fsyntax-only").arg(&path));
    fs::remove_file(path).unwrap();
}

fn compile_and_run(compiler: &str, flags: &[&str], kind: &str) {
    let path = source_file(PROGRAM);
    let program = path.with_extension(format!("{kind}program"));
    succeed(base(compiler, flags).arg(&path).arg("-o").arg(&program));
    succeed(&mut Command::new(&program));
    for file in [path, program] {
        fs::remove_file(file).unwrap();
    }
}

fn base(compiler: &str, flags: &[&str]) -> Command {
    let mut command = Command::new(compiler);
    command.args(flags).args(WARNINGS).arg(format!("-I{ROOT}/include"));
    command
}

fn source_file(source: &str) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("header-{}-{number}.source", std::process::id()));
    fs::write(&path, format!("{source}\n")).unwrap();
    path
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
