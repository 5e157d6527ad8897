//! Who may sign what. Takes a file and makes a [`VerifiedImage`] of it, or says why not.
//!
//! The trust directory holds `trust.json`, its detached signature `trust.json.sogsig`, and public keys in `keys/`.
//! It is read again for every decision, so a change holds from the next load on, without a restart.
#![forbid(unsafe_code)]

mod content;
mod decision;
mod directory;
mod document;
mod image;
mod package;

pub use content::content_digest;
pub use decision::{Artifact, Demand, signature_of};
pub use directory::{
    PreparedOfProcess, Roots, SchemesOfProcess, TrustDirectory, TrustSnapshot, document_signed_by,
};
pub use document::{SchemeGroups, ServiceRule, TrustDocument, TrustedKey};
pub use image::VerifiedImage;
pub use package::VerifiedPackage;
