//! Ranges of versions, such as `>=1.0,<1.2 || =2.0.1`, in the order of the package that they are about.
//!
//! ```text
//! range       = "*" / alternative *( "||" alternative )
//! alternative = comparison *( "," comparison )        ; all of them
//! comparison  = [ "<" / "<=" / ">" / ">=" / "=" ] version
//! ```

use super::order::{Version, VersionOrder};
use crate::document::quoted;
use std::cmp::Ordering;
use std::fmt;

const MAX_LEN: usize = 4096;
const MAX_COMPARISONS: usize = 64;

/// Which versions a rule is about.
#[derive(Clone, Debug)]
pub struct Range {
    text: String,
    order: VersionOrder,
    /// `None`: every version.
    alternatives: Option<Vec<Vec<Comparison>>>,
}

#[derive(Clone, Debug)]
struct Comparison {
    /// Which outcomes of comparing a version with `bound` are in the range.
    wanted: &'static [Ordering],
    bound: Version,
}

impl Range {
    /// Reads a range of versions of that order; otherwise says what is wrong with it. `<` and the like are refused where there
    /// is no order.
    pub fn parse(text: &str, order: VersionOrder) -> Result<Self, String> {
        Self::read(text, order).map_err(|why| format!("range {}: {why}", quoted(text)))
    }

    /// Whether `version` is in the range. One that is absent, or has no place in the order, is in every range: what cannot be
    /// compared is not let through.
    pub fn contains(&self, version: &str) -> bool {
        let (Some(alternatives), Some(version)) = (&self.alternatives, self.order.read(version)) else {
            return true;
        };
        let holds = |comparison: &Comparison| {
            version.compare(&comparison.bound).is_some_and(|found| comparison.wanted.contains(&found))
        };
        alternatives.iter().any(|all| all.iter().all(holds))
    }

    fn read(text: &str, order: VersionOrder) -> Result<Self, String> {
        if text.len() > MAX_LEN {
            return Err(format!("expected at most {MAX_LEN} bytes, found {}", text.len()));
        }
        let owned = text.to_owned();
        if text.trim() == "*" {
            return Ok(Self { text: owned, order, alternatives: None });
        }
        let read_all = |all: &str| all.split(',').map(|one| comparison(one, order)).collect();
        let alternatives: Vec<Vec<Comparison>> = text.split("||").map(read_all).collect::<Result<_, _>>()?;
        let count = alternatives.iter().map(Vec::len).sum::<usize>();
        if count > MAX_COMPARISONS {
            return Err(format!("expected at most {MAX_COMPARISONS} comparisons, found {count}"));
        }
        Ok(Self { text: owned, order, alternatives: Some(alternatives) })
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn comparison(text: &str, order: VersionOrder) -> Result<Comparison, String> {
    use Ordering::{Equal, Greater, Less};
    const SIGNS: &[(&str, &[Ordering])] = &[
        ("<=", &[Less, Equal]),
        (">=", &[Greater, Equal]),
        ("<", &[Less]),
        (">", &[Greater]),
        ("=", &[Equal]),
        ("", &[Equal]),
    ];
    let text = text.trim();
    let found = SIGNS.iter().find_map(|(sign, wanted)| Some((*wanted, text.strip_prefix(*sign)?)));
    let (wanted, version) = found.unwrap_or((&[Equal], text));
    if wanted != [Equal].as_slice() && !order.is_total() {
        return Err("expected = or *: versions of this type of package have no order here".into());
    }
    let shaped = !version.trim_start().starts_with(['<', '>', '=', '^', '~', '!', '*']);
    let bound = order.read(version).filter(|_| shaped);
    let bound = bound.ok_or_else(|| format!("expected a version, found {}", quoted(version.trim())))?;
    Ok(Comparison { wanted, bound })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_inside_and_outside() {
        let semantic = |text| Range::parse(text, VersionOrder::Semantic).unwrap();
        let range = semantic(">=1.0, <1.2 || =2.0.1 ||3");
        for inside in ["1.0.0", "v1.0.0", "1.1.99", "1.2.0-rc.1", "2.0.1+x", "3.0.0", "", "unknown"] {
            assert!(range.contains(inside), "{inside}");
        }
        for outside in ["0.9.9", "1.0.0-rc.1", "1.2.0", "2.0.0", "2.0.2", "4.0.0"] {
            assert!(!range.contains(outside), "{outside}");
        }
        assert!(semantic("*").contains("7"));
        let debian = Range::parse("<1:1.1.1n-0+deb11u5", VersionOrder::Debian).unwrap();
        assert!(debian.contains("1:1.1.1n-0+deb11u4") && debian.contains("9.9"));
        assert!(!debian.contains("1:1.1.1n-0+deb11u5"));
        let equal = Range::parse("=1.0||2.0", VersionOrder::EqualOnly).unwrap();
        assert!(equal.contains("v1.0") && equal.contains("2.0") && !equal.contains("1.1"));
    }

    #[test]
    fn what_is_refused() {
        for text in ["", ",", ">=1,", "||1", "^1", "~1", "!=1", "==1", ">=", "1 2", "1 - 2", "**", "*,1"] {
            assert!(Range::parse(text, VersionOrder::Semantic).is_err(), "{text:?}");
        }
        assert!(Range::parse("<1", VersionOrder::EqualOnly).is_err());
        assert!(Range::parse(&["1"; 65].join(","), VersionOrder::Semantic).is_err());
    }
}
