//! The signature's section under the hands of an attacker: doubled, moved, taken out, or covering less than is loaded. A reader
//! that goes by the section's name alone would leave out of the digest what the dynamic linker maps.

use crate::support::elf_image::{Image, NAME, OFFSET, PT_LOAD, SIZE};
use crate::support::{Trust, fee, run};
use sogov::artifact::sigmeta::{DEFAULT_RESERVE, Found, Sigmeta, SignatureEntry, attach, find, prepare};
use sogov::artifact::statement::{self, Statement};
use sogov::crypto::key::Signer;
use sogov::crypto::sm2::UserId;
use sogov::crypto::sm3::tree;
use sogov::engine::{Engine, LoadOptions};
use sogov::error::Status;
use std::fs;
use std::path::Path;
use std::process::Command;

const PAGE: usize = 4096;

/// Loads the signed plugin after `spoil`, which gets the file and the index of `.sigmeta`.
fn spoiled(spoil: impl FnOnce(&mut Image, usize)) -> Result<(), Status> {
    let trust = Trust::new();
    let signed = trust.signed(&fee("v1"), "fee", "v1");
    let mut image = Image(fs::read(&signed).unwrap());
    let sigmeta = image.index(".sigmeta");
    spoil(&mut image, sigmeta);
    fs::write(&signed, &image.0).unwrap();
    loaded(&trust, &signed)
}

/// Loads the file; after a refusal nothing is loaded.
fn loaded(trust: &Trust, path: &Path) -> Result<(), Status> {
    let engine = Engine::open(trust.options()).unwrap();
    let loaded = engine.load_versioned("fee", "v1", path, &LoadOptions::default());
    assert_eq!(engine.report(None).unwrap().is_empty(), loaded.is_err());
    loaded.map(drop).map_err(|e| e.status())
}

/// The signed plugin after a tool of the binutils has rewritten it.
fn rewritten(tool: &str, arguments: &[&str]) -> Result<(), Status> {
    let trust = Trust::new();
    let signed = trust.signed(&fee("v1"), "fee", "v1");
    run(Command::new(tool).args(arguments).arg(&signed));
    loaded(&trust, &signed)
}

#[test]
fn the_file_that_the_attacks_change_is_good() {
    assert_eq!(spoiled(|_, _| ()), Ok(()));
}

#[test]
fn a_second_section() {
    let verdict = spoiled(|image, sigmeta| {
        let (comment, name) = (image.index(".comment"), image.field(sigmeta, NAME));
        image.set(comment, NAME, name);
    });
    assert_eq!(verdict, Err(Status::Ambiguous));
}

#[test]
fn a_section_over_the_code() {
    let verdict = spoiled(|image, sigmeta| {
        for field in [OFFSET, SIZE] {
            let value = image.field(image.index(".text"), field);
            image.set(sigmeta, field, value);
        }
    });
    assert_eq!(verdict, Err(Status::Modified));
}

/// Everything from the code on would be signature, and nothing but the header be covered.
#[test]
fn a_section_that_leaves_the_header_alone_covered() {
    let verdict = spoiled(|image, sigmeta| {
        let len = image.0.len() as u64;
        image.set(sigmeta, OFFSET, PAGE as u64);
        image.set(sigmeta, SIZE, len - PAGE as u64);
    });
    assert_eq!(verdict, Err(Status::Modified));
}

#[test]
fn a_loaded_segment_that_reaches_into_the_section() {
    let verdict = spoiled(|image, sigmeta| {
        let (load, end) = (image.program_header(PT_LOAD), image.field(sigmeta, OFFSET) + 1);
        image.set_u64(load + 32, end);
        image.set_u64(load + 40, end);
    });
    assert_eq!(verdict, Err(Status::Modified));
}

#[test]
fn bytes_behind_the_section() {
    assert_eq!(spoiled(|image, _| image.0.push(0)), Err(Status::Modified));
    assert_eq!(spoiled(|image, _| image.0.extend([0x90; PAGE])), Err(Status::Modified));
}

#[test]
fn bytes_in_the_padding_of_the_section() {
    assert_eq!(spoiled(|image, _| *image.0.last_mut().unwrap() = 1), Err(Status::Modified));
}

/// Between the contents of two sections nothing is mapped by name; the digest covers it all the same.
#[test]
fn code_in_a_gap_between_sections() {
    let verdict = spoiled(|image, _| {
        let text = image.index(".fini");
        let end = usize::try_from(image.field(text, OFFSET) + image.field(text, SIZE)).unwrap();
        assert_eq!(image.0[end..end + 16], [0; 16], "a gap");
        image.0[end..end + 16].fill(0x90);
    });
    assert_eq!(verdict, Err(Status::Modified));
}

/// The dynamic linker needs no section table: such a file would load, and has no signature.
#[test]
fn no_section_table() {
    let verdict = spoiled(|image, _| {
        image.set_u64(40, 0);
        image.0[60..64].fill(0);
    });
    assert_eq!(verdict, Err(Status::Unsigned));
}

/// Taken out whole, the signature is missing, which is another thing than a change.
#[test]
fn the_section_taken_out() {
    assert_eq!(rewritten("objcopy", &["--remove-section", ".sigmeta"]), Err(Status::Unsigned));
    assert_eq!(spoiled(|image, sigmeta| image.set(sigmeta, NAME, 0)), Err(Status::Unsigned));
}

#[test]
fn rewritten_by_strip() {
    assert_eq!(rewritten("strip", &["--strip-all"]), Err(Status::Modified));
}

#[test]
fn a_statement_that_covers_the_header_alone() {
    let attack = |covered: &[u8]| covered[..64].to_vec();
    assert_eq!(stated(attack), Err(Status::Modified));
}

#[test]
fn a_statement_that_covers_the_code_alone() {
    let attack = |covered: &[u8]| {
        let image = Image(covered.to_vec());
        let text = image.index(".text");
        let [from, len] = [OFFSET, SIZE].map(|field| usize::try_from(image.field(text, field)).unwrap());
        covered[from..from + len].to_vec()
    };
    assert_eq!(stated(attack), Err(Status::Modified));
}

/// The trusted signer itself states the digest of a part of the file.
fn stated(part: impl FnOnce(&[u8]) -> Vec<u8>) -> Result<(), Status> {
    let trust = Trust::new();
    let signed = trust.signed(&fee("v1"), "fee", "v1");
    let file = fs::read(&signed).unwrap();
    let Found::Embedded { covered, sigmeta } = find(&file).unwrap() else { panic!("it is signed") };
    let part = part(covered);
    let mut stated = Statement::from_der(&sigmeta.statement).unwrap();
    (stated.root, stated.covered_len) = (tree::root(&part), part.len() as u64);
    let prefix = prepare(&fs::read(fee("v1")).unwrap(), DEFAULT_RESERVE).unwrap();
    let statement = stated.to_der().unwrap();
    let (key_id, scheme) = (trust.key.public_key().key_id(), 1);
    let message = statement::signed_bytes(&statement, scheme, &key_id);
    let signature = Signer::sign(&trust.key, &UserId::default(), &message).unwrap();
    let entry = SignatureEntry { key_id, scheme, signature };
    let container = Sigmeta { statement, signatures: vec![entry] };
    fs::write(&signed, attach(prefix, DEFAULT_RESERVE, &container).unwrap()).unwrap();
    loaded(&trust, &signed)
}
