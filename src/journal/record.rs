//! A record: one JSON object on one line, in one form only.
//!
//! ```text
//! {"seq":7,"time":"2027-01-31T00:00:00Z","process":4711,"event":"promote","actor":"ops","reason":"release",
//!  "service":"fee","version":"v2","digest":"sm3:...","status":"OK","message":"","previous":"sm3:...","hash":"sm3:..."}
//! ```
//!
//! `hash` is the SM3 digest of the exact bytes before `,"hash"`. A line that is not what its own content is written as is
//! refused, so no two lines say the same.
#![forbid(unsafe_code)]

use crate::crypto::key_id::{KeyId, parse_digest};
use crate::crypto::sm3::{self, Digest};
use crate::document::{Document, Field, Object};
use crate::error::{Error, Result, Status, one_line};
use crate::timestamp::{self, UnixSeconds};
use serde_json::Value;
use std::fmt::Write;

/// Bytes of the longest line, its end included.
pub const MAX_LINE: usize = 32 << 10;
/// Bytes of the longest text of a record; a longer one is cut, and ends with `[cut]`.
pub const MAX_TEXT: usize = 1024;
/// What the first record names as the one before.
pub const NO_RECORD: Digest = [0; 32];

const CUT: &str = "[cut]";
const MAX_SIGNATURE: usize = 4096;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What a record tells of. Its name is part of the format.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            const NAMES: &[(Self, &'static str)] = &[$((Self::$kind, $name),)*];
            const TEXTS: &[&'static str] = &[$($name,)*];

            /// The name in the record.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// An engine was opened.
    Open = "open",
    /// An engine was closed.
    Close = "close",
    /// A plugin file was signed.
    Sign = "sign",
    /// A plugin file was decided over.
    Verify = "verify",
    /// An update package was installed; the version is its number.
    Install = "install",
    /// A version was loaded, or refused.
    Load = "load",
    /// A version was promoted.
    Promote = "promote",
    /// A service was rolled back.
    Rollback = "rollback",
    /// A service's stable version was brought back after a restart.
    Restore = "restore",
    /// A version was unloaded.
    Unload = "unload",
    /// A route policy was put in force.
    RoutePolicy = "route-policy",
    /// A hot update has ended.
    Update = "update",
    /// A step of a hot update has ended; `message` begins with its name.
    UpdateStep = "update-step",
    /// The trust document, the deny-list or the root keys are others than before, or somebody had them looked at.
    Trust = "trust",
    /// A version that is loaded, or was stable before a restart, is trusted no more.
    Revoked = "revoked",
    /// The machine's clock was set back or jumped ahead, is believed again, or somebody confirmed it.
    Clock = "clock",
    /// A breaker has changed.
    Breaker = "breaker",
    /// A version crashed and serves no more.
    Crash = "crash",
    /// A version has to stay mapped.
    Pinned = "pinned",
    /// A version was unmapped.
    Unmapped = "unmapped",
    /// How many messages were signed and verified since the last such record of the process.
    Messages = "messages",
    /// A signature over the trail so far.
    Checkpoint = "checkpoint",
    /// The rest of a record that was torn by a crash was taken away.
    Recovered = "recovered",
    /// The oldest segments were removed to stay within the bound.
    Trimmed = "trimmed",
}

/// What is to be recorded; number, time, process and chain are added when it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What happened.
    pub kind: Kind,
    /// Who asked for it. May carry personal data.
    pub actor: String,
    /// Why. May carry personal data.
    pub reason: String,
    /// The service, or empty.
    pub service: String,
    /// The version's label, or empty.
    pub version: String,
    /// The digest of the artifact or document, if there is one.
    pub digest: Option<Digest>,
    /// What became of it: the name of a status, or `REQUESTED` for what is about to be done.
    pub status: String,
    /// More about it, for people; names of files may stand there.
    pub message: String,
    /// What only some kinds have.
    pub detail: Detail,
}

impl Entry {
    /// An entry of that kind with nothing else in it, and the status `OK`.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            actor: String::new(),
            reason: String::new(),
            service: String::new(),
            version: String::new(),
            digest: None,
            status: "OK".into(),
            message: String::new(),
            detail: Detail::None,
        }
    }
}

/// What only some kinds of records have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing more.
    None,
    /// Of [`Kind::Messages`].
    Counts {
        /// Messages that were signed.
        signed: u64,
        /// Signatures that were verified and are right.
        verified: u64,
        /// Signatures that were verified and are not.
        refused: u64,
    },
    /// Of [`Kind::Trimmed`]: where the trail begins from now on.
    Anchor {
        /// The number of the first record that is kept.
        first_kept: u64,
        /// The hash of the record before it.
        anchor: Digest,
    },
    /// Of [`Kind::Checkpoint`].
    Signature {
        /// The key that signed.
        key: KeyId,
        /// The number of its scheme.
        scheme: u8,
        /// The signature, in its scheme's form, over [`super::checkpoint::signed_bytes`].
        signature: Vec<u8>,
    },
}

/// A record as it stands in a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The running number, from 1.
    pub seq: u64,
    /// When it was written, by the clock of the machine.
    pub time: UnixSeconds,
    /// The process that wrote it.
    pub process: u32,
    /// What it tells.
    pub entry: Entry,
    /// The hash of the record before.
    pub previous: Digest,
}

impl Record {
    /// The line, its end included, and the record's hash.
    pub fn line(&self) -> (Vec<u8>, Digest) {
        let mut line = self.body();
        if let Detail::Signature { signature, .. } = &self.entry.detail {
            let hex = signature.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
            let _ = write!(line, ",\"signature\":\"{hex}\"");
        }
        let hash = sm3::digest(line.as_bytes());
        let _ = writeln!(line, ",\"hash\":\"{}\"}}", sm3::text(&hash));
        (line.into_bytes(), hash)
    }

    /// The line up to where a signature or the hash follows: what a checkpoint signs.
    pub fn body(&self) -> String {
        let Entry { kind, actor, reason, service, version, digest, status, message, detail } = &self.entry;
        let mut line = format!("{{\"seq\":{}", self.seq);
        let mut put = |name: &str, value: Value| {
            // Writing to a String cannot fail.
            let _ = write!(line, ",\"{name}\":{value}");
        };
        put("time", timestamp::format(self.time).into());
        put("process", self.process.into());
        put("event", kind.name().into());
        for (name, text) in [("actor", actor), ("reason", reason), ("service", service), ("version", version)]
        {
            put(name, fitted(text).into());
        }
        put("digest", digest.as_ref().map(sm3::text).unwrap_or_default().into());
        put("status", fitted(status).into());
        put("message", fitted(message).into());
        match detail {
            Detail::None => {}
            Detail::Counts { signed, verified, refused } => {
                for (name, count) in [("signed", signed), ("verified", verified), ("refused", refused)] {
                    put(name, (*count).into());
                }
            }
            Detail::Anchor { first_kept, anchor } => {
                put("first_kept", (*first_kept).into());
                put("anchor", sm3::text(anchor).into());
            }
            Detail::Signature { key, scheme, .. } => {
                put("key", key.to_string().into());
                put("scheme", (*scheme).into());
            }
        }
        put("previous", sm3::text(&self.previous).into());
        line
    }

    /// Reads a line without its end; answers the record and its hash. [`Status::AuditBroken`] for anything that
    /// [`line`](Self::line) would not have written.
    pub fn parse(line: &[u8]) -> Result<(Self, Digest)> {
        let document = Document::parse(line, MAX_LINE, Status::AuditBroken)?;
        let mut root = document.object()?;
        let seq = root.required("seq")?.unsigned()?;
        let time = root.required("time")?;
        let time = timestamp::parse(time.text(20)?).ok_or_else(|| time.expected("a time in UTC"))?;
        let process = root.required("process")?;
        let process = u32::try_from(process.unsigned()?).map_err(|_| process.expected("a process"))?;
        let event = root.required("event")?;
        let name = event.one_of(Kind::TEXTS)?;
        let kind = Kind::NAMES.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind);
        let kind = kind.ok_or_else(|| event.expected("a kind of event"))?;
        let mut text = |name| root.required(name)?.text(MAX_TEXT).map(str::to_owned);
        let (actor, reason, service, version) =
            (text("actor")?, text("reason")?, text("service")?, text("version")?);
        let digest = root.required("digest")?;
        let digest = if digest.text(MAX_TEXT)?.is_empty() { None } else { Some(digest_of(&digest)?) };
        let mut text = |name| root.required(name)?.text(MAX_TEXT).map(str::to_owned);
        let (status, message) = (text("status")?, text("message")?);
        let detail = detail(kind, &mut root)?;
        let previous = digest_of(&root.required("previous")?)?;
        let stated = root.required("hash")?;
        let stated_hash = digest_of(&stated)?;
        root.finish()?;
        let entry = Entry { kind, actor, reason, service, version, digest, status, message, detail };
        let record = Self { seq, time, process, entry, previous };
        let (written, hash) = record.line();
        if hash != stated_hash {
            return Err(stated.error(format!(
                "expected {}, found {}",
                sm3::text(&hash),
                sm3::text(&stated_hash)
            )));
        }
        if written.strip_suffix(b"\n") != Some(line) {
            return Err(Error::new(
                Status::AuditBroken,
                "expected the one form of a record, found another order, spacing or spelling",
            ));
        }
        Ok((record, hash))
    }
}

fn detail(kind: Kind, root: &mut Object<'_>) -> Result<Detail> {
    Ok(match kind {
        Kind::Messages => Detail::Counts {
            signed: root.required("signed")?.unsigned()?,
            verified: root.required("verified")?.unsigned()?,
            refused: root.required("refused")?.unsigned()?,
        },
        Kind::Trimmed => Detail::Anchor {
            first_kept: root.required("first_kept")?.unsigned()?,
            anchor: digest_of(&root.required("anchor")?)?,
        },
        Kind::Checkpoint => {
            let key = KeyId::from_bytes(digest_of(&root.required("key")?)?);
            let scheme = root.required("scheme")?;
            let scheme =
                u8::try_from(scheme.unsigned()?).map_err(|_| scheme.expected("a scheme's number"))?;
            let signature = root.required("signature")?;
            let hex = signature.text(2 * MAX_SIGNATURE)?;
            let bytes = unhex(hex).ok_or_else(|| signature.expected("hex digits"))?;
            Detail::Signature { key, scheme, signature: bytes }
        }
        _ => Detail::None,
    })
}

fn digest_of(field: &Field<'_>) -> Result<Digest> {
    parse_digest(field.text(128)?).ok_or_else(|| field.expected("sm3: and 64 hex digits"))
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    let (pairs, []) = hex.as_bytes().as_chunks::<2>() else { return None };
    let nibble = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    pairs.iter().map(|&[high, low]| Some(nibble(high)? << 4 | nibble(low)?)).collect()
}

/// The text without control characters, and not too long. What was read from a record comes out as it went in.
fn fitted(text: &str) -> String {
    let line = one_line(text.to_owned());
    if line.len() <= MAX_TEXT {
        return line;
    }
    let end = line.floor_char_boundary(MAX_TEXT.saturating_sub(CUT.len()));
    line.get(..end).unwrap_or_default().to_owned() + CUT
}
