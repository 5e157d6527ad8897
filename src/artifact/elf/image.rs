//! The file as the dynamic linker will see it in memory, and the tables it reads there.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::bytes::{index_range, slice};
use super::rejected;
use super::segments::Segments;
use crate::error::Result;
use std::ops::Range;

/// A file with its segments.
pub(super) struct Image<'a> {
    file: &'a [u8],
    pub(super) segments: Segments,
    /// Writable addresses that the linker reads after it has begun to relocate.
    reserved: Vec<Range<u64>>,
}

impl<'a> Image<'a> {
    pub(super) fn new(file: &'a [u8], segments: Segments) -> Self {
        let mut image = Self { file, segments, reserved: Vec::new() };
        for table in [image.segments.dynamic.clone(), image.segments.headers.clone()] {
            image.reserve(table);
        }
        image
    }

    /// The `size` bytes of the table `what` at `address`, which must come from the file and which no
    /// relocation may change.
    pub(super) fn table(&mut self, what: &str, address: u64, size: u64) -> Result<&'a [u8]> {
        let bytes = self.bytes(address, size).ok_or_else(|| {
            rejected(format!("{what}: expected {size} bytes of the file at {address:#x}, found fewer"))
        })?;
        self.reserve(address..address.saturating_add(size));
        Ok(bytes)
    }

    /// All bytes of the file from `address` to the end of its segment, for a table without a given size.
    pub(super) fn rest(&self, what: &str, address: u64) -> Result<&'a [u8]> {
        let range = self.segments.file_rest(address);
        let bytes = range.and_then(|range| {
            self.file.get(index_range(range.start, 0)?.start..index_range(range.end, 0)?.end)
        });
        bytes.ok_or_else(|| {
            rejected(format!("{what}: expected bytes of the file at {address:#x}, found none"))
        })
    }

    pub(super) fn bytes(&self, address: u64, size: u64) -> Option<&'a [u8]> {
        let range = self.segments.file_range(address, size)?;
        slice(self.file, range.start, size)
    }

    /// Keeps relocations away from `table`, where one could reach it.
    pub(super) fn reserve(&mut self, table: Range<u64>) {
        if self.segments.load_at(table.start, 0).is_some_and(super::segments::Load::is_writable) {
            self.reserved.push(table);
        }
    }

    /// Whether `target` touches a table that the linker reads.
    pub(super) fn is_reserved(&self, target: &Range<u64>) -> bool {
        self.reserved.iter().any(|table| target.start < table.end && table.start < target.end)
    }
}
