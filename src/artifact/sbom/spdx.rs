//! SPDX JSON, 2.2 and 2.3. What counts is `packages`, each under every package URL that its external references give.

use super::{List, name, purl, text};
use crate::document::Object;
use crate::error::Result;

/// Reads the document.
pub(super) fn read(root: &mut Object<'_>, list: &mut List) -> Result<()> {
    let packages = root.optional("packages").map(|field| field.array()).transpose()?.unwrap_or_default();
    for package in packages {
        enter(&mut package.object()?, list)?;
    }
    Ok(())
}

fn enter(package: &mut Object<'_>, list: &mut List) -> Result<()> {
    let name = name(&package.required("name")?)?;
    let version = package.optional("versionInfo").map(|field| text(&field)).transpose()?.unwrap_or_default();
    // Chapter 3.2: absent information is spelled out.
    let version = if version == "NOASSERTION" || version == "NONE" { String::new() } else { version };
    let references =
        package.optional("externalRefs").map(|field| field.array()).transpose()?.unwrap_or_default();
    let mut has_purl = false;
    for reference in references {
        let mut reference = reference.object()?;
        if reference.required("referenceType")?.text(256)? == "purl" {
            let purl = purl(&reference.required("referenceLocator")?)?;
            has_purl = true;
            list.enter(package, Some(&purl), &name, &version)?;
        }
    }
    if has_purl { Ok(()) } else { list.enter(package, None, &name, &version) }
}
