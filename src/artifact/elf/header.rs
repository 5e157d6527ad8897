//! The file header: gABI chapter 4, "ELF Header".
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::bytes::{u16_at, u32_at, u64_at};
use super::rejected;
use crate::error::Result;

const HEADER_SIZE: u16 = 64;
pub(super) const PROGRAM_HEADER_SIZE: u16 = 56;
pub(super) const SECTION_HEADER_SIZE: u16 = 64;
/// glibc copies the program headers to its stack, so their number is kept far below its limit of 65,535.
const MAX_PROGRAM_HEADERS: u16 = 128;

const X86_64: u16 = 62;
const AARCH64: u16 = 183;
/// The `e_machine` this crate was compiled for; another target has none, and every file is refused.
const MACHINE: u16 = if cfg!(target_arch = "x86_64") {
    X86_64
} else if cfg!(target_arch = "aarch64") {
    AARCH64
} else {
    0
};

/// Where the two header tables stand.
pub(super) struct Header {
    pub(super) program_headers: Table,
    pub(super) section_headers: Table,
    /// Index of the section that holds the sections' names; 0 if there is none.
    pub(super) name_section: u16,
}

/// A table of fixed-size records in the file.
pub(super) struct Table {
    pub(super) offset: u64,
    pub(super) count: u16,
}

/// Reads the header of an ELF64 little-endian shared object for this machine.
pub(super) fn parse(file: &[u8]) -> Result<Header> {
    if !file.starts_with(b"\x7fELF") {
        return Err(rejected("format: expected an ELF file, found another magic number"));
    }
    let header = file.get(..usize::from(HEADER_SIZE)).ok_or_else(|| {
        rejected(format!("file header: expected 64 bytes, found {} (truncated)", file.len()))
    })?;
    check_identification(header)?;
    let half = |offset| u16_at(header, offset).unwrap_or_default();
    let long = |offset| u64_at(header, offset).unwrap_or_default();
    let expect = |what, expected: u16, found: u16| {
        let differ = || rejected(format!("{what}: expected {expected}, found {found}"));
        (expected == found).then_some(()).ok_or_else(differ)
    };

    if half(16) != 3 {
        return Err(rejected(format!("type: expected a shared object (3), found {}", type_name(half(16)))));
    }
    if half(18) != MACHINE || MACHINE == 0 {
        let (expected, found) = (machine_name(MACHINE), machine_name(half(18)));
        return Err(rejected(format!("architecture: expected {expected}, found {found}")));
    }
    if u32_at(header, 20) != Some(1) {
        return Err(rejected("e_version: expected 1"));
    }
    expect("e_ehsize", HEADER_SIZE, half(52))?;
    expect("e_phentsize", PROGRAM_HEADER_SIZE, half(54))?;
    let program_headers = Table { offset: long(32), count: half(56) };
    let section_headers = Table { offset: long(40), count: half(60) };
    if program_headers.count == 0 || program_headers.count > MAX_PROGRAM_HEADERS {
        return Err(rejected(format!(
            "program headers: expected 1 to {MAX_PROGRAM_HEADERS}, found {}",
            program_headers.count
        )));
    }
    if section_headers.count > 0 {
        expect("e_shentsize", SECTION_HEADER_SIZE, half(58))?;
    }
    Ok(Header { program_headers, section_headers, name_section: half(62) })
}

/// Checks `e_ident` as `open_verify` of glibc's dl-load.c does, with messages that name the difference.
fn check_identification(header: &[u8]) -> Result<()> {
    let byte = |offset| header.get(offset).copied().unwrap_or_default();
    match byte(4) {
        2 => {}
        1 => return Err(rejected("class: expected ELF64, found ELF32")),
        other => return Err(rejected(format!("class: expected ELF64 (2), found {other}"))),
    }
    match byte(5) {
        1 => {}
        2 => return Err(rejected("byte order: expected little-endian, found big-endian")),
        other => return Err(rejected(format!("byte order: expected little-endian (1), found {other}"))),
    }
    if byte(6) != 1 {
        return Err(rejected(format!("EI_VERSION: expected 1, found {}", byte(6))));
    }
    if !matches!(byte(7), 0 | 3) {
        return Err(rejected(format!("EI_OSABI: expected System V (0) or GNU (3), found {}", byte(7))));
    }
    if header.get(8..16) != Some(&[0; 8]) {
        return Err(rejected("EI_ABIVERSION and padding: expected zeros"));
    }
    Ok(())
}

fn type_name(kind: u16) -> String {
    match kind {
        1 => "a relocatable object (1)".into(),
        2 => "an executable at a fixed address (2)".into(),
        4 => "a core dump (4)".into(),
        other => other.to_string(),
    }
}

fn machine_name(machine: u16) -> String {
    match machine {
        0 => "a supported machine".into(),
        3 => "i386".into(),
        40 => "ARM".into(),
        X86_64 => "x86-64".into(),
        AARCH64 => "AArch64".into(),
        243 => "RISC-V".into(),
        258 => "LoongArch".into(),
        other => format!("machine {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
        bytes[16] = 3;
        bytes[18..20].copy_from_slice(&MACHINE.to_le_bytes());
        bytes[20] = 1;
        bytes[32] = 64;
        for (offset, value) in [(52, 64), (54, 56), (56, 1), (58, 64)] {
            bytes[offset] = value;
        }
        bytes
    }

    fn message(change: impl Fn(&mut Vec<u8>)) -> String {
        let mut bytes = header();
        change(&mut bytes);
        parse(&bytes).err().map(|error| error.message().to_owned()).unwrap_or_default()
    }

    #[test]
    fn accepts_a_shared_object_of_this_machine() {
        let header = parse(&header()).unwrap();
        assert_eq!((header.program_headers.offset, header.program_headers.count), (64, 1));
    }

    #[test]
    fn names_what_was_expected_and_found() {
        let other = if MACHINE == X86_64 { AARCH64 } else { X86_64 };
        let wrong_machine = message(|bytes| bytes[18..20].copy_from_slice(&other.to_le_bytes()));
        let expected =
            format!("architecture: expected {}, found {}", machine_name(MACHINE), machine_name(other));
        assert_eq!(wrong_machine, expected);
        assert_eq!(message(|bytes| bytes[4] = 1), "class: expected ELF64, found ELF32");
        assert_eq!(message(|bytes| bytes[5] = 2), "byte order: expected little-endian, found big-endian");
        assert_eq!(
            message(|bytes| bytes[16] = 2),
            "type: expected a shared object (3), found an executable at a fixed address (2)"
        );
        assert_eq!(message(|bytes| bytes[0] = 0), "format: expected an ELF file, found another magic number");
        assert_eq!(
            message(|bytes| bytes.truncate(63)),
            "file header: expected 64 bytes, found 63 (truncated)"
        );
        assert_eq!(message(|bytes| bytes[56] = 0), "program headers: expected 1 to 128, found 0");
        assert_eq!(message(|bytes| bytes[54] = 32), "e_phentsize: expected 56, found 32");
    }
}
