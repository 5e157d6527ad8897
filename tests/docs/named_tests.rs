//! Holds the documents that name tests to the tests. A document names them in a code span: a file from the root, a colon,
//! and the names, such as `tests/trust.rs: unsigned, modified`.

use super::{ROOT, code_spans, read};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const DOCUMENTS: [&str; 2] = ["docs/threat-model.md", "docs/compliance.md"];

#[test]
fn named_tests_exist() {
    for document in DOCUMENTS {
        let named = named(document);
        assert!(!named.is_empty(), "{document} names no tests");
        let missing: Vec<_> = named.iter().filter(|(file, test)| !tests_of(file).contains(test)).collect();
        assert!(missing.is_empty(), "{document} names tests that do not exist: {missing:#?}");
    }
}

#[test]
fn every_attack_stands_in_the_threat_model() {
    let named = named(DOCUMENTS[0]);
    let attacks: BTreeSet<_> = fs::read_dir(Path::new(ROOT).join("tests/attacks"))
        .unwrap()
        .map(|entry| format!("tests/attacks/{}", entry.unwrap().file_name().display()))
        .flat_map(|file| tests_of(&file).into_iter().map(move |test| (file.clone(), test)))
        .collect();
    assert!(attacks.len() > 100, "found {} attacks", attacks.len());
    let missing: Vec<_> = attacks.difference(&named).collect();
    assert!(missing.is_empty(), "{} does not name {missing:#?}", DOCUMENTS[0]);
}

/// The files and tests that a document names.
fn named(document: &str) -> BTreeSet<(String, String)> {
    code_spans(&read(document))
        .iter()
        .filter_map(|span| span.split_once(".rs: "))
        .flat_map(|(file, tests)| tests.split(", ").map(move |test| (format!("{file}.rs"), test.to_owned())))
        .collect()
}

/// The tests of a file, which has to exist.
fn tests_of(file: &str) -> BTreeSet<String> {
    let name = |after: &str| Some(after.split_once("fn ")?.1.split_once('(')?.0.to_owned());
    read(file).split("#[test]").skip(1).filter_map(name).collect()
}
