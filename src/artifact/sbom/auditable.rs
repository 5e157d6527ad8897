//! The section `.dep-v0` that `cargo auditable` writes: the crates that a binary was built of, as JSON compressed by zlib.
//!
//! Packages of every kind and source count, those that only took part in the build too.

use super::purl::Purl;
use super::{List, MAX_LEN, invalid, name, text};
use crate::artifact::elf::Elf;
use crate::document::Document;
use crate::error::{Result, Status};
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

/// The section's name.
pub const SECTION: &str = ".dep-v0";

/// The section's content, decompressed to at most [`MAX_LEN`] bytes; `None` where the file has no such section.
pub(super) fn find(elf: &Elf<'_>, file: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut sections = elf.sections().iter().filter(|section| section.name == SECTION);
    let section = match (sections.next(), sections.next()) {
        (None, _) => return Ok(None),
        (Some(section), None) => section,
        (Some(_), Some(_)) => {
            return Err(invalid(format!("{SECTION}: expected one such section, found more")));
        }
    };
    let bytes = section.file_range().and_then(|range| file.get(range)).unwrap_or_default();
    match decompress_to_vec_zlib_with_limit(bytes, MAX_LEN) {
        Ok(json) => Ok(Some(json)),
        Err(why) => {
            Err(invalid(format!("{SECTION}: expected at most {MAX_LEN} bytes compressed by zlib: {why}")))
        }
    }
}

/// Reads what was decompressed.
pub(super) fn read(json: &[u8], list: &mut List) -> Result<()> {
    let document = Document::parse(json, MAX_LEN, Status::SbomInvalid)?;
    let mut root = document.object()?;
    for field in root.required("packages")?.array()? {
        let mut package = field.object()?;
        let name = name(&package.required("name")?)?;
        let version = text(&package.required("version")?)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !name.chars().all(plain) {
            return Err(package.error_at("name", "expected the name of a crate"));
        }
        let purl = Purl::parse(&format!("pkg:cargo/{name}")).map_err(|why| package.error(why))?;
        list.enter(&package, Some(&purl), &name, &version)?;
    }
    Ok(())
}
