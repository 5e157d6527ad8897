//! Package URLs (ECMA-427, "purl"), read strictly, and the one form of each by which packages are compared.
//!
//! ```text
//! pkg:npm/%40angular/core@17.0.1?arch=x64#src/main
//!     type namespace name version qualifiers subpath
//! ```
//!
//! There are two forms of the same package: the text that [`Display`](fmt::Display) writes, which is canonical by the standard, and
//! its [`key`](Purl::key), which is coarser. Two spellings that a registry takes for one package have one key, so that a rule
//! is not evaded by letter case, `_` for `-`, percent-encoding or qualifiers.

use crate::document::quoted;
use std::fmt::{self, Write};

/// Bytes in the longest package URL.
pub const MAX_LEN: usize = 4096;

/// The types that the purl registry lists and that this release therefore tells apart.
const TYPES: &[&str] = &[
    "alpm",
    "apk",
    "bitbucket",
    "bitnami",
    "cargo",
    "cocoapods",
    "composer",
    "conan",
    "conda",
    "cpan",
    "cran",
    "deb",
    "docker",
    "gem",
    "generic",
    "github",
    "golang",
    "hackage",
    "hex",
    "huggingface",
    "julia",
    "luarocks",
    "maven",
    "mlflow",
    "npm",
    "nuget",
    "oci",
    "opam",
    "otp",
    "pub",
    "pypi",
    "qpkg",
    "rpm",
    "swid",
    "swift",
    "vscode-extension",
    "yocto",
];

/// Whose standard demands lower case, or whose registry ignores it.
const LOWERED: &[&str] = &["bitbucket", "composer", "deb", "github", "golang", "npm", "pypi"];

/// Which have no namespace: one that is there would tell a package from itself.
const FLAT: &[&str] = &["cargo", "cocoapods", "conda", "cran", "gem", "hackage", "nuget", "pub", "pypi"];

/// Whose namespace is the distribution: packages are known by their names alone.
const DISTRIBUTIONS: &[&str] = &["alpm", "apk", "deb", "rpm"];

/// A package URL, decoded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Purl {
    kind: String,
    namespace: Vec<String>,
    name: String,
    version: Option<String>,
    qualifiers: Vec<(String, String)>,
    subpath: Vec<String>,
}

impl Purl {
    /// Reads `pkg:type/namespace/name@version?qualifiers#subpath`; otherwise says what is wrong with it.
    ///
    /// Refused: more than [`MAX_LEN`] bytes, a percent sign without two hex digits, decoded bytes that are not UTF-8 or are
    /// control characters, an empty name, a `/` inside of a decoded namespace or subpath segment, segments `.` and `..`, a
    /// qualifier that stands there twice, a `deb` without its distribution, and a namespace where the type has none.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(text).map_err(|why| format!("package URL {}: {why}", quoted(text)))
    }

    /// The type, in lower case, such as `cargo`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Whether the type is one that the purl registry lists.
    pub fn has_known_kind(&self) -> bool {
        TYPES.contains(&self.kind.as_str())
    }

    /// The name, decoded.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version, decoded.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Whether it names a package and nothing of it: no version, qualifier or subpath.
    pub fn is_bare(&self) -> bool {
        self.version.is_none() && self.qualifiers.is_empty() && self.subpath.is_empty()
    }

    /// The package by which it is compared: type, namespace and name, without what only tells its copies apart.
    pub fn key(&self) -> String {
        let mut key = format!("{}:", self.kind);
        for segment in &self.namespace {
            key.push_str(segment);
            key.push('/');
        }
        key.push_str(&self.name);
        let key = key.to_lowercase();
        match self.kind.as_str() {
            // A registry of Cargo takes no two names that differ in this alone.
            "cargo" => key.replace('_', "-"),
            "pypi" => collapsed(&key),
            _ => key,
        }
    }

    /// The key of the same package to those who do not know its type; see [`name_key`].
    pub fn untyped_key(&self) -> String {
        if DISTRIBUTIONS.contains(&self.kind.as_str()) {
            return name_key(&self.name);
        }
        let segments: Vec<&str> =
            self.namespace.iter().map(String::as_str).chain([self.name.as_str()]).collect();
        name_key(&segments.join("/"))
    }

    fn read(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LEN {
            return Err(format!("expected at most {MAX_LEN} bytes, found {}", text.len()));
        }
        let rest = match text.split_once(':') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("pkg") => rest.trim_start_matches('/'),
            _ => return Err("expected pkg: at its head".into()),
        };
        let (rest, subpath) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        let (kind, rest) = rest.split_once('/').ok_or("expected a type and a name with / between")?;
        let (path, version) = split_version(rest);
        let path = path.trim_matches('/');
        let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
        let purl = Self {
            kind: kind_of(kind)?,
            namespace: segments(namespace)?,
            name: decoded(name)?,
            version: version.filter(|version| !version.is_empty()).map(decoded).transpose()?,
            qualifiers: read_qualifiers(qualifiers)?,
            subpath: segments(subpath)?,
        };
        // A scope alone names no package.
        if name.is_empty() || name.starts_with('@') {
            return Err("expected a name, found none".into());
        }
        let is_flat = FLAT.contains(&purl.kind.as_str());
        if is_flat && (!purl.namespace.is_empty() || purl.name.contains('/')) {
            return Err(format!("expected no namespace: the type {} has none", purl.kind));
        }
        if purl.kind == "deb" && purl.namespace.is_empty() {
            return Err("expected the distribution before the name, such as pkg:deb/debian/openssl".into());
        }
        Ok(purl.canonical())
    }

    fn canonical(mut self) -> Self {
        if LOWERED.contains(&self.kind.as_str()) {
            self.name = self.name.to_lowercase();
            self.namespace.iter_mut().for_each(|segment| *segment = segment.to_lowercase());
        }
        if self.kind == "pypi" {
            self.name = self.name.replace('_', "-");
        }
        self
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}/", self.kind)?;
        for segment in &self.namespace {
            encode(f, segment)?;
            f.write_char('/')?;
        }
        encode(f, &self.name)?;
        if let Some(version) = &self.version {
            f.write_char('@')?;
            encode(f, version)?;
        }
        for (index, (name, value)) in self.qualifiers.iter().enumerate() {
            f.write_char(if index == 0 { '?' } else { '&' })?;
            write!(f, "{name}=")?;
            encode(f, value)?;
        }
        for (index, segment) in self.subpath.iter().enumerate() {
            f.write_char(if index == 0 { '#' } else { '/' })?;
            encode(f, segment)?;
        }
        Ok(())
    }
}

/// The key of a package that is known by its name alone: the coarsest of all types, with the separators of groups as one.
pub fn name_key(name: &str) -> String {
    collapsed(&name.to_lowercase().replace(':', "/"))
}

/// Runs of `-`, `_` and `.` as one `-`, as the Python index compares names.
fn collapsed(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '-' | '_' | '.' if key.ends_with('-') => {}
            '-' | '_' | '.' => key.push('-'),
            c => key.push(c),
        }
    }
    key
}

/// The version stands behind the last `@` of the last segment; the `@` of an npm scope that nobody encoded begins a segment.
fn split_version(path: &str) -> (&str, Option<&str>) {
    match path.rsplit_once('@') {
        Some((before, version)) if !version.contains('/') && !before.is_empty() && !before.ends_with('/') => {
            (before, Some(version))
        }
        _ => (path, None),
    }
}

fn kind_of(kind: &str) -> Result<String, String> {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'+');
    if kind.is_empty() || !kind.bytes().all(plain) || kind.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("expected a type of letters, digits, '.' and '-'".into());
    }
    Ok(kind.to_ascii_lowercase())
}

fn segments(path: &str) -> Result<Vec<String>, String> {
    let raw = path.split('/').filter(|segment| !segment.is_empty());
    raw.map(|segment| match decoded(segment)? {
        segment if segment.contains('/') || segment == "." || segment == ".." => {
            Err("expected segments without /, '.' and '..'".into())
        }
        segment => Ok(segment),
    })
    .collect()
}

fn read_qualifiers(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut qualifiers = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or("expected qualifiers of the form name=value")?;
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_');
        if name.is_empty() || !name.bytes().all(plain) || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err("expected qualifiers with names of letters, digits, '.', '-' and '_'".into());
        }
        let value = decoded(value)?;
        if !value.is_empty() {
            qualifiers.push((name.to_ascii_lowercase(), value));
        }
    }
    qualifiers.sort();
    if qualifiers.array_windows::<2>().any(|[a, b]| a.0 == b.0) {
        return Err("expected each qualifier once, found one twice".into());
    }
    Ok(qualifiers)
}

/// The text with every `%XX` replaced by its byte.
fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(*rest.next()?).to_digit(16);
        let (high, low) = (digit(), digit());
        let byte = high.zip(low).and_then(|(high, low)| u8::try_from((high << 4) | low).ok());
        bytes.push(byte.ok_or("expected two hex digits behind every percent sign")?);
    }
    let text = String::from_utf8(bytes).map_err(|_| "expected UTF-8 behind the percent-encoding")?;
    if text.contains(char::is_control) {
        return Err("expected no control characters".into());
    }
    Ok(text)
}

fn encode(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b':') {
            f.write_char(char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        let purl = Purl::parse(text).unwrap();
        assert_eq!(Purl::parse(&purl.to_string()).unwrap(), purl, "{text}");
        purl.to_string()
    }

    #[test]
    fn the_standard_s_examples() {
        for same in [
            "pkg:cargo/rand@0.7.2",
            "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie",
            "pkg:gem/ruby-advisory-db-check@0.12.4",
            "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1?classifier=sources",
            "pkg:npm/%40angular/animation@12.3.1",
            "pkg:rpm/opensuse/curl@7.56.1-1.1.?arch=i386&distro=opensuse-tumbleweed",
            "pkg:golang/github.com/gorilla/context@234fd47e07d1#api",
        ] {
            assert_eq!(canonical(same), same);
        }
        for (text, expected) in [
            ("PKG:Cargo/rand@0.7.2", "pkg:cargo/rand@0.7.2"),
            ("pkg://cargo//rand@0.7.2", "pkg:cargo/rand@0.7.2"),
            ("pkg:npm/@angular/animation@12.3.1", "pkg:npm/%40angular/animation@12.3.1"),
            ("pkg:npm/@angular/animation", "pkg:npm/%40angular/animation"),
            ("pkg:pypi/Django_Package@1.11", "pkg:pypi/django-package@1.11"),
            ("pkg:GOLANG/GitHub.com/Gorilla/Context", "pkg:golang/github.com/gorilla/context"),
            ("pkg:cargo/%72and@0%2E7", "pkg:cargo/rand@0.7"),
            ("pkg:rpm/fedora/curl@7?b=2&A=1&c=", "pkg:rpm/fedora/curl@7?a=1&b=2"),
            ("pkg:generic/a@1+2", "pkg:generic/a@1%2B2"),
        ] {
            assert_eq!(canonical(text), expected);
        }
    }

    #[test]
    fn what_is_refused() {
        for text in [
            "",
            "cargo/rand",
            "pkg:",
            "pkg:cargo",
            "pkg:cargo/",
            "pkg:cargo/@1.0",
            "pkg:/rand",
            "pkg:1cargo/rand",
            "pkg:c%61rgo/rand",
            "pkg:cargo/ra%6",
            "pkg:cargo/ra%zz",
            "pkg:cargo/ra%FFnd",
            "pkg:cargo/ra%00nd",
            "pkg:cargo/ra\nnd",
            "pkg:golang/a%2Fb/c",
            "pkg:golang/a/../c",
            "pkg:cargo/rand?x",
            "pkg:cargo/rand?x=1&X=2",
            "pkg:deb/openssl@1",
            "pkg:cargo/x/rand",
            "pkg:cargo/x%2Frand",
        ] {
            assert!(Purl::parse(text).is_err(), "{text:?}");
        }
        assert!(Purl::parse(&format!("pkg:cargo/{}", "a".repeat(MAX_LEN))).is_err());
    }

    #[test]
    fn spellings_of_one_package_have_one_key() {
        let key = |text| Purl::parse(text).unwrap().key();
        for (a, b) in [
            ("pkg:cargo/serde_json@1", "pkg:CARGO/Serde-JSON?x=y#z"),
            ("pkg:pypi/zope.interface", "pkg:pypi/Zope_-Interface@5"),
            ("pkg:npm/%40a%2Fb", "pkg:npm/@a/b@2"),
            ("pkg:maven/Org.X/y", "pkg:maven/org.x/Y"),
        ] {
            assert_eq!(key(a), key(b));
        }
        assert_ne!(key("pkg:npm/core"), key("pkg:npm/@angular/core"));
        assert_ne!(key("pkg:cargo/foo"), key("pkg:npm/foo"));
        assert_ne!(key("pkg:npm/socket.io"), key("pkg:npm/socket-io"));
        assert_eq!(Purl::parse("pkg:maven/g/a").unwrap().untyped_key(), name_key("G:A"));
        assert_eq!(Purl::parse("pkg:deb/debian/openssl").unwrap().untyped_key(), name_key("OpenSSL"));
    }
}
