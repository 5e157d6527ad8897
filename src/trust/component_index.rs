//! Finds what rules and advisories say about a component, whatever their number.

use crate::artifact::sbom::Component;
use crate::artifact::sbom::purl::{Purl, name_key};
use std::collections::HashMap;

/// Rules or advisories by the packages that they are about; each has a number.
#[derive(Clone, Debug, Default)]
pub(super) struct ComponentIndex {
    by_key: HashMap<String, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
}

impl ComponentIndex {
    /// Notes that the entry `number` is about `package`.
    pub(super) fn add(&mut self, package: &Purl, number: usize) {
        for (map, key) in [(&mut self.by_key, package.key()), (&mut self.by_name, package.untyped_key())] {
            let numbers: &mut Vec<usize> = map.entry(key).or_default();
            if numbers.last() != Some(&number) {
                numbers.push(number);
            }
        }
    }

    /// The entries about `component`, in order, each once. A component without a package URL, or with one of a type that
    /// nobody knows, is held by its name: to hide its kind gains it nothing.
    pub(super) fn about(&self, component: &Component) -> Vec<usize> {
        let package = component.purl.as_ref();
        if let Some(package) = package.filter(|package| package.has_known_kind()) {
            return self.by_key.get(&package.key()).cloned().unwrap_or_default();
        }
        let names = [
            Some(name_key(&component.name)),
            package.map(Purl::untyped_key),
            package.map(|package| name_key(package.name())),
        ];
        let found = names.iter().flatten().filter_map(|name| self.by_name.get(name));
        let mut numbers: Vec<usize> = found.flatten().copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}
