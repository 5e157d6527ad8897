//! ELF files with fields that a test overwrites.

#![allow(dead_code, reason = "each test target uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

/// Offset and width of the fields of `Elf64_Shdr`.
pub const NAME: (usize, usize) = (0, 4);
pub const KIND: (usize, usize) = (4, 4);
pub const FLAGS: (usize, usize) = (8, 8);
pub const ADDR: (usize, usize) = (16, 8);
pub const OFFSET: (usize, usize) = (24, 8);
pub const SIZE: (usize, usize) = (32, 8);
pub const PT_LOAD: u32 = 1;
pub const PT_GNU_STACK: u32 = 0x6474_e551;

/// An ELF file under the hands of an attacker.
#[derive(Clone)]
pub struct Image(pub Vec<u8>);

impl Image {
    pub fn count(&self) -> usize {
        usize::from(u16::from_le_bytes([self.0[60], self.0[61]]))
    }

    /// Where the header of section `index` is.
    pub fn header(&self, index: usize) -> usize {
        usize::try_from(self.number(40, 8)).unwrap() + 64 * index
    }

    pub fn index(&self, name: &str) -> usize {
        let names = usize::from(u16::from_le_bytes([self.0[62], self.0[63]]));
        let names = usize::try_from(self.field(names, OFFSET)).unwrap();
        (0..self.count())
            .find(|&index| {
                let at = names + usize::try_from(self.field(index, NAME)).unwrap();
                self.0[at..].starts_with(format!("{name}\0").as_bytes())
            })
            .unwrap_or_else(|| panic!("{name}"))
    }

    pub fn field(&self, index: usize, (at, width): (usize, usize)) -> u64 {
        self.number(self.header(index) + at, width)
    }

    pub fn set(&mut self, index: usize, (at, width): (usize, usize), value: u64) {
        let at = self.header(index) + at;
        self.0[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
    }

    /// Where the first program header of type `kind` is.
    pub fn program_header(&self, kind: u32) -> usize {
        let headers = (0..usize::from(self.0[56])).map(|index| 64 + 56 * index);
        headers.into_iter().find(|&at| self.0[at..at + 4] == kind.to_le_bytes()).unwrap()
    }

    pub fn set_u64(&mut self, at: usize, value: u64) {
        self.0[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }

    pub fn number(&self, at: usize, width: usize) -> u64 {
        self.0[at..at + width].iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
    }
}
