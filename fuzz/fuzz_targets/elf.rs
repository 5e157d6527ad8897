//! Plugin files: whatever passes the checks can be asked about everything, and signed without a change of what it says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sogov::artifact::elf::hazards::unload_hazards;
use sogov::artifact::elf::policy::{LoadAllowances, loadable};
use sogov::artifact::elf::{Elf, Export};
use sogov::artifact::sbom::Sbom;
use sogov::artifact::sigmeta::{self, Found, Sigmeta, SignatureEntry};
use sogov::crypto::key_id::KeyId;

const RESERVE: usize = 4096;

fuzz_target!(|data: &[u8]| {
    let found = sigmeta::find(data);
    if let Ok(Found::Embedded { covered, .. }) = &found {
        assert!(data.starts_with(covered) && covered.len() < data.len());
    }
    let Ok(elf) = Elf::parse(data) else { return };
    let _ = loadable(&elf, &LoadAllowances::default());
    let _ = unload_hazards(&elf);
    let _ = Sbom::of_image(&elf, data);
    assert!(
        elf.sections().iter().filter_map(|section| section.file_range()).all(|range| range.end <= data.len())
    );
    if found != Ok(Found::None) {
        return;
    }
    let Ok(prepared) = sigmeta::prepare(data, RESERVE) else { return };
    let signed =
        sigmeta::attach(prepared, RESERVE, &container()).expect("what is prepared has room for a container");
    let signed = Elf::parse(&signed).expect("what is signed still loads");
    assert_eq!((signed.soname(), signed.needed()), (elf.soname(), elf.needed()));
    assert!(signed.exports().map(name).eq(elf.exports().map(name)));
});

fn container() -> Sigmeta {
    let signature = SignatureEntry { key_id: KeyId::from_bytes([1; 32]), scheme: 1, signature: vec![1; 64] };
    Sigmeta { statement: vec![1], signatures: vec![signature] }
}

fn name<'a>(export: Export<'a>) -> &'a str {
    export.name
}
