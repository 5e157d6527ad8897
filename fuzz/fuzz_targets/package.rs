//! The content of packages: what is read is written as the same bytes, and every name is fit for a directory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sogov::artifact::package::{Manifest, Package, broken_file_name};

fuzz_target!(|data: &[u8]| {
    if let Ok(package) = Package::from_der(data) {
        assert_eq!(Package::to_der(&package.signed, &package.files).as_deref(), Ok(data));
        assert_eq!(package.manifest.entries.len(), package.files.len());
        assert!(package.manifest.entries.iter().all(|entry| broken_file_name(&entry.name).is_none()));
    }
    if let Ok(manifest) = Manifest::from_der(data) {
        assert_eq!(manifest.to_der().as_deref(), Ok(data));
    }
});
