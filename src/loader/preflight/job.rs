//! What the child is told, in a file of its own that is closed before any code of the image runs.

use crate::loader::Isolation;
use crate::sys::sandbox::Quota;
use std::ffi::CString;
use std::time::Duration;

/// Both sides must be of one release.
pub(super) const RELEASE: &str = env!("CARGO_PKG_VERSION");

#[derive(Debug, PartialEq)]
pub(super) struct Job {
    pub(super) release: String,
    /// What a report must begin with, and the image never sees.
    pub(super) nonce: Nonce,
    pub(super) service: String,
    pub(super) version: String,
    pub(super) quota: Quota,
    /// How many bytes of log lines the report may hold.
    pub(super) log_room: usize,
    pub(super) isolation: Isolation,
    /// Loaded before the image.
    pub(super) libraries: Vec<CString>,
    /// How many descriptors from `place::LIBRARIES` on are libraries that are loaded then.
    pub(super) sealed_libraries: usize,
}

pub(super) type Nonce = [u64; 2];

impl Job {
    /// Fields one after the other, the release first; texts and lists with their lengths in front.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        text(&mut bytes, self.release.as_bytes());
        for number in [
            self.nonce[0],
            self.nonce[1],
            self.quota.memory,
            u64::try_from(self.quota.processor.as_nanos()).unwrap_or(u64::MAX),
            self.log_room as u64,
            u64::from(self.isolation == Isolation::Own),
            self.sealed_libraries as u64,
        ] {
            bytes.extend(number.to_ne_bytes());
        }
        text(&mut bytes, self.service.as_bytes());
        text(&mut bytes, self.version.as_bytes());
        for library in &self.libraries {
            text(&mut bytes, library.as_bytes());
        }
        bytes
    }

    /// `Err` with the release of the other side, if it could be read and is another one.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Option<String>> {
        let mut rest = Rest(bytes);
        let release = rest.string().ok_or(None)?;
        if release != RELEASE {
            return Err(Some(release));
        }
        Self::fields(release, rest).ok_or(None)
    }

    fn fields(release: String, mut rest: Rest<'_>) -> Option<Self> {
        let nonce = [rest.number()?, rest.number()?];
        let quota = Quota { memory: rest.number()?, processor: Duration::from_nanos(rest.number()?) };
        let log_room = usize::try_from(rest.number()?).ok()?;
        let isolation = Isolation::own_if(rest.number()? == 1);
        let sealed_libraries = usize::try_from(rest.number()?).ok()?;
        let (service, version) = (rest.string()?, rest.string()?);
        let mut libraries = Vec::new();
        while !rest.0.is_empty() {
            libraries.push(CString::new(rest.text()?).ok()?);
        }
        Some(Self {
            release,
            nonce,
            service,
            version,
            quota,
            log_room,
            isolation,
            libraries,
            sealed_libraries,
        })
    }
}

fn text(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.extend((text.len() as u64).to_ne_bytes());
    bytes.extend(text);
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_ne_bytes(*number))
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(text)
    }

    fn string(&mut self) -> Option<String> {
        self.text().and_then(|text| std::str::from_utf8(text).ok()).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_less() {
        let job = Job {
            release: RELEASE.to_owned(),
            nonce: [1, u64::MAX],
            service: "fee".to_owned(),
            version: String::new(),
            quota: Quota { memory: 1 << 20, processor: Duration::from_millis(1500) },
            log_room: 100,
            isolation: Isolation::Own,
            libraries: vec![c"/opt/libone.so".to_owned(), c"/opt/libtwo.so".to_owned()],
            sealed_libraries: 2,
        };
        let bytes = job.encode();
        let whole = bytes.len();
        let without = Job { libraries: Vec::new(), ..Job::decode(&bytes).unwrap() }.encode().len();
        let one = without + 8 + "/opt/libone.so".len();
        assert_eq!(Job::decode(&bytes), Ok(job));
        for len in (0..whole).filter(|len| ![without, one].contains(len)) {
            assert!(Job::decode(&bytes[..len]).is_err(), "{len}");
        }
        let other = Job { release: "0.0.0".to_owned(), ..Job::decode(&bytes).unwrap() };
        assert_eq!(Job::decode(&other.encode()), Err(Some("0.0.0".to_owned())));
    }
}
