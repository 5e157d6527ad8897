//! CycloneDX JSON, 1.4 to 1.6. What counts is the component that the document describes (`metadata.component`), `components`,
//! and every component inside of one.

use super::{List, MAX_COMPONENTS, name, purl, text, too_many};
use crate::document::{Field, Object};
use crate::error::Result;

/// Reads the document; how deep components may stand in each other is bounded by the reader of JSON.
pub(super) fn read(root: &mut Object<'_>, list: &mut List) -> Result<()> {
    root.required("specVersion")?.one_of(&["1.4", "1.5", "1.6"])?;
    // Walked by a list of its own rather than by recursion.
    let mut open: Vec<Field<'_>> = Vec::new();
    if let Some(metadata) = root.optional("metadata") {
        open.extend(metadata.object()?.optional("component"));
    }
    if let Some(components) = root.optional("components") {
        open.extend(components.array()?);
    }
    while let Some(field) = open.pop() {
        if open.len() > MAX_COMPONENTS {
            return Err(too_many(root));
        }
        let mut component = field.object()?;
        enter(&mut component, list)?;
        if let Some(inner) = component.optional("components") {
            open.extend(inner.array()?);
        }
    }
    Ok(())
}

fn enter(component: &mut Object<'_>, list: &mut List) -> Result<()> {
    let own = name(&component.required("name")?)?;
    let group = component.optional("group").map(|field| text(&field)).transpose()?.unwrap_or_default();
    let version = component.optional("version").map(|field| text(&field)).transpose()?.unwrap_or_default();
    let purl = component.optional("purl").map(|field| purl(&field)).transpose()?;
    if group.is_empty() {
        return list.enter(component, purl.as_ref(), &own, &version);
    }
    if purl.is_none() {
        // Known by its name alone, and whether the group is part of that nobody says: it counts as both.
        list.enter(component, None, &own, &version)?;
    }
    list.enter(component, purl.as_ref(), &format!("{group}/{own}"), &version)
}
