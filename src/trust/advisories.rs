//! Known vulnerabilities: `advisories.json`, a dated snapshot of OSV records (ossf.github.io/osv-schema) that root keys signed.
//!
//! ```json
//! {"schema": 1, "number": 12, "published": "2026-01-31T00:00:00Z", "advisories": [
//!   {"id": "RUSTSEC-2026-0001", "aliases": ["CVE-2026-1"], "summary": "…", "affected": [
//!     {"package": {"ecosystem": "crates.io", "name": "foo"},
//!      "ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0"}, {"fixed": "1.2.0"}]}], "versions": []}]}]}
//! ```
//!
//! The number grows with each snapshot. A record that was withdrawn denies nothing. Fields of a record that are of no concern
//! here may stand there.

mod affected;

use super::clock::TrustTime;
use super::component_index::ComponentIndex;
use crate::artifact::sbom::Component;
use crate::artifact::sbom::purl::{self, Purl};
use crate::document::{Document, Field, Object};
use crate::error::{Result, Status};
use crate::timestamp::{self, UnixSeconds};
use affected::Affected;

/// The most bytes that a snapshot may have.
pub(super) const MAX_LEN: usize = 64 << 20;
const MAX_RECORDS: usize = 200_000;
/// How far ahead of this clock the date of a snapshot may stand.
const SKEW: u64 = 86_400;

/// A snapshot of advisories.
#[derive(Debug)]
pub struct Advisories {
    number: u64,
    published: UnixSeconds,
    records: Vec<Advisory>,
    affected: Vec<Affected>,
    index: ComponentIndex,
}

/// What is known of a vulnerability.
#[derive(Clone, Debug)]
pub struct Advisory {
    /// Its identifier, such as `RUSTSEC-2026-0001`.
    pub id: String,
    /// Other identifiers of the same.
    pub aliases: Vec<String>,
    /// One line about it; may be empty.
    pub summary: String,
}

impl Advisories {
    /// Reads and validates a snapshot. [`Status::TrustInvalid`] for one that is malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let document = Document::parse(bytes, MAX_LEN, Status::TrustInvalid)?;
        let mut root = document.object()?;
        let schema = root.required("schema")?;
        if schema.unsigned()? != 1 {
            return Err(schema.expected("1"));
        }
        let number = root.required("number")?.unsigned()?;
        let published = time(&root.required("published")?)?;
        let list = root.required("advisories")?;
        let fields = list.array()?;
        if fields.len() > MAX_RECORDS {
            return Err(list.error(format!("expected at most {MAX_RECORDS} records, found {}", fields.len())));
        }
        root.finish()?;
        let mut all = Self {
            number,
            published,
            records: Vec::with_capacity(fields.len()),
            affected: Vec::new(),
            index: ComponentIndex::default(),
        };
        for field in fields {
            all.add(&mut field.object()?)?;
        }
        Ok(all)
    }

    /// Its number, which grows with each snapshot.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// When it was made.
    pub fn published(&self) -> UnixSeconds {
        self.published
    }

    /// How many records are in force.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The first advisory that concerns `component`, and the versions that it says are affected.
    pub fn about(&self, component: &Component) -> Option<(&Advisory, String)> {
        let entries = self.index.about(component).into_iter().filter_map(|n| self.affected.get(n));
        let found =
            entries.into_iter().find_map(|entry| Some((entry.advisory, entry.covers(&component.version)?)));
        found.and_then(|(record, range)| Some((self.records.get(record)?, range)))
    }

    /// Refused as a document is before and after its time: a date to come would keep a snapshot fresh for ever.
    pub(super) fn check_age(&self, time: TrustTime, max_age: u64) -> Result<()> {
        let (begin, end) = (self.published.saturating_sub(SKEW), self.published.saturating_add(max_age));
        let what = format!("number {}, taken for {} days", self.number, max_age / 86_400);
        time.check_period(&what, Some(begin), Some(end))
    }

    fn add(&mut self, record: &mut Object<'_>) -> Result<()> {
        let id = record.required("id")?;
        let id = match id.text(128)? {
            "" => return Err(id.error("expected an identifier, found nothing")),
            text => text.to_owned(),
        };
        if let Some(time) = record.optional("withdrawn") {
            // Any time is enough, but null and false are none.
            return time.text(64).map(drop);
        }
        let aliases = match record.optional("aliases") {
            Some(list) => {
                list.array()?.iter().map(|alias| alias.text(128).map(str::to_owned)).collect::<Result<_>>()?
            }
            None => Vec::new(),
        };
        let summary = record.optional("summary").map_or(Ok(""), |field| field.text(4096))?.to_owned();
        for field in record.optional("affected").map_or(Ok(Vec::new()), |list| list.array())? {
            self.add_affected(&mut field.object()?)?;
        }
        self.records.push(Advisory { id, aliases, summary });
        Ok(())
    }

    /// One package of the record that comes next.
    fn add_affected(&mut self, affected: &mut Object<'_>) -> Result<()> {
        // A record about a commit range alone names no package.
        let Some(package) = affected.optional("package") else { return Ok(()) };
        for package in packages(&mut package.object()?)? {
            self.index.add(&package, self.affected.len());
            self.affected.push(Affected::parse(affected, &package, self.records.len())?);
        }
        Ok(())
    }
}

/// The package under the names that the record gives it: its package URL, and its name in its ecosystem.
fn packages(package: &mut Object<'_>) -> Result<Vec<Purl>> {
    let mut found = Vec::new();
    if let Some(field) = package.optional("purl") {
        found.push(Purl::parse(field.text(purl::MAX_LEN)?).map_err(|why| field.error(why))?);
    }
    let ecosystem = package.required("ecosystem")?.text(128)?;
    let name = package.required("name")?;
    let text = name.text(1024)?;
    // A release stands behind a colon: "Debian:12".
    let ecosystem = ecosystem.split(':').next().unwrap_or_default();
    if let Some((_, head)) = ECOSYSTEMS.iter().find(|(known, _)| known.eq_ignore_ascii_case(ecosystem)) {
        let path = encoded(&if ecosystem.eq_ignore_ascii_case("Maven") {
            text.replace(':', "/")
        } else {
            text.to_owned()
        });
        found.push(Purl::parse(&format!("pkg:{head}/{path}")).map_err(|why| name.error(why))?);
    }
    Ok(found)
}

/// The ecosystems of OSV and the beginnings of their package URLs.
const ECOSYSTEMS: &[(&str, &str)] = &[
    ("AlmaLinux", "rpm/almalinux"),
    ("Alpine", "apk/alpine"),
    ("Bitnami", "bitnami"),
    ("ConanCenter", "conan"),
    ("CRAN", "cran"),
    ("crates.io", "cargo"),
    ("Debian", "deb/debian"),
    ("Go", "golang"),
    ("Hackage", "hackage"),
    ("Hex", "hex"),
    ("Maven", "maven"),
    ("npm", "npm"),
    ("NuGet", "nuget"),
    ("openSUSE", "rpm/opensuse"),
    ("Packagist", "composer"),
    ("Pub", "pub"),
    ("PyPI", "pypi"),
    ("Red Hat", "rpm/redhat"),
    ("Rocky Linux", "rpm/rocky-linux"),
    ("RubyGems", "gem"),
    ("SUSE", "rpm/suse"),
    ("SwiftURL", "swift"),
    ("Ubuntu", "deb/ubuntu"),
];

/// The name as a path of a package URL, in which the separators of a package URL stand for themselves.
fn encoded(name: &str) -> String {
    let escape = |c: char| match c {
        '%' | '?' | '#' | '@' => format!("%{:02X}", u32::from(c)),
        c => c.to_string(),
    };
    name.chars().map(escape).collect()
}

/// A time as OSV writes it, with or without parts of seconds, which do not count.
fn time(field: &Field<'_>) -> Result<UnixSeconds> {
    timestamp::parse(field.text(32)?)
        .ok_or_else(|| field.error("expected a time in UTC such as 2026-01-31T00:00:00Z"))
}

#[cfg(test)]
mod tests;
