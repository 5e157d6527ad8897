//! Who may sign what. Takes a file and makes a [`VerifiedImage`] of it, or says why not.
//!
//! The trust directory holds `trust.json`, the deny-list `denylist.json`, where services ask for it `advisories.json`, sets of
//! root keys in `roots/`, each with its detached signature, and public keys in `keys/`. Each decision looks at it as of one
//! moment, so a change holds from the next load on, without a restart. What was accepted is remembered: nothing older is taken
//! later.
#![forbid(unsafe_code)]

mod advisories;
mod clock;
mod component_index;
mod content;
mod decision;
mod denylist;
mod directory;
mod document;
mod files;
mod image;
mod kept;
mod library;
mod package;
mod roots;
mod sbom;
mod signed;
mod snapshot;

pub use advisories::{Advisories, Advisory};
pub use clock::{Clock, ClockVerdict, Seen, SharedClock, TrustTime};
pub use content::content_digest;
pub use decision::{Artifact, Demand, signature_of};
pub use denylist::Denylist;
pub use directory::{PreparedOfProcess, SchemesOfProcess, TrustDirectory, TrustView};
pub use document::{
    DenyRule, DenylistRule, OnRevoked, SbomRule, SchemeGroups, ServiceRule, TrustDocument, TrustedKey,
};
pub use image::VerifiedImage;
pub use kept::{ClockRecord, Confirmation, Kept, Numbers};
pub use library::{Demanded, VerifiedLibrary};
pub use package::VerifiedPackage;
pub use roots::Roots;
pub use sbom::{Denial, Gate, components};
pub use signed::{document_signed_by, signed_by};
pub use snapshot::{Denied, TrustSnapshot};
