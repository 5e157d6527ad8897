//! The files of the trust state, written and read.
#![forbid(unsafe_code)]

use super::{MAX_CONFIRMATIONS, Numbers};
use crate::crypto::key_id::parse_digest;
use crate::crypto::sm3;
use crate::document::{Document, Field, Object};
use crate::error::{Result, Status};
use crate::sys::boot::SinceBoot;
use crate::timestamp::{self, UnixSeconds};
use crate::trust::clock::Seen;
use crate::trust::document::time;
use serde_json::json;

/// The most bytes of the numbers.
pub(super) const MAX_NUMBERS: usize = 1 << 20;
/// The most bytes of the clock's record.
pub(super) const MAX_CLOCK: usize = 1 << 20;
/// The most bytes of an actor and of a reason.
pub(super) const MAX_TEXT: usize = 512;

/// What is kept of the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClockRecord {
    /// The latest time that was believed.
    pub seen: Option<Seen>,
    /// Who confirmed a leap of the clock, the latest last.
    pub confirmations: Vec<Confirmation>,
}

/// An operator's word that the clock is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// Who said so.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// What was the latest time before.
    pub from: UnixSeconds,
    /// What the clock showed.
    pub to: UnixSeconds,
}

impl ClockRecord {
    /// The later time counts, and every confirmation of both, as far as a record has room for them.
    pub(super) fn merge(&mut self, read: Self) {
        if read.seen.as_ref().map(|seen| seen.time) > self.seen.as_ref().map(|seen| seen.time) {
            self.seen = read.seen;
        }
        let own: Vec<Confirmation> =
            self.confirmations.drain(..).filter(|own| !read.confirmations.contains(own)).collect();
        self.confirmations = read.confirmations;
        self.confirmations.extend(own);
        // What was dropped there as the oldest may still stand here: it must not come back as the latest.
        self.confirmations.sort_by_key(|confirmation| confirmation.to);
        self.shorten();
    }

    /// Keeps the latest confirmations: a longer record would be refused by whoever reads it.
    pub(super) fn shorten(&mut self) {
        let excess = self.confirmations.len().saturating_sub(MAX_CONFIRMATIONS);
        self.confirmations.drain(..excess);
    }
}

pub(super) fn render_numbers(numbers: &Numbers) -> String {
    let mut record = json!({
        "schema": 1,
        "document_epoch": numbers.document_epoch,
        "denylist_number": numbers.denylist_number,
        "advisories_number": numbers.advisories_number,
        "floors": numbers.floors,
    });
    if let (Some((number, digest)), Some(fields)) = (numbers.roots, record.as_object_mut()) {
        fields.insert("roots".into(), json!({ "number": number, "digest": sm3::text(&digest) }));
    }
    format!("{record:#}\n")
}

pub(super) fn parse_numbers(bytes: &[u8]) -> Result<Numbers> {
    let document = Document::parse(bytes, MAX_NUMBERS, Status::TrustInvalid)?;
    let mut root = of_schema_1(&document)?;
    let document_epoch = root.required("document_epoch")?.unsigned()?;
    let denylist_number = root.required("denylist_number")?.unsigned()?;
    let advisories_number = root.required("advisories_number")?.unsigned()?;
    let floors = root.required("floors")?.object()?;
    let floors = floors
        .entries()
        .map(|(name, floor)| Ok((name.to_owned(), floor.unsigned()?)))
        .collect::<Result<_>>()?;
    let roots = root.optional("roots").map(|field| {
        let mut roots = field.object()?;
        let number = roots.required("number")?.unsigned()?;
        let digest = roots.required("digest")?;
        let digest =
            parse_digest(digest.text(128)?).ok_or_else(|| digest.expected("sm3: and 64 hex digits"))?;
        roots.finish()?;
        Ok((number, digest))
    });
    let roots = roots.transpose()?;
    root.finish()?;
    Ok(Numbers { document_epoch, denylist_number, advisories_number, roots, floors })
}

pub(super) fn render_clock(clock: &ClockRecord) -> String {
    let confirmation = |c: &Confirmation| {
        json!({ "actor": c.actor, "reason": c.reason,
                "from": timestamp::format(c.from), "to": timestamp::format(c.to) })
    };
    let confirmations: Vec<_> = clock.confirmations.iter().map(confirmation).collect();
    let mut record = json!({ "schema": 1, "confirmations": confirmations });
    if let (Some(seen), Some(fields)) = (&clock.seen, record.as_object_mut()) {
        fields.insert("last_seen".into(), timestamp::format(seen.time).into());
        fields.insert("boot".into(), seen.since_boot.boot.clone().into());
        fields.insert("seconds_since_boot".into(), seen.since_boot.seconds.into());
    }
    format!("{record:#}\n")
}

pub(super) fn parse_clock(bytes: &[u8]) -> Result<ClockRecord> {
    let document = Document::parse(bytes, MAX_CLOCK, Status::TrustInvalid)?;
    let mut root = of_schema_1(&document)?;
    let confirmations = root.required("confirmations")?;
    let entries = confirmations.array()?;
    if entries.len() > MAX_CONFIRMATIONS {
        return Err(confirmations.error(format!("expected at most {MAX_CONFIRMATIONS} entries")));
    }
    let confirmations = entries.iter().map(confirmation).collect::<Result<_>>()?;
    let last_seen = root.optional("last_seen").map(|field| time(&field)).transpose()?;
    let boot = root.optional("boot").map(|field| field.text(64).map(str::to_owned)).transpose()?;
    let seconds = root.optional("seconds_since_boot").map(|field| field.unsigned()).transpose()?;
    root.finish()?;
    let since_boot = SinceBoot { boot: boot.unwrap_or_default(), seconds: seconds.unwrap_or_default() };
    Ok(ClockRecord { seen: last_seen.map(|time| Seen { time, since_boot }), confirmations })
}

fn confirmation(field: &Field<'_>) -> Result<Confirmation> {
    let mut entry = field.object()?;
    let actor = entry.required("actor")?.text(MAX_TEXT)?.to_owned();
    let reason = entry.required("reason")?.text(MAX_TEXT)?.to_owned();
    let (from, to) = (time(&entry.required("from")?)?, time(&entry.required("to")?)?);
    entry.finish()?;
    Ok(Confirmation { actor, reason, from, to })
}

fn of_schema_1(document: &Document) -> Result<Object<'_>> {
    let mut root = document.object()?;
    let schema = root.required("schema")?;
    if schema.unsigned()? != 1 {
        return Err(schema.expected("1"));
    }
    Ok(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merged_record_can_be_read_again() {
        let confirmed = |times: std::ops::Range<u64>| ClockRecord {
            seen: None,
            confirmations: times
                .map(|to| Confirmation { actor: "ops".into(), reason: "battery".into(), from: 0, to })
                .collect(),
        };
        let most = MAX_CONFIRMATIONS as u64;
        // Another process confirmed once more, and dropped its oldest confirmation for that.
        let mut own = confirmed(0..most);
        own.merge(confirmed(1..most + 1));
        assert_eq!(own, confirmed(1..most + 1));
        assert_eq!(parse_clock(render_clock(&own).as_bytes()).unwrap(), own);
        // The longest texts that are taken, in their longest spelling.
        own.confirmations.iter_mut().for_each(|confirmation| {
            confirmation.actor = "\u{1}".repeat(MAX_TEXT);
            confirmation.reason = "\u{1}".repeat(MAX_TEXT);
        });
        assert_eq!(parse_clock(render_clock(&own).as_bytes()).unwrap(), own);
    }

    #[test]
    fn records_go_both_ways() {
        let numbers = Numbers {
            document_epoch: 7,
            denylist_number: 3,
            advisories_number: 12,
            roots: Some((2, [5; 32])),
            floors: [("fee".to_owned(), 4)].into(),
        };
        for numbers in [numbers, Numbers::default()] {
            assert_eq!(parse_numbers(render_numbers(&numbers).as_bytes()).unwrap(), numbers);
        }
        let since_boot = SinceBoot { boot: "b".into(), seconds: 9 };
        let confirmation =
            Confirmation { actor: "ops".into(), reason: "battery".into(), from: 1, to: 1_800_000_000 };
        let clock = ClockRecord {
            seen: Some(Seen { time: 1_800_000_000, since_boot }),
            confirmations: vec![confirmation],
        };
        for clock in [clock, ClockRecord::default()] {
            assert_eq!(parse_clock(render_clock(&clock).as_bytes()).unwrap(), clock);
        }
        for text in ["", "{}", r#"{"schema":1}"#, r#"{"schema":1,"confirmations":[],"last_seen":"now"}"#] {
            assert!(parse_clock(text.as_bytes()).is_err() && parse_numbers(text.as_bytes()).is_err());
        }
    }
}
