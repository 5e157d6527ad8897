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

/// The section's content; `None` where the file has no such section.
pub(super) fn find<'a>(elf: &Elf<'_>, file: &'a [u8]) -> Result<Option<&'a [u8]>> {
    let mut sections = elf.sections().iter().filter(|section| section.name == SECTION);
    match (sections.next(), sections.next()) {
        (None, _) => Ok(None),
        (Some(section), None) => {
            Ok(Some(section.file_range().and_then(|range| file.get(range)).unwrap_or_default()))
        }
        (Some(_), Some(_)) => Err(invalid(format!("{SECTION}: expected one such section, found more"))),
    }
}

/// Reads the section's content.
pub(super) fn read(content: &[u8], list: &mut List) -> Result<()> {
    // The cap holds while it unpacks, so a bomb ends there.
    let json = decompress_to_vec_zlib_with_limit(content, MAX_LEN)
        .map_err(|why| invalid(format!("expected at most {MAX_LEN} bytes compressed by zlib: {why}")))?;
    let document = Document::parse(&json, MAX_LEN, Status::SbomInvalid)?;
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
