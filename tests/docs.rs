//! Holds the documents to what they say: their programs run, and what they name exists.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "docs/named_tests.rs"]
mod named_tests;
mod support;

use sogov::engine::{Change, Engine};
use sogov::loader::Invocation;
use sogov::route::{Request, RoutePolicy};
use sogov::trust::{Advisories, Denylist, Roots, TrustDocument};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use support::{ROOT, TempDir, Trust, fee, load};

/// The documents that users and developers read.
const DOCUMENTS: [&str; 15] = [
    "README.md",
    "README.zh-CN.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "docs/audit.md",
    "docs/compliance.md",
    "docs/conventions.md",
    "docs/custody.md",
    "docs/install.md",
    "docs/packages.md",
    "docs/plugin-guide.md",
    "docs/sbom.md",
    "docs/threat-model.md",
    "docs/trust.md",
];

#[test]
fn the_c_example_of_the_readme_runs() {
    let place = Prepared::new();
    let source = place.write("quote.c", &only_block("README.md", "c"));
    let program = place.path("quote");
    support::run(
        gcc()
            .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&program)
            .arg(source)
            .arg(library()),
    );
    let printed =
        place.output(Command::new(program).env("LD_LIBRARY_PATH", loadable_library(place.trust.path())));
    assert_eq!(printed, "v1: fee=6.17 currency=CNY tariff=v1\n");
}

#[test]
fn the_cpp_example_of_the_readme_runs() {
    let place = Prepared::new();
    let source = place.write("quote.cpp", &only_block("README.md", "cpp"));
    let program = place.path("quote_cpp");
    support::run(
        Command::new("g++")
            .args(["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"])
            .args(["-I", &format!("{ROOT}/include"), "-o"])
            .arg(&program)
            .arg(source)
            .arg(library()),
    );
    let printed =
        place.output(Command::new(program).env("LD_LIBRARY_PATH", loadable_library(place.trust.path())));
    let expected = "v1: fee=6.17 currency=CNY tariff=v1\nv1: fee=0.10 currency=EUR tariff=v1\n\
                    SOGOV_STATUS_PLUGIN_FAILED: status 2\n";
    assert_eq!(printed, expected);
}

#[test]
fn the_python_example_of_the_readme_runs() {
    let place = Prepared::new();
    let source = place.write("gray.py", &only_block("README.md", "python"));
    let printed = place.output(
        Command::new("python3")
            .arg(source)
            .env("PYTHONPATH", format!("{ROOT}/python_bindings/src"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("SOGOV_LIBRARY", library()),
    );
    let lines: Vec<&str> = printed.lines().collect();
    let [split, rolled_back, refused, v1, v2] = lines.as_slice() else {
        panic!("five lines, found {printed}")
    };
    assert!(split.contains("'v1': ") && split.contains("'v2': "), "{split}");
    assert_eq!(*rolled_back, "rolled back: {'v1': 1000}");
    assert!(refused.contains(".sigmeta"), "{refused}");
    assert!(v1.starts_with("v1 STABLE ") && v2.starts_with("v2 RETIRED "), "{v1}, {v2}");
}

/// Every command of the README, in its order, with the example programs saved where the text says.
#[test]
fn the_steps_of_the_readme_run() {
    let steps: String = blocks("README.md")
        .into_iter()
        .map(|block| match block.language.as_str() {
            "sh" => block.text,
            "c" => here_document("quote.c", &block.text),
            "cpp" => here_document("quote.cpp", &block.text),
            "python" => here_document("gray.py", &block.text),
            "go" => here_document("refuse.go", &block.text),
            "java" => here_document("Update.java", &block.text),
            other => panic!("README.md: no step is written in {other:?}"),
        })
        .collect();
    let release = library().parent().unwrap().display().to_string();
    let place = TempDir::new();
    let printed = shell(&steps.replace("$repository/target/release", &release), ROOT, place.path());
    assert!(printed.contains("v1: fee=6.17 currency=CNY tariff=v1\n"), "{printed}");
    assert!(printed.contains("rolled back: {'v1': 1000}\n"), "{printed}");
    assert!(printed.contains("unsigned: true\nv1 by stable: fee=6.17 currency=CNY tariff=v1\n"), "{printed}");
    assert!(printed.contains("v2: fee=5.56 currency=CNY tariff=v2\nrefused: UNSIGNED\n"), "{printed}");
}

/// The programs and commands, which are run from the English one, the order of the parts, what is named, and links.
#[test]
fn the_readme_in_chinese_says_what_the_english_one_says() {
    let (english, chinese) = (read("README.md"), read("README.zh-CN.md"));
    assert_eq!(skeleton(&chinese), skeleton(&english));
    let named = |text: &str| code_spans(text).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(named(&chinese), named(&english));
    // The first leads to the other language.
    assert_eq!(links(&chinese).next(), Some("README.md"));
    assert_eq!(links(&english).next(), Some("README.zh-CN.md"));
    assert!(links(&chinese).skip(1).eq(links(&english).skip(1)), "the links differ");
}

/// Every file and command of the guide; then its plugins are loaded, called, and unmapped.
#[test]
fn the_plugins_of_the_guide_are_built_signed_called_and_unmapped() {
    let place = TempDir::new();
    let mut steps = String::new();
    for block in blocks("docs/plugin-guide.md") {
        match (block.language.as_str(), block.file_name()) {
            ("sh", _) => steps += &block.text,
            (_, Some(name)) => fs::write(place.path().join(name), &block.text).unwrap(),
            _ => panic!("docs/plugin-guide.md: a block of {:?} has no file name", block.language),
        }
    }
    let printed = shell(&steps, place.path(), place.path());
    assert!(printed.contains("hello, world") && printed.contains("2.000000"), "{printed}");

    let trust = Trust::new();
    let engine = Engine::open(trust.options()).unwrap();
    for (service, request, answer) in
        [("greet", "you", "hello, you"), ("median", "5 9 7", "7.000000"), ("rate", "", "")]
    {
        for version in ["v1", "v2"] {
            load(&engine, &trust, &place.path().join(format!("lib{service}.so")), service, version);
            engine.promote(service, version, &Change::default()).unwrap();
        }
        if !answer.is_empty() {
            assert_eq!(call(&engine, service, request), answer);
        }
        engine.unload(service, "v1", Duration::from_secs(30), &Change::default()).unwrap();
    }
    // That in Go serves like the others, and stays.
    load(&engine, &trust, &place.path().join("libupper.so"), "upper", "v1");
    engine.promote("upper", "v1", &Change::default()).unwrap();
    assert_eq!(call(&engine, "upper", "you"), "YOU");
}

#[test]
fn the_code_of_the_guide_compiles_without_a_warning() {
    let place = TempDir::new();
    for block in blocks("docs/plugin-guide.md") {
        let standard = match block.language.as_str() {
            // Go alone can write the header of what Go exports.
            "c" if block.text.contains("_cgo_export.h") => continue,
            "c" => "-std=c11",
            "cpp" => "-std=c++17",
            _ => continue,
        };
        let source = place.path().join(block.file_name().unwrap());
        fs::write(&source, &block.text).unwrap();
        support::run(
            gcc()
                .args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fPIC", "-fsyntax-only"])
                .arg(&source),
        );
    }
}

#[test]
fn the_policies_of_the_documents_are_valid() {
    let policies: Vec<Block> = DOCUMENTS
        .iter()
        .filter(|document| !["docs/audit.md", "docs/sbom.md"].contains(*document))
        .flat_map(|document| blocks(document))
        .filter(|block| block.language == "json")
        .collect();
    assert!(!policies.is_empty());
    for policy in policies {
        RoutePolicy::parse(policy.text.as_bytes(), "fee").unwrap_or_else(|e| panic!("{}: {e}", policy.text));
    }
}

#[test]
fn the_documents_about_components_are_valid() {
    let json: Vec<Block> =
        blocks("docs/sbom.md").into_iter().filter(|block| block.language == "json").collect();
    let [trust, advisories] = json.as_slice() else { panic!("{} documents", json.len()) };
    let rule = TrustDocument::parse(trust.text.as_bytes()).unwrap().rule_for("other").sbom;
    assert!(rule.required && rule.denied().len() == 3 && rule.advisories_max_age.is_some());
    assert_eq!(Advisories::parse(advisories.text.as_bytes()).unwrap().len(), 1);
}

#[test]
fn the_documents_of_trust_are_valid() {
    let mut kinds = Vec::new();
    for block in blocks("docs/trust.md") {
        let Some(name) = block.language.strip_prefix("json ") else { continue };
        let text = block.text.as_bytes();
        let read = match name {
            "trust.json" => TrustDocument::parse(text).map(drop),
            "denylist.json" => Denylist::parse(text).map(drop),
            "roots/2.json" => Roots::parse(text).map(|(set, _)| assert_eq!(set.number(), 2)),
            other => panic!("docs/trust.md: {other} is no document of trust"),
        };
        read.unwrap_or_else(|e| panic!("docs/trust.md: {name}: {e}"));
        kinds.push(name.to_owned());
    }
    assert_eq!(kinds, ["trust.json", "denylist.json", "roots/2.json"]);
}

#[test]
fn the_code_map_is_the_one_that_the_structure_test_holds() {
    let map: BTreeSet<String> = read("ARCHITECTURE.md")
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.strip_prefix("| `")?.trim_end_matches(" |").split(" | ").collect();
            let [module, _, may_use] = cells.as_slice() else { return None };
            Some(format!("{}: {}", module.trim_matches('`'), may_use.replace(['`', '–'], "")))
        })
        .collect();
    let structure = read("tests/structure.rs");
    let (_, after) = structure.split_once("const MAY_USE").unwrap();
    let (_, table) = after.split_once("&[\n").unwrap();
    let (table, _) = table.split_once("\n];").unwrap();
    let held: BTreeSet<String> = table
        .split("),")
        .map(|row| row.split('"').skip(1).step_by(2).collect::<Vec<_>>())
        .filter_map(|names| {
            names.split_first().map(|(name, may_use)| format!("{name}: {}", may_use.join(", ")))
        })
        .collect();
    assert_eq!(map, held);
}

#[test]
fn links_lead_somewhere() {
    for document in DOCUMENTS {
        let text = read(document);
        let anchors: BTreeSet<String> = text.lines().filter_map(anchor).collect();
        for target in links(&text) {
            match target.split_once('#') {
                _ if target.starts_with("https://") => {}
                Some(("", fragment)) => {
                    assert!(anchors.contains(fragment), "{document}: no heading for #{fragment}");
                }
                _ => {
                    let path = Path::new(ROOT).join(document).with_file_name(target);
                    assert!(path.exists(), "{document}: {target} does not exist");
                }
            }
        }
    }
}

#[test]
fn paths_exist() {
    const TOP: [&str; 13] = [
        "benches",
        "c_examples",
        "cli",
        "docs",
        "fuzz",
        "go_bindings",
        "include",
        "java_bindings",
        "packaging",
        "python_bindings",
        "src",
        "tests",
        "tools",
    ];
    for document in DOCUMENTS {
        for span in code_spans(&read(document)) {
            let first = span.split('/').next().unwrap_or_default();
            let plain = span.bytes().all(|c| c.is_ascii_alphanumeric() || b"./_-".contains(&c));
            let is_document = Path::new(&span).extension().is_some_and(|ending| ending == "md");
            if plain && (is_document || (span.contains('/') && TOP.contains(&first))) {
                assert!(Path::new(ROOT).join(&span).exists(), "{document}: {span} does not exist");
            }
        }
    }
}

#[test]
fn make_targets_exist() {
    let makefile = read("Makefile");
    let targets: BTreeSet<&str> = makefile
        .lines()
        .filter_map(|line| line.split_once(':'))
        .flat_map(|(names, _)| names.split(' '))
        .collect();
    for document in DOCUMENTS {
        for span in code_spans(&read(document)) {
            let Some(target) = span.strip_prefix("make ") else { continue };
            assert!(targets.contains(target), "{document}: the Makefile has no target {target:?}");
        }
    }
}

#[test]
fn names_of_the_interface_exist() {
    let files = [
        "include/sogov.h",
        "include/sogov_plugin.h",
        "Makefile",
        "packaging/sogov-config.cmake.in",
        "go_bindings/doc.go",
    ];
    let known = files.map(read).concat();
    let known: BTreeSet<&str> = words(&known).collect();
    for document in DOCUMENTS {
        let text = read(document);
        for name in words(&text).filter(|word| word.starts_with("sogov_") || word.starts_with("SOGOV_")) {
            assert!(known.contains(name), "{document}: {name} is in no header");
        }
    }
}

/// A directory as the README's steps leave it: `trust`, signed copies of the plugin "fee", and an unsigned one.
struct Prepared {
    trust: Trust,
}

impl Prepared {
    fn new() -> Self {
        let place = Self { trust: Trust::new() };
        for version in ["v1", "v2"] {
            let signed = place.trust.signed(&fee(version), "fee", version);
            assert_eq!(signed, place.path(&format!("fee-{version}.so")));
        }
        fs::copy(fee("v1"), place.path("libfee_v1.so")).unwrap();
        // The programs look for `trust` where they run; here that is the same directory.
        std::os::unix::fs::symlink(".", place.path("trust")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.trust.path().join(name)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs the program here, with the root key's id as its argument, and returns what it printed.
    fn output(&self, program: &mut Command) -> String {
        output(program.arg(self.trust.root_id().to_string()).current_dir(self.trust.path()))
    }
}

/// A fenced block of a document.
struct Block {
    language: String,
    text: String,
}

impl Block {
    /// The name that the comment in the first line begins with.
    fn file_name(&self) -> Option<&str> {
        let first = self.text.lines().next()?;
        first.strip_prefix("/* ").or_else(|| first.strip_prefix("// "))?.split(' ').next()
    }
}

fn blocks(document: &str) -> Vec<Block> {
    let text = read(document);
    let parts = text.split("\n```").skip(1).step_by(2);
    let block = |part: &str| {
        let (language, text) = part.split_once('\n')?;
        Some(Block { language: language.to_owned(), text: format!("{text}\n") })
    };
    parts.filter_map(block).collect()
}

fn only_block(document: &str, language: &str) -> String {
    let mut found = blocks(document).into_iter().filter(|block| block.language == language);
    let block = found.next().unwrap_or_else(|| panic!("{document} has no block of {language}"));
    assert!(found.next().is_none(), "{document} has several blocks of {language}");
    block.text
}

/// Of a document in any language: its code, the levels of its headings, and a mark for each row and item.
fn skeleton(text: &str) -> Vec<&str> {
    let mut is_code = false;
    text.lines()
        .filter_map(|line| {
            let fence = line.starts_with("```");
            is_code ^= fence;
            match line.split(' ').next() {
                _ if is_code || fence => Some(line),
                Some(mark @ ("#" | "##" | "###" | "|" | "-")) => Some(mark),
                _ => None,
            }
        })
        .collect()
}

/// What stands in single backticks outside of fenced blocks.
fn code_spans(text: &str) -> Vec<String> {
    let prose: String = text.split("\n```").step_by(2).collect::<Vec<_>>().join("\n");
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

/// The anchor of a heading.
fn anchor(line: &str) -> Option<String> {
    let title = line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))?;
    Some(title.to_lowercase().replace(' ', "-").replace([',', '.', ':', '`'], ""))
}

fn here_document(name: &str, text: &str) -> String {
    format!("cat > {name} <<'END OF FILE'\n{text}END OF FILE\n")
}

/// Runs the steps with the programs of this build first on the path, and returns what they printed.
fn shell(steps: &str, directory: impl AsRef<Path>, temporary: &Path) -> String {
    let release = library().parent().unwrap().display().to_string();
    let program = Path::new(&release).join("sogov");
    assert!(program.exists(), "{} is missing: `make build` makes it", program.display());
    loadable_library(Path::new(&release));
    let path = format!("{release}:{}", std::env::var("PATH").unwrap());
    output(
        Command::new("sh")
            .args(["-euc", steps])
            .current_dir(directory)
            .env("PATH", path)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("TMPDIR", temporary)
            .env("sogov", ROOT),
    )
}

fn output(command: &mut Command) -> String {
    let done = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}; `make setup` installs what is missing"));
    let (printed, complaints) = (
        String::from_utf8_lossy(&done.stdout).into_owned(),
        String::from_utf8_lossy(&done.stderr).into_owned(),
    );
    assert!(done.status.success(), "{}\n{printed}{complaints}", done.status);
    printed
}

fn call(engine: &Engine, service: &str, request: &str) -> String {
    let mut answer = Vec::new();
    let mut invocation =
        Invocation { request: request.as_bytes(), answer: &mut answer, limit: 4096, code: 0 };
    engine.service(service).unwrap().call(&Request::default(), &mut invocation, &mut None).unwrap();
    String::from_utf8(answer).unwrap()
}

fn gcc() -> Command {
    let mut gcc = Command::new("gcc");
    gcc.args(["-I", &format!("{ROOT}/include")]);
    gcc
}

/// The library for other languages.
fn library() -> PathBuf {
    let release = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("release");
    let library = release.join("libsogov.so");
    assert!(library.exists(), "{} is missing: `make build` makes it", library.display());
    library
}

/// Makes the library loadable by its SONAME from `directory`, and returns that.
fn loadable_library(directory: &Path) -> &Path {
    let name = directory.join("libsogov.so.0");
    if !name.exists() {
        // Another test may have been quicker.
        let _ = std::os::unix::fs::symlink(library(), &name);
    }
    directory
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}
