//! Who may sign what. Takes a file and makes a [`VerifiedImage`] of it, or says why not.
//!
//! The trust directory holds `trust.json`, its detached signature `trust.json.sogsig`, public keys in `keys/`, and where services
//! ask for it `advisories.json` with its signature.
//! It is read again for every decision, so a change holds from the next load on, without a restart.
#![forbid(unsafe_code)]

mod advisories;
mod content;
mod decision;
mod directory;
mod document;
mod image;
mod package;
mod packages;
mod root_document;
mod sbom;

pub use advisories::{Advisories, Advisory};
pub use content::content_digest;
pub use decision::{Artifact, Demand, signature_of};
pub use directory::{PreparedOfProcess, Roots, SchemesOfProcess, TrustDirectory, TrustSnapshot};
pub use document::{DenyRule, SbomRule, SchemeGroups, ServiceRule, TrustDocument, TrustedKey};
pub use image::VerifiedImage;
pub use package::VerifiedPackage;
pub use root_document::RootDocument;
pub use sbom::{Denial, Gate, components};
