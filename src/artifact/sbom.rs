//! Software bills of materials: which components an artifact says it is made of.
//!
//! Three forms give one list: CycloneDX JSON (ECMA-424; 1.4 to 1.6), SPDX JSON (ISO/IEC 5962; 2.2 and 2.3), and the `.dep-v0`
//! section that `cargo auditable` puts into a binary. They are read strictly where a component could hide (a name twice in
//! an object, another schema, a malformed package URL) and generously where nothing depends on it (fields of no concern here).

mod auditable;
mod cyclonedx;
pub mod order;
pub mod purl;
pub mod range;
mod spdx;

pub use auditable::SECTION;

use super::elf::Elf;
use crate::document::{Document, Field, Object, quoted};
use crate::error::{Error, Result, Status};
use purl::Purl;
use std::collections::{BTreeSet, HashMap};

/// Bytes in the longest bill of materials.
pub const MAX_LEN: usize = 16 << 20;
/// The most components of one.
pub const MAX_COMPONENTS: usize = 16_384;
/// The most versions of one package in one: what is compared with every rule about that package stays bounded.
const MAX_VERSIONS: usize = 256;
const MAX_TEXT: usize = 1024;

/// The components of an artifact, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sbom {
    components: Vec<Component>,
}

/// A part of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Component {
    /// Its package URL, where the document gives one.
    pub purl: Option<Purl>,
    /// Its name, with its group in front where it has one.
    pub name: String,
    /// Its version; empty where the document gives none.
    pub version: String,
}

impl Component {
    /// The type of its package URL, such as `cargo`; empty without one.
    pub fn ecosystem(&self) -> &str {
        self.purl.as_ref().map_or("", Purl::kind)
    }
}

impl Sbom {
    /// Reads a document in CycloneDX or SPDX JSON; which of them, the document says. [`Status::SbomInvalid`] for anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let document = Document::parse(bytes, MAX_LEN, Status::SbomInvalid)?;
        let mut root = document.object()?;
        let mut list = List::default();
        match (root.optional("bomFormat"), root.optional("spdxVersion")) {
            (Some(format), None) => {
                format.one_of(&["CycloneDX"])?;
                cyclonedx::read(&mut root, &mut list)?;
            }
            (None, Some(version)) => {
                version.one_of(&["SPDX-2.2", "SPDX-2.3"])?;
                spdx::read(&mut root, &mut list)?;
            }
            (None, None) => {
                return Err(root.error("expected bomFormat (CycloneDX) or spdxVersion, found neither"));
            }
            (Some(_), Some(_)) => return Err(root.error("expected bomFormat or spdxVersion, found both")),
        }
        list.finish()
    }

    /// Reads the section `.dep-v0` of the image `elf`, whose bytes are `file`; `None` where it has none.
    /// [`Status::SbomInvalid`] for two such sections, and for one that is not compressed JSON of that form.
    pub fn of_image(elf: &Elf<'_>, file: &[u8]) -> Result<Option<Self>> {
        auditable::find(elf, file)?.map(Self::of_section).transpose()
    }

    /// Reads the content of a section `.dep-v0`: JSON compressed by zlib, of at most [`MAX_LEN`] bytes when it is not.
    pub fn of_section(content: &[u8]) -> Result<Self> {
        let mut list = List::default();
        auditable::read(content, &mut list).map_err(|e| e.of(SECTION))?;
        list.finish()
    }

    /// The components, sorted.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// The components of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let all: BTreeSet<Component> = self.components.into_iter().chain(other.components).collect();
        Self { components: all.into_iter().collect() }
    }
}

/// The components while they are being read.
#[derive(Debug, Default)]
struct List {
    components: Vec<Component>,
}

impl List {
    /// Enters a component that stands at `at`. Where the document and the package URL give different versions, it counts as
    /// both.
    fn enter(&mut self, at: &Object<'_>, purl: Option<&Purl>, name: &str, version: &str) -> Result<()> {
        let own = purl.and_then(Purl::version).unwrap_or_default();
        let mut add = |version: &str| {
            let (name, version) = (name.to_owned(), version.to_owned());
            self.components.push(Component { purl: purl.cloned(), name, version });
        };
        // A version that is absent is one only where the other is, too.
        if version.is_empty() || version == own {
            add(own);
        } else {
            add(version);
            if !own.is_empty() {
                add(own);
            }
        }
        if self.components.len() > MAX_COMPONENTS { Err(too_many(at)) } else { Ok(()) }
    }

    /// Every component once. [`Status::SbomInvalid`] for too many versions of one package.
    fn finish(mut self) -> Result<Sbom> {
        self.components.sort_unstable();
        self.components.dedup();
        let mut versions: HashMap<String, usize> = HashMap::with_capacity(self.components.len());
        for Component { purl, name, .. } in &self.components {
            let key = purl.as_ref().map_or_else(|| purl::name_key(name), Purl::key);
            let count = versions.entry(key).or_default();
            *count = count.saturating_add(1);
            if *count > MAX_VERSIONS {
                let of = quoted(name);
                return Err(invalid(format!("expected at most {MAX_VERSIONS} versions of {of}, found more")));
            }
        }
        Ok(Sbom { components: self.components })
    }
}

fn too_many(at: &Object<'_>) -> Error {
    at.error(format!("expected at most {MAX_COMPONENTS} components, found more"))
}

/// A text that is not empty and has no control characters.
fn name(field: &Field<'_>) -> Result<String> {
    match text(field)? {
        empty if empty.is_empty() => Err(field.error("expected a name, found nothing")),
        name => Ok(name),
    }
}

fn text(field: &Field<'_>) -> Result<String> {
    let text = field.text(MAX_TEXT)?.trim();
    if text.contains(char::is_control) {
        return Err(field.error("expected no control characters"));
    }
    Ok(text.to_owned())
}

fn purl(field: &Field<'_>) -> Result<Purl> {
    Purl::parse(field.text(purl::MAX_LEN)?).map_err(|why| field.error(why))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Status::SbomInvalid, message)
}

#[cfg(test)]
mod tests;
