//! What a change could leave behind in the process.

use sogov::runtime::process_report;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What a process could leak.
#[derive(Debug, PartialEq, Eq)]
pub struct Leftovers {
    descriptors: usize,
    images: usize,
    /// Versions that the process counts.
    versions: usize,
}

impl Leftovers {
    pub fn now() -> Self {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let is_version = |line: &&str| line.contains("memfd:") && line.contains('@');
        Self {
            descriptors: fs::read_dir("/proc/self/fd").unwrap().count(),
            images: maps.lines().filter(is_version).count(),
            versions: process_report().mapped,
        }
    }

    /// An engine that was closed unloads its last versions in the background.
    pub fn assert_same(&self, images_too: bool, case: &str) {
        let same = |now: &Self| {
            let images = (now.images, now.versions) == (self.images, self.versions);
            now.descriptors == self.descriptors && (!images_too || images)
        };
        for _ in 0..6000 {
            if same(&Self::now()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{case}: before {self:?}, after {:?}", Self::now());
    }
}

/// No temporary file is left anywhere in a state directory.
pub fn assert_no_temporary_file(state: &Path, case: &str) {
    for directory in ["machine", "machine/artifacts", "machine/stable"] {
        for entry in fs::read_dir(state.join(directory)).unwrap() {
            let name = entry.unwrap().file_name();
            assert!(!name.to_string_lossy().starts_with('.'), "{case}: {} was left", name.display());
        }
    }
}
