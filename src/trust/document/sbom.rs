//! What a trust document asks of bills of materials.
//!
//! ```json
//! {"missing": "deny",
//!  "deny": [{"purl": "pkg:cargo/foo", "versions": ">=1.0,<1.2", "reason": "unsound"}],
//!  "advisories": "deny", "max_advisory_age_days": 14}
//! ```

use super::list;
use crate::artifact::sbom::Component;
use crate::artifact::sbom::order::VersionOrder;
use crate::artifact::sbom::purl::{self, Purl};
use crate::artifact::sbom::range::Range;
use crate::document::Field;
use crate::error::Result;
use crate::trust::component_index::ComponentIndex;

const MAX_RULES: usize = 10_000;
const MAX_AGE_DAYS: u64 = 3_650;
const DAY: u64 = 86_400;

/// What a service asks of the bill of materials of its artifacts; by default nothing.
#[derive(Clone, Debug, Default)]
pub struct SbomRule {
    /// Whether an artifact without one is refused.
    pub required: bool,
    /// Where set, components with a known vulnerability are denied, by a snapshot of advisories that is at most so many
    /// seconds old.
    pub advisories_max_age: Option<u64>,
    deny: Vec<DenyRule>,
    index: ComponentIndex,
}

/// Components that are denied.
#[derive(Clone, Debug)]
pub struct DenyRule {
    /// The package, without version, qualifiers and subpath.
    pub package: Purl,
    /// Which versions of it.
    pub versions: Range,
    /// Why; may be empty.
    pub reason: String,
}

impl SbomRule {
    /// Whether anything is asked.
    pub fn is_empty(&self) -> bool {
        !self.required && self.advisories_max_age.is_none() && self.deny.is_empty()
    }

    /// The rules that deny components.
    pub fn denied(&self) -> &[DenyRule] {
        &self.deny
    }

    /// The first rule that denies `component`.
    pub fn denial(&self, component: &Component) -> Option<&DenyRule> {
        let rules = self.index.about(component).into_iter().filter_map(|number| self.deny.get(number));
        rules.into_iter().find(|rule| rule.versions.contains(&component.version))
    }

    pub(super) fn parse(field: &Field<'_>) -> Result<Self> {
        let mut object = field.object()?;
        let mut rule = Self::default();
        if let Some(field) = object.optional("missing") {
            rule.required = field.one_of(&["allow", "deny"])? == "deny";
        }
        if let Some(field) = object.optional("deny") {
            rule.deny = list(&field, MAX_RULES, DenyRule::parse)?;
        }
        let asks = match object.optional("advisories") {
            Some(field) => field.one_of(&["ignore", "deny"])? == "deny",
            None => false,
        };
        rule.advisories_max_age = match object.optional("max_advisory_age_days") {
            Some(days) if asks => Some(days.unsigned_up_to(MAX_AGE_DAYS)? * DAY),
            Some(days) => return Err(days.error(r#"goes with "advisories": "deny""#)),
            None if asks => {
                return Err(object.error_at(
                    "max_advisory_age_days",
                    r#"required with "advisories": "deny", but missing"#,
                ));
            }
            None => None,
        };
        object.finish()?;
        for (number, denied) in rule.deny.iter().enumerate() {
            rule.index.add(&denied.package, number);
        }
        Ok(rule)
    }
}

impl DenyRule {
    fn parse(field: &Field<'_>) -> Result<Self> {
        let mut object = field.object()?;
        let field = object.required("purl")?;
        let package = Purl::parse(field.text(purl::MAX_LEN)?).map_err(|why| field.error(why))?;
        if !package.has_known_kind() {
            let kind = package.kind();
            return Err(field.error(format!("expected a type of the purl registry, found {kind}")));
        }
        if !package.is_bare() {
            return Err(
                field.error("expected no version, qualifiers or subpath: `versions` says which versions")
            );
        }
        let order = VersionOrder::of(&package);
        let versions = object.optional("versions");
        let text = versions.as_ref().map_or(Ok("*"), |field| field.text(purl::MAX_LEN))?;
        let versions = Range::parse(text, order)
            .map_err(|why| versions.map_or_else(|| field.error(&why), |field| field.error(&why)))?;
        let reason = object.optional("reason").map_or(Ok(""), |field| field.text(1024))?.to_owned();
        object.finish()?;
        Ok(Self { package, versions, reason })
    }
}
