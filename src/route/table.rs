//! The compiled route policy and the decision for one request.
//!
//! Precedence: kill switch > pins > header rules, the lowest priority number first > fraction > stable.
#![forbid(unsafe_code)]

mod ends;
mod pins;
mod rules;

use super::bucket::{BUCKETS, BucketHasher, PURPOSE_ROUTE, bucket_of};
use super::layout::Layout;
use super::policy::{OnMissingKey, RoutePolicy};
use super::request::{KeySource, Request};
use pins::PinIndex;
use rules::RuleIndex;

/// Where every request goes. Immutable; it answers from any number of threads at once, without allocating.
#[derive(Clone, Debug)]
pub struct RouteTable {
    versions: Vec<String>,
    layout: Layout,
    kill_switch: bool,
    choices: Option<Choices>,
    /// With one version: what its policy decides by as soon as another one stands beside it.
    dormant: Option<Box<Choices>>,
}

/// What there is to decide by when there is more than one version.
#[derive(Clone, Debug)]
struct Choices {
    key: KeySource,
    on_missing_key: OnMissingKey,
    pins: PinIndex,
    rules: RuleIndex,
}

/// The version for a request and why it was picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// An index into [`RouteTable::versions`]; 0 is the stable version.
    pub version: u32,
    /// What decided.
    pub reason: Reason,
}

/// What decided, in the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The policy's kill switch sends everyone to stable.
    KillSwitch,
    /// The user is pinned.
    Pin,
    /// A header rule; [`RouteTable::rule_id`] has its name.
    Rule(u32),
    /// The user's bucket belongs to a gray version.
    Fraction,
    /// The user's bucket belongs to the stable version, or there is no other version.
    Stable,
    /// There is no user key, and the policy says `stable`.
    MissingKey,
    /// There is no user key, and the policy says `random`.
    Random,
    /// The version that it would have been has an open breaker. Not decided by the table, which knows no breakers.
    Breaker,
    /// The version's breaker is open, and this request sees whether it has recovered. Not decided by the table.
    Probe,
}

impl Reason {
    /// The name of the reason in logs, metrics and listings.
    pub fn name(self) -> &'static str {
        match self {
            Self::KillSwitch => "kill_switch",
            Self::Pin => "pin",
            Self::Rule(_) => "rule",
            Self::Fraction => "fraction",
            Self::Stable => "stable",
            Self::MissingKey => "missing_key",
            Self::Random => "random",
            Self::Breaker => "breaker",
            Self::Probe => "probe",
        }
    }
}

impl RouteTable {
    /// The table of `policy`.
    pub fn new(policy: &RoutePolicy) -> Self {
        let versions = policy.versions().to_vec();
        let choices = Choices {
            key: policy.key.clone(),
            on_missing_key: policy.on_missing_key,
            pins: PinIndex::new(&policy.pins, &policy.key.hasher),
            rules: RuleIndex::new(&policy.rules),
        };
        let (choices, dormant) =
            if versions.len() > 1 { (Some(choices), None) } else { (None, Some(Box::new(choices))) };
        Self { versions, layout: policy.layout().clone(), kill_switch: policy.kill_switch, choices, dormant }
    }

    /// The table of a service without a policy: everything to `stable`.
    pub fn only(stable: &str) -> Self {
        Self {
            versions: vec![stable.to_owned()],
            layout: Layout::STABLE,
            kill_switch: false,
            choices: None,
            dormant: None,
        }
    }

    /// This table's one version with `gray` beside it, which gets `share` of the 10,000 buckets. Key, salt, pins and
    /// rules are those of the policy that the table was made of. Without one, users are told apart by their key with
    /// the salt `service`, and requests without a key are drawn at random, so that the share is one of all requests.
    #[must_use]
    pub fn with_gray(&self, gray: &str, share: u32, service: &str) -> Self {
        let choices = self.dormant.as_deref().cloned().unwrap_or_else(|| Choices::without_policy(service));
        self.beside(gray, share, choices)
    }

    /// This table's one version with `gray` beside it, which gets every request, whatever the policy says.
    #[must_use]
    pub fn all_to_gray(&self, gray: &str, service: &str) -> Self {
        self.beside(gray, BUCKETS, Choices::without_policy(service))
    }

    fn beside(&self, gray: &str, share: u32, choices: Choices) -> Self {
        Self {
            versions: self.versions.iter().take(1).cloned().chain([gray.to_owned()]).collect(),
            layout: Layout::ends(&[BUCKETS.saturating_sub(share), share.min(BUCKETS)]),
            kill_switch: self.kill_switch,
            choices: Some(choices),
            dormant: None,
        }
    }

    /// Whether everyone is sent to the stable version by the policy's kill switch.
    pub fn is_killed(&self) -> bool {
        self.kill_switch
    }

    /// The labels of the versions: the stable one, then the grays by `seq`.
    pub fn versions(&self) -> &[String] {
        &self.versions
    }

    /// How many of the 10,000 buckets each version owns.
    pub fn shares(&self) -> Vec<u32> {
        self.layout.counts(self.versions.len())
    }

    /// The id of the rule that a [`Reason::Rule`] speaks of.
    pub fn rule_id(&self, rule: u32) -> Option<&str> {
        self.choices.as_ref()?.rules.id(rule)
    }

    /// The version for `request`. `random` is asked for 64 uniform bits if the policy sends users without a
    /// key anywhere.
    #[inline]
    pub fn decide(&self, request: &Request<'_>, random: impl FnOnce() -> u64) -> Decision {
        if self.kill_switch {
            return Decision { version: 0, reason: Reason::KillSwitch };
        }
        match &self.choices {
            Some(choices) => self.choose(choices, request, random),
            None => Decision { version: 0, reason: Reason::Stable },
        }
    }

    /// [`decide`](Self::decide) where there is more than one version.
    fn choose(&self, choices: &Choices, request: &Request<'_>, random: impl FnOnce() -> u64) -> Decision {
        let key = choices.key.key_of(request);
        let hash = key.as_ref().map(|key| choices.key.hash(key));
        if let (Some(key), Some(hash)) = (&key, hash)
            && let Some(version) = choices.pins.version_of(hash, key)
        {
            return Decision { version, reason: Reason::Pin };
        }
        if let Some((rule, version)) = choices.rules.first_match(request.headers) {
            return Decision { version, reason: Reason::Rule(rule) };
        }
        match (hash, choices.on_missing_key) {
            (Some(hash), _) => {
                let version = self.layout.owner(bucket_of(hash));
                Decision { version, reason: if version == 0 { Reason::Stable } else { Reason::Fraction } }
            }
            (None, OnMissingKey::Stable) => Decision { version: 0, reason: Reason::MissingKey },
            (None, OnMissingKey::Random) => {
                Decision { version: self.layout.owner(bucket_of(random())), reason: Reason::Random }
            }
        }
    }
}

impl Choices {
    fn without_policy(service: &str) -> Self {
        let hasher = BucketHasher::new(service, PURPOSE_ROUTE);
        Self {
            pins: PinIndex::new(&[], &hasher),
            rules: RuleIndex::new(&[]),
            key: KeySource { by: Vec::new(), hasher },
            on_missing_key: OnMissingKey::Random,
        }
    }
}

#[cfg(test)]
mod tests;
