//! How versions of each kind of package are ordered.
//!
//! | types | order |
//! |---|---|
//! | `cargo`, `npm`, `golang` | Semantic Versioning 2.0.0, section 11; a leading `v` does not count, and a missing minor or patch number is 0 |
//! | `deb` | Debian Policy 5.6.12: epoch, upstream version, revision |
//! | all others | none: two versions are equal or not, a leading `v` and letter case apart |

use super::purl::Purl;
use std::cmp::Ordering;
use std::iter::zip;

/// Bytes in the longest version that is compared.
pub const MAX_VERSION_LEN: usize = 256;

/// Which order the versions of a package have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionOrder {
    /// Semantic Versioning 2.0.0.
    Semantic,
    /// Debian's.
    Debian,
    /// None.
    EqualOnly,
}

impl VersionOrder {
    /// The order of a package's type.
    pub fn of(purl: &Purl) -> Self {
        match purl.kind() {
            "cargo" | "npm" | "golang" => Self::Semantic,
            "deb" => Self::Debian,
            _ => Self::EqualOnly,
        }
    }

    /// Whether there is a before and an after.
    pub fn is_total(self) -> bool {
        self != Self::EqualOnly
    }

    /// The version, fit to be compared; `None` for one that has no place in this order.
    pub fn read(self, text: &str) -> Option<Version> {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_VERSION_LEN || text.contains(char::is_control) {
            return None;
        }
        match self {
            Self::Semantic => Semantic::read(text).map(Version::Semantic),
            Self::Debian => Debian::read(text).map(Version::Debian),
            Self::EqualOnly => Some(Version::Plain(without_v(text).to_lowercase())),
        }
    }
}

/// A version of one order. Versions of different orders are not compared.
#[derive(Clone, Debug)]
pub enum Version {
    /// Semantic Versioning.
    Semantic(Semantic),
    /// Debian's.
    Debian(Debian),
    /// Only equal or not.
    Plain(String),
}

impl Version {
    /// How it stands to `other`; `None` where there is no order between them.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Semantic(a), Self::Semantic(b)) => Some(a.compare(b)),
            (Self::Debian(a), Self::Debian(b)) => Some(a.compare(b)),
            (Self::Plain(a), Self::Plain(b)) if a == b => Some(Ordering::Equal),
            _ => None,
        }
    }
}

fn without_v(text: &str) -> &str {
    let rest = text.strip_prefix(['v', 'V']).unwrap_or(text);
    if rest.starts_with(|c: char| c.is_ascii_digit()) { rest } else { text }
}

/// A version of Semantic Versioning 2.0.0; numbers of any length.
#[derive(Clone, Debug)]
pub struct Semantic {
    numbers: [String; 3],
    /// Empty: a release.
    pre_release: Vec<String>,
}

impl Semantic {
    fn read(text: &str) -> Option<Self> {
        // Build metadata has no part in the order (section 10).
        let (text, _) = without_v(text).split_once('+').unwrap_or((without_v(text), ""));
        let (core, pre_release) = match text.split_once('-') {
            Some((core, pre_release)) => (core, Some(pre_release)),
            None => (text, None),
        };
        let mut numbers = [const { String::new() }; 3];
        let mut parts = core.split('.');
        for (index, number) in numbers.iter_mut().enumerate() {
            match parts.next() {
                Some(part) if is_number(part) => part.clone_into(number),
                None if index > 0 => "0".clone_into(number),
                _ => return None,
            }
        }
        let plain =
            |part: &&str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        let pre_release: Vec<&str> = pre_release.map(|text| text.split('.').collect()).unwrap_or_default();
        if parts.next().is_some() || !pre_release.iter().all(plain) {
            return None;
        }
        Some(Self { numbers, pre_release: pre_release.into_iter().map(str::to_owned).collect() })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let numbers = zip(&self.numbers, &other.numbers).map(|(a, b)| compare_numbers(a, b));
        let core = numbers.fold(Ordering::Equal, Ordering::then);
        core.then_with(|| match (self.pre_release.is_empty(), other.pre_release.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                let parts = zip(&self.pre_release, &other.pre_release).map(|(a, b)| compare_parts(a, b));
                let parts = parts.fold(Ordering::Equal, Ordering::then);
                parts.then(self.pre_release.len().cmp(&other.pre_release.len()))
            }
        })
    }
}

/// Section 11.4: numbers before words, numbers by value, words by their bytes.
fn compare_parts(a: &str, b: &str) -> Ordering {
    match (is_number(a), is_number(b)) {
        (true, true) => compare_numbers(a, b),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())
}

/// By value, whatever the number of digits; no digit at all is 0.
fn compare_numbers(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// A version as `dpkg` orders it.
#[derive(Clone, Debug)]
pub struct Debian {
    epoch: String,
    upstream: String,
    revision: String,
}

impl Debian {
    fn read(text: &str) -> Option<Self> {
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'+' | b'~' | b'-' | b':');
        let fits = is_number(epoch) && !upstream.is_empty() && rest.bytes().all(plain);
        fits.then(|| Self {
            epoch: epoch.to_owned(),
            upstream: upstream.to_owned(),
            revision: revision.to_owned(),
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        compare_numbers(&self.epoch, &other.epoch)
            .then_with(|| compare_debian(&self.upstream, &other.upstream))
            .then_with(|| compare_debian(&self.revision, &other.revision))
    }
}

/// In turn a part without digits, by characters, and a number, by value.
fn compare_debian(mut a: &str, mut b: &str) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        let (word_a, rest_a) = split_at_first(a, |c| c.is_ascii_digit());
        let (word_b, rest_b) = split_at_first(b, |c| c.is_ascii_digit());
        let (number_a, rest_a) = split_at_first(rest_a, |c| !c.is_ascii_digit());
        let (number_b, rest_b) = split_at_first(rest_b, |c| !c.is_ascii_digit());
        let order = compare_words(word_a, word_b).then_with(|| compare_numbers(number_a, number_b));
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

fn split_at_first(text: &str, found: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(found).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// `~` before the end, the end before letters, letters before the rest.
fn compare_words(a: &str, b: &str) -> Ordering {
    let rank = |c: Option<u8>| match c {
        Some(b'~') => (0, 0),
        None => (1, 0),
        Some(c) if c.is_ascii_alphabetic() => (2, c),
        Some(c) => (3, c),
    };
    let (mut a, mut b) = (a.bytes(), b.bytes());
    loop {
        let (x, y) = (a.next(), b.next());
        let order = rank(x).cmp(&rank(y));
        if order.is_ne() || (x.is_none() && y.is_none()) {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn ascending(order: VersionOrder, versions: &[&str]) {
        let read: Vec<Version> = versions.iter().map(|text| order.read(text).unwrap()).collect();
        for (i, a) in read.iter().enumerate() {
            for (j, b) in read.iter().enumerate() {
                assert_eq!(a.compare(b), Some(i.cmp(&j)), "{} and {}", versions[i], versions[j]);
            }
        }
    }

    #[test]
    fn semantic_versions() {
        ascending(
            VersionOrder::Semantic,
            &[
                "0.0.0-20190101",
                "1.0.0-0.3.7",
                "1.0.0-2",
                "1.0.0-10",
                "1.0.0-alpha",
                "1.0.0-alpha.1",
                "1.0.0-alpha.beta",
                "1.0.0-beta.2",
                "1.0.0-beta.11",
                "1.0.0-rc.1",
                "1.0.0",
                "1.0.1",
                "1.2",
                "1.10.0",
                "2",
                "99999999999999999999999.0.0",
            ],
        );
        let read = |text| VersionOrder::Semantic.read(text).unwrap();
        for same in ["1.2.3", "v1.2.3", "V1.2.3", " 1.2.3", "1.2.3+build.5", "01.2.3"] {
            assert_eq!(read(same).compare(&read("1.2.3")), Some(Ordering::Equal), "{same}");
        }
        for none in ["", "a", "1.", "1..2", "1.2.3.4", "1.x", "1.2.3-", "1.2.3-a..b", "1.2.3-ä", "vv1", "-1"]
        {
            assert!(VersionOrder::Semantic.read(none).is_none(), "{none:?}");
        }
    }

    #[test]
    fn debian_versions() {
        ascending(
            VersionOrder::Debian,
            &[
                "1.0~~",
                "1.0~~a",
                "1.0~",
                "1.0",
                "1.0-0.1",
                "1.0-1",
                "1.0-1+b1",
                "1.0a",
                "1.0+dfsg-1",
                "1.2.3",
                "1.10",
                "1:0.1",
                "2:0",
            ],
        );
        let read = |text| VersionOrder::Debian.read(text).unwrap();
        for (a, b) in [("0:1.0-0", "1.0"), ("1.00", "1.0"), ("1.0-1", "1.0-01")] {
            assert_eq!(read(a).compare(&read(b)), Some(Ordering::Equal), "{a} {b}");
        }
        for none in ["", "a:1", ":1", "1:", "1_0", "-1"] {
            assert!(VersionOrder::Debian.read(none).is_none(), "{none:?}");
        }
    }

    #[test]
    fn others_are_equal_or_not() {
        let read = |text| VersionOrder::EqualOnly.read(text).unwrap();
        assert_eq!(read("v1.0-RC").compare(&read("1.0-rc")), Some(Ordering::Equal));
        assert_eq!(read("1.0").compare(&read("2.0")), None);
        assert_eq!(read("vista").compare(&read("ista")), None);
    }
}
