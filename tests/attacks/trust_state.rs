//! What was accepted of trust, and the time: put back, mixed up, signed by others, and what is revoked while it runs.

use crate::support::clock::TestClock;
use crate::support::keys::generate;
use crate::support::{Lines, TempDir, Trust, fee};
use parking_lot::Mutex;
use sogov::artifact::sigmeta::Sigmeta;
use sogov::artifact::statement::Domain;
use sogov::crypto::key::Key;
use sogov::crypto::scheme::Scheme;
use sogov::crypto::sm2::{PrivateKey, UserId};
use sogov::crypto::sm3;
use sogov::engine::{
    Change, Engine, EngineOptions, FileFacts, FileSigner, LoadOptions, sign_by, sign_document,
};
use sogov::error::Status;
use sogov::runtime::Standing;
use sogov::telemetry::{EventKind, Events};
use sogov::timestamp;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

const DAY: u64 = 86_400;
/// Long after the plugins were signed.
const NOON: u64 = 1_900_000_000;

/// A trust directory and a state directory, as an attacker meets them.
struct Place {
    trust: Trust,
    state: TempDir,
    clock: Arc<TestClock>,
    lines: Lines,
    events: Arc<Mutex<Vec<(EventKind, String)>>>,
}

impl Place {
    fn new() -> Self {
        Self {
            trust: Trust::new(),
            state: TempDir::new(),
            clock: TestClock::at(NOON),
            lines: Lines::default(),
            events: Arc::default(),
        }
    }

    fn options(&self) -> EngineOptions {
        let events = Arc::clone(&self.events);
        EngineOptions {
            state_directory: Some(self.state.path().to_owned()),
            clock: self.clock.shared(),
            log: self.lines.log(),
            events: Events::new(move |event| events.lock().push((event.kind, event.detail.to_owned()))),
            trust_check_ms: u32::MAX,
            ..self.trust.options()
        }
    }

    fn engine(&self) -> Arc<Engine> {
        Engine::open(self.options()).unwrap()
    }

    /// What an engine that is opened anew says of trust.
    fn verdict(&self) -> Result<(), Status> {
        Engine::open(self.options()).map(drop).map_err(|e| e.status())
    }

    /// Writes the trust document, with further fields in front and a rule for every service.
    fn document(&self, epoch: u64, fields: &str, rule: &str) {
        let key = Trust::key_entry(&self.trust.key, "");
        self.trust.write(&format!(
            r#"{{"schema":1,"epoch":{epoch},{fields}"keys":[{key}],"services":[{{"name":"*"{rule}}}]}}"#
        ));
    }

    /// Writes a deny-list that the root key signs.
    fn deny(&self, number: u64, entries: &str) {
        self.deny_by(&self.trust.root, number, entries);
    }

    fn deny_by(&self, key: &PrivateKey, number: u64, entries: &str) {
        let path = self.trust.path().join("denylist.json");
        fs::write(&path, format!(r#"{{"schema":1,"number":{number}{entries}}}"#)).unwrap();
        // What others signed is not what this is about.
        let _ = fs::remove_file(self.trust.path().join("denylist.json.sogsig"));
        sign_document(key, &path, Domain::Denylist).unwrap();
    }

    fn plugin(&self, version: &str, epoch: u64) -> PathBuf {
        let facts =
            FileFacts { service: "fee".into(), version: version.into(), epoch, ..FileFacts::default() };
        self.trust.signed_with(&fee(version), &facts)
    }

    fn load(&self, engine: &Engine, version: &str, epoch: u64) -> Result<String, Status> {
        let path = self.plugin(version, epoch);
        let report = engine.load_versioned("fee", version, &path, &LoadOptions::default());
        report.map(|report| sm3::text(&report.digest)).map_err(|e| e.status())
    }

    /// Loads the version and makes it stable; its digest.
    fn serve(&self, engine: &Engine, version: &str, epoch: u64) -> String {
        let digest = self.load(engine, version, epoch).unwrap();
        engine.promote("fee", version, &durable()).unwrap();
        digest
    }

    fn file(&self, name: &str) -> PathBuf {
        self.trust.path().join(name)
    }

    fn keep(&self, names: &[&str]) -> Vec<(PathBuf, Vec<u8>)> {
        names.iter().map(|name| (self.file(name), fs::read(self.file(name)).unwrap())).collect()
    }

    fn count(&self, kind: EventKind) -> usize {
        self.events.lock().iter().filter(|(found, _)| *found == kind).count()
    }
}

fn put_back(files: &[(PathBuf, Vec<u8>)]) {
    for (path, bytes) in files {
        fs::write(path, bytes).unwrap();
    }
}

fn durable() -> Change {
    Change { wait_durable: true, ..Change::default() }
}

fn operator() -> Change {
    Change { actor: "ops".into(), reason: "the battery was changed".into(), ..Change::default() }
}

fn stable(engine: &Engine) -> Option<String> {
    let reports = engine.report(Some("fee")).unwrap();
    reports.iter().find(|r| r.standing == Standing::Stable).map(|r| r.label.to_string())
}

fn refresh(engine: &Engine) -> Result<(), Status> {
    engine.refresh_trust(&Change::default()).map(drop).map_err(|e| e.status())
}

fn artifact(digest: &str) -> String {
    format!(r#","artifacts":[{{"digest":"{digest}","reason":"CVE-2026-1"}}]"#)
}

/// Put back in the directory between two runs of the program.
#[test]
fn an_older_trust_document_after_a_restart() {
    let place = Place::new();
    place.document(4, "", "");
    let old = place.keep(&["trust.json", "trust.json.sogsig"]);
    place.document(5, "", "");
    assert_eq!(place.verdict(), Ok(()));
    put_back(&old);
    assert_eq!(place.verdict(), Err(Status::BelowFloor));
}

#[test]
fn an_older_deny_list_and_none() {
    let place = Place::new();
    place.deny(3, "");
    let old = place.keep(&["denylist.json", "denylist.json.sogsig"]);
    place.deny(4, "");
    let engine = place.engine();
    put_back(&old);
    assert_eq!(refresh(&engine), Err(Status::BelowFloor));
    assert_eq!(place.verdict(), Err(Status::BelowFloor));
    fs::remove_file(place.file("denylist.json")).unwrap();
    assert_eq!(refresh(&engine), Err(Status::TrustInvalid));
    assert_eq!(place.verdict(), Err(Status::TrustInvalid));
}

/// Signed by a key that signs plugins, by a deny key that the document does not name, or as something else.
#[test]
fn a_deny_list_by_others_than_the_roots() {
    let place = Place::new();
    let deny_key = PrivateKey::generate().unwrap();
    place.trust.add_key("deny", &deny_key);
    for key in [&place.trust.key, &deny_key] {
        place.deny_by(key, 1, "");
        assert_eq!(place.verdict(), Err(Status::TrustInvalid));
    }
    sign_document(&place.trust.root, &place.file("denylist.json"), Domain::TrustDocument).unwrap();
    assert_eq!(place.verdict(), Err(Status::TrustInvalid), "a signature of another domain");
    fs::remove_file(place.file("denylist.json.sogsig")).unwrap();
    assert_eq!(place.verdict(), Err(Status::TrustInvalid), "no signature");
    let id = deny_key.public_key().key_id();
    place.document(1, &format!(r#""denylist":{{"keys":["{id}"]}},"#), "");
    place.deny_by(&deny_key, 1, "");
    assert_eq!(place.verdict(), Ok(()), "the document names it");
    // It may deny, but not say what time it is.
    place.deny_by(&deny_key, 2, r#","issued":"2099-01-01T00:00:00Z""#);
    assert!(place.engine().refresh_trust(&Change::default()).unwrap().time < NOON + DAY);
}

#[test]
fn host_messages_cannot_pass_for_documents_of_trust() {
    let key = Key::Private(generate(Scheme::Sm2Sm3));
    let kinds = ["sig", "trust", "pkg", "advisories", "denylist", "roots", "receipt", "audit"];
    for tag in kinds.map(|kind| format!("sogov.{kind}.v1\0")) {
        let refused = sign_by(&key, &UserId::default(), tag.as_bytes()).unwrap_err();
        assert_eq!(refused.status(), Status::InvalidArgument, "{tag:?}");
    }
}

/// The document of today with the deny-list of yesterday, on a machine that never saw either.
#[test]
fn a_document_and_a_deny_list_of_different_moments() {
    let place = Place::new();
    place.deny(6, "");
    let old = place.keep(&["denylist.json", "denylist.json.sogsig"]);
    place.deny(7, "");
    place.document(2, r#""denylist":{"at_least":7},"#, "");
    put_back(&old);
    assert_eq!(place.verdict(), Err(Status::TrustInvalid));
    place.deny(7, "");
    assert_eq!(place.verdict(), Ok(()));
}

/// The keys of another moment: a file under a trusted key's name is the key that its content says.
#[test]
fn a_document_and_keys_of_different_moments() {
    let place = Place::new();
    let (engine, stranger) = (place.engine(), PrivateKey::generate().unwrap());
    assert!(place.load(&engine, "v1", 1).is_ok());
    place.trust.add_key("release", &stranger);
    assert_eq!(place.load(&engine, "v2", 1), Err(Status::UntrustedKey));
}

/// Two files change one after the other: whoever looks in between gets the old ones, the new ones, or a refusal.
#[test]
fn a_directory_that_changes_while_it_is_read() {
    let place = Place::new();
    let engine = place.engine();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 1..60 {
                place.deny(number, "");
                place.document(number, &format!(r#""denylist":{{"at_least":{number}}},"#), "");
            }
        });
        let mut seen = 0;
        while !writer.is_finished() {
            if let Ok(report) = engine.refresh_trust(&Change::default()) {
                assert!(report.denylist_number >= report.document_epoch.saturating_sub(1));
                assert!(report.document_epoch >= seen);
                seen = report.document_epoch;
            }
        }
    });
    let report = engine.refresh_trust(&Change::default()).unwrap();
    assert_eq!((report.document_epoch, report.denylist_number), (59, 59));
}

/// The limit: who can write to the state directory can put it back. What the engine knows it keeps while it lives.
#[test]
fn a_state_that_is_put_back() {
    let place = Place::new();
    place.document(4, "", "");
    let old = place.keep(&["trust.json", "trust.json.sogsig"]);
    let engine = place.engine();
    let numbers = place.state.path().join("machine/trust/numbers.json");
    let state = fs::read(&numbers).unwrap();
    place.document(5, "", "");
    assert_eq!(refresh(&engine), Ok(()));
    fs::write(&numbers, &state).unwrap();
    put_back(&old);
    assert_eq!(refresh(&engine), Err(Status::BelowFloor), "the engine remembers");
    drop(engine);
    fs::write(&numbers, &state).unwrap();
    assert_eq!(place.verdict(), Ok(()), "nobody remembers: docs/trust.md says so");
    fs::write(&numbers, b"{}").unwrap();
    assert_eq!(place.verdict(), Err(Status::TrustInvalid), "what cannot be read is not taken for nothing");
}

/// To make something valid again that has expired.
#[test]
fn a_clock_that_is_set_back() {
    let place = Place::new();
    let end = timestamp::format(NOON + DAY / 2);
    place.document(1, &format!(r#""not_after":"{end}","#), "");
    let engine = place.engine();
    place.clock.pass(DAY / 2 + 1);
    assert_eq!(refresh(&engine), Err(Status::Expired));
    place.clock.set(NOON - DAY);
    assert_eq!(refresh(&engine), Err(Status::Expired));
    assert!(place.lines.contain("clock: was set back"));
    assert_eq!(place.count(EventKind::Clock), 1, "told once");
    assert_eq!(place.verdict(), Err(Status::Expired), "nor does a restart revive it");
}

/// Before everything that was signed, on a machine that has seen nothing.
#[test]
fn a_clock_behind_what_the_roots_have_signed() {
    let place = Place::new();
    let (issued, end) = (timestamp::format(NOON), timestamp::format(NOON - 1));
    place.document(1, &format!(r#""issued":"{issued}","not_after":"{end}","#), "");
    place.clock.set(NOON - 30 * DAY);
    assert_eq!(place.verdict(), Err(Status::Expired));
}

/// One wrong date must neither expire everything for good nor make something valid ahead of its time.
#[test]
fn a_clock_that_is_pushed_forward() {
    let place = Place::new();
    let end = timestamp::format(NOON + 30 * DAY);
    place.document(1, &format!(r#""not_after":"{end}","#), "");
    let engine = place.engine();
    place.clock.set(NOON + 10 * DAY);
    assert_eq!(refresh(&engine), Ok(()), "it makes no difference");
    assert_eq!(place.count(EventKind::Clock), 1);
    place.clock.set(NOON + 40 * DAY);
    assert_eq!(refresh(&engine), Err(Status::ClockRefused));
    assert_eq!(place.verdict(), Err(Status::ClockRefused));
    place.clock.set(NOON + 60);
    assert_eq!(refresh(&engine), Ok(()), "nothing has expired for good");
    // A key that is to count in a year.
    let begin = timestamp::format(NOON + 365 * DAY);
    let key = Trust::key_entry(&place.trust.key, &format!(r#","not_before":"{begin}""#));
    place.trust.write(&format!(r#"{{"schema":1,"epoch":2,"keys":[{key}]}}"#));
    assert_eq!(place.load(&engine, "v1", 1), Err(Status::NotYetValid));
    place.clock.set(NOON + 366 * DAY);
    assert_eq!(place.load(&engine, "v1", 1), Err(Status::ClockRefused));
    for nobody in [Change::default(), Change { actor: "ops".into(), ..Change::default() }] {
        assert_eq!(engine.confirm_time(&nobody).unwrap_err().status(), Status::InvalidArgument);
    }
    assert_eq!(engine.confirm_time(&operator()), Ok(NOON + 366 * DAY));
    assert!(place.load(&engine, "v1", 1).is_ok());
    assert!(place.lines.contain("was confirmed by ops (the battery was changed)"));
    let kept = fs::read_to_string(place.state.path().join("machine/trust/clock.json")).unwrap();
    assert!(kept.contains("the battery was changed"), "{kept}");
    place.clock.set(NOON);
    assert_eq!(engine.confirm_time(&operator()).unwrap_err().status(), Status::ClockRefused);
}

/// A machine that runs for a year without a look at trust has seen no leap.
#[test]
fn time_that_passes_is_no_leap() {
    let place = Place::new();
    let end = timestamp::format(NOON + 30 * DAY);
    place.document(1, &format!(r#""not_after":"{end}","#), "");
    let engine = place.engine();
    place.clock.pass(40 * DAY);
    assert_eq!(refresh(&engine), Err(Status::Expired));
}

#[test]
fn expired_and_not_yet_valid_are_two_codes() {
    let place = Place::new();
    let engine = place.engine();
    for (field, status) in [
        (format!(r#","not_after":"{}""#, timestamp::format(NOON - 1)), Status::Expired),
        (format!(r#","not_before":"{}""#, timestamp::format(NOON + 1)), Status::NotYetValid),
    ] {
        let key = Trust::key_entry(&place.trust.key, &field);
        place.trust.write(&Trust::document(&key, ""));
        assert_eq!(place.load(&engine, "v1", 1), Err(status));
    }
    place.deny(1, &format!(r#","not_after":"{}""#, timestamp::format(NOON - 1)));
    assert_eq!(refresh(&engine), Err(Status::Expired), "a deny-list that was held back");
}

#[test]
fn a_revoked_artifact_is_not_loaded() {
    let place = Place::new();
    let engine = place.engine();
    let digest = place.load(&engine, "v1", 1).unwrap();
    place.deny(1, &artifact(&digest));
    assert_eq!(refresh(&engine), Ok(()));
    let refused = engine.promote("fee", "v1", &Change::default()).unwrap_err();
    assert_eq!(refused.status(), Status::Revoked, "{refused}");
    engine.unload("fee", "v1", std::time::Duration::from_secs(5), &Change::default()).unwrap();
    assert_eq!(place.load(&engine, "v1", 1), Err(Status::Revoked));
    assert_eq!(place.count(EventKind::Revoked), 1);
}

#[test]
fn a_revoked_key_does_not_count() {
    let place = Place::new();
    let second = PrivateKey::generate().unwrap();
    place.trust.add_key("second", &second);
    let keys = format!("{},{}", Trust::key_entry(&place.trust.key, ""), Trust::key_entry(&second, ""));
    place.trust.write(&Trust::document(&keys, ""));
    let engine = place.engine();
    place.serve(&engine, "v1", 1);
    let both = place.plugin("v2", 1);
    FileSigner { key: &second, user_id: &UserId::default() }.add_signature(&both).unwrap();
    engine.load_versioned("fee", "v2", &both, &LoadOptions::default()).unwrap();
    let id = place.trust.key.public_key().key_id();
    place.deny(1, &format!(r#","keys":[{{"id":"{id}","reason":"lost"}}]"#));
    assert_eq!(refresh(&engine), Ok(()));
    assert_eq!(place.load(&engine, "v3", 1), Err(Status::Revoked));
    assert!(place.lines.contain("fee@v1") && place.lines.contain("revoked: key"));
    engine.promote("fee", "v2", &Change::default()).expect("a good key has signed it as well");
}

#[test]
fn epochs_that_the_deny_list_denies() {
    let place = Place::new();
    let engine = place.engine();
    place.serve(&engine, "v1", 4);
    place.serve(&engine, "v2", 5);
    place.deny(1, r#","services":[{"name":"fe*","epoch_below":5,"reason":"rounds wrong"}]"#);
    assert_eq!(refresh(&engine), Ok(()));
    assert_eq!(stable(&engine).as_deref(), Some("v2"));
    let nothing = engine.rollback("fee", &Change::default()).unwrap_err();
    assert_eq!(nothing.status(), Status::NotFound, "{nothing}");
    assert_eq!(place.load(&engine, "v3", 4), Err(Status::Revoked));
}

/// The stable version is revoked; the one before it serves, also where it has to be loaded again.
#[test]
fn revoked_while_loaded_rolls_back() {
    for is_mapped in [true, false] {
        let place = Place::new();
        let engine = place.engine();
        place.serve(&engine, "v1", 1);
        let digest = place.serve(&engine, "v2", 1);
        if !is_mapped {
            engine.unload("fee", "v1", std::time::Duration::from_secs(5), &durable()).unwrap();
        }
        place.deny(1, &artifact(&digest));
        let report = engine.refresh_trust(&Change::default()).unwrap();
        assert_eq!((stable(&engine).as_deref(), report.revoked_serving), (Some("v1"), 0));
        assert!(place.lines.contain("revoked") && place.lines.contain("v1 serves in its place"));
        assert_eq!(place.count(EventKind::Revoked), 1);
        // Neither a rollback nor a restart brings it back.
        let nothing = engine.rollback("fee", &Change::default()).unwrap_err();
        assert_eq!(nothing.status(), Status::NotFound, "{nothing}");
        drop(engine);
        assert_eq!(stable(&place.engine()).as_deref(), Some("v1"));
    }
}

/// No surprise outage: where there is no other good version it serves on, until somebody promotes one.
#[test]
fn revoking_the_only_stable_version_is_no_outage() {
    let place = Place::new();
    let engine = place.engine();
    let digest = place.serve(&engine, "v1", 1);
    place.deny(1, &artifact(&digest));
    let report = engine.refresh_trust(&Change::default()).unwrap();
    assert_eq!((stable(&engine).as_deref(), report.revoked_serving), (Some("v1"), 1));
    assert!(place.lines.contain("serves on, as there is no good version before it"));
    place.serve(&engine, "v2", 1);
    let nothing = engine.rollback("fee", &Change::default()).unwrap_err();
    assert_eq!(nothing.status(), Status::NotFound, "{nothing}");
    drop(engine);
    assert_eq!(stable(&place.engine()).as_deref(), Some("v2"));
}

#[test]
fn revoked_while_loaded_stops() {
    let place = Place::new();
    place.document(2, "", r#","on_revoked":"stop""#);
    let engine = place.engine();
    place.serve(&engine, "v1", 1);
    let digest = place.serve(&engine, "v2", 1);
    place.deny(1, &artifact(&digest));
    assert_eq!(refresh(&engine), Ok(()));
    assert_eq!(stable(&engine), None);
    drop(engine);
    assert_eq!(stable(&place.engine()), None);
}

#[test]
fn revoked_while_loaded_raises_an_alarm() {
    let place = Place::new();
    place.document(2, "", r#","on_revoked":"alarm""#);
    let engine = place.engine();
    place.serve(&engine, "v1", 1);
    let digest = place.serve(&engine, "v2", 1);
    place.deny(1, &artifact(&digest));
    assert_eq!(refresh(&engine), Ok(()));
    assert_eq!((stable(&engine).as_deref(), place.count(EventKind::Revoked)), (Some("v2"), 1));
    assert_eq!(refresh(&engine), Ok(()));
    assert_eq!(place.count(EventKind::Revoked), 1, "told once");
    // The trust document says another thing now.
    place.document(3, "", r#","on_revoked":"roll_back""#);
    assert_eq!(refresh(&engine), Ok(()));
    assert_eq!(stable(&engine).as_deref(), Some("v1"));
}

/// A restart whose stable version was revoked meanwhile.
#[test]
fn revoked_while_no_engine_ran() {
    let place = Place::new();
    let engine = place.engine();
    place.serve(&engine, "v1", 1);
    let digest = place.serve(&engine, "v2", 1);
    drop(engine);
    place.deny(1, &artifact(&digest));
    assert_eq!(stable(&place.engine()).as_deref(), Some("v1"));
    assert_eq!(place.count(EventKind::Revoked), 1);
}

/// A state directory that fails lets nothing in, and does not keep in service what is revoked.
#[test]
fn revoked_while_the_state_cannot_be_kept() {
    let place = Place::new();
    let engine = place.engine();
    place.serve(&engine, "v1", 1);
    let digest = place.serve(&engine, "v2", 1);
    let numbers = place.state.path().join("machine/trust/numbers.json");
    fs::remove_file(&numbers).unwrap();
    fs::create_dir(&numbers).unwrap();
    place.deny(1, &artifact(&digest));
    assert_eq!(refresh(&engine), Err(Status::TrustInvalid));
    assert_eq!(stable(&engine).as_deref(), Some("v1"));
    assert_eq!(place.load(&engine, "v3", 1), Err(Status::TrustInvalid));
}

/// A trust document that has ended says nothing of the versions before: the way back to them is still there later.
#[test]
fn revoked_after_the_end_of_the_trust_document() {
    let place = Place::new();
    place.document(2, &format!(r#""not_after":"{}","#, timestamp::format(NOON + 60)), "");
    let engine = place.engine();
    place.serve(&engine, "v1", 1);
    let digest = place.serve(&engine, "v2", 1);
    engine.unload("fee", "v1", std::time::Duration::from_secs(5), &durable()).unwrap();
    place.clock.set(NOON + 61);
    place.deny(1, &artifact(&digest));
    assert_eq!(refresh(&engine), Err(Status::Expired));
    assert_eq!(stable(&engine).as_deref(), Some("v2"));
    place.document(3, "", "");
    let restored = engine.rollback("fee", &Change::default()).unwrap();
    assert_eq!(restored.label().to_string(), "v1");
}

/// The background thread notices by itself.
#[test]
fn revoked_without_being_asked() {
    let place = Place::new();
    let engine = Engine::open(EngineOptions { trust_check_ms: 1, ..place.options() }).unwrap();
    place.serve(&engine, "v1", 1);
    let digest = place.serve(&engine, "v2", 1);
    place.deny(1, &artifact(&digest));
    while stable(&engine).as_deref() != Some("v1") {
        std::thread::yield_now();
    }
}

/// What served here is the least that is taken, also after a restart; the way back stays open.
#[test]
fn an_epoch_downgrade_after_a_restart() {
    let place = Place::new();
    let engine = place.engine();
    place.serve(&engine, "v2", 5);
    drop(engine);
    let engine = place.engine();
    assert_eq!(place.load(&engine, "v1", 4), Err(Status::BelowFloor));
    place.serve(&engine, "v3", 9);
    let restored = engine.rollback("fee", &durable()).unwrap();
    assert_eq!(restored.label().as_str(), "v2", "the floor is not above what a rollback restores");
    drop(engine);
    assert_eq!(place.load(&place.engine(), "v1", 4), Err(Status::BelowFloor));
}

/// The trust document lifts the floor above the way back; then a rollback says so, and what helps.
#[test]
fn a_rollback_below_the_floor() {
    let place = Place::new();
    let engine = place.engine();
    place.serve(&engine, "v1", 4);
    place.serve(&engine, "v2", 5);
    place.document(2, "", r#","epoch_floor":5"#);
    assert_eq!(refresh(&engine), Ok(()));
    let refused = engine.rollback("fee", &Change::default()).unwrap_err();
    assert_eq!(refused.status(), Status::BelowFloor, "{refused}");
    assert!(refused.message().contains("load a version of a later epoch"), "{refused}");
    let refused = engine.promote("fee", "v1", &Change::default()).unwrap_err();
    assert_eq!(refused.status(), Status::BelowFloor, "{refused}");
    assert_eq!(stable(&engine).as_deref(), Some("v2"));
    // The remedy.
    place.document(3, "", r#","epoch_floor":4"#);
    assert_eq!(refresh(&engine), Ok(()));
    assert_eq!(engine.rollback("fee", &Change::default()).unwrap().label().as_str(), "v1");
}

/// A chain of sets of root keys over the place's trust directory.
struct Chain {
    place: Place,
    keys: Vec<PrivateKey>,
}

impl Chain {
    /// Set 1 is the place's root key and `keys[0]`, both of which have to sign.
    fn new() -> Self {
        let place = Place::new();
        let keys: Vec<PrivateKey> = (0..5).map(|_| PrivateKey::generate().unwrap()).collect();
        for (index, key) in keys.iter().enumerate() {
            place.trust.add_key(&format!("root{index}"), key);
        }
        fs::create_dir(place.file("roots")).unwrap();
        Self { place, keys }
    }

    fn options(&self) -> EngineOptions {
        EngineOptions {
            root_key_ids: vec![self.place.trust.root_id(), self.keys[0].public_key().key_id()],
            root_threshold: 2,
            ..self.place.options()
        }
    }

    fn verdict(&self) -> Result<u64, Status> {
        let engine = Engine::open(self.options()).map_err(|e| e.status())?;
        engine.refresh_trust(&Change::default()).map(|report| report.root_set).map_err(|e| e.status())
    }

    /// Writes set `number` of these keys, 2 of whom have to sign, signed by `signers`.
    fn write(&self, number: u64, keys: &[usize], signers: &[&PrivateKey]) {
        let ids: Vec<String> =
            keys.iter().map(|key| format!("\"{}\"", self.keys[*key].public_key().key_id())).collect();
        let path = self.place.file(&format!("roots/{number}.json"));
        let ids = ids.join(",");
        fs::write(&path, format!(r#"{{"schema":1,"number":{number},"threshold":2,"keys":[{ids}]}}"#))
            .unwrap();
        let _ = fs::remove_file(self.place.file(&format!("roots/{number}.json.sogsig")));
        for signer in signers {
            sign_document(*signer, &path, Domain::Roots).unwrap();
        }
    }

    /// Signs the trust document by exactly these.
    fn sign(&self, signers: &[&PrivateKey]) {
        fs::remove_file(self.place.file("trust.json.sogsig")).unwrap();
        for signer in signers {
            sign_document(*signer, &self.place.file("trust.json"), Domain::TrustDocument).unwrap();
        }
    }
}

#[test]
fn root_keys_follow_each_other_and_old_ones_count_no_more() {
    let chain = Chain::new();
    let [a, b, c, d, _] = chain.keys.as_slice() else { panic!("five keys") };
    let root = &chain.place.trust.root;
    chain.sign(&[root, a]);
    assert_eq!(chain.verdict(), Ok(1));
    chain.write(2, &[1, 2], &[root, a, b, c]);
    assert_eq!(chain.verdict(), Err(Status::TrustInvalid), "the old ones signed the document");
    chain.sign(&[b, c]);
    assert_eq!(chain.verdict(), Ok(2));
    chain.write(3, &[2, 3], &[b, c, d]);
    chain.sign(&[c, d]);
    assert_eq!(chain.verdict(), Ok(3));
    // Set 3 is taken away, and the document of before put back.
    let kept = chain.place.keep(&["roots/3.json", "roots/3.json.sogsig"]);
    fs::remove_file(chain.place.file("roots/3.json")).unwrap();
    chain.sign(&[b, c]);
    assert_eq!(chain.verdict(), Err(Status::BelowFloor));
    // Whoever has the old keys makes another set 3.
    chain.write(3, &[1, 2], &[b, c]);
    assert_eq!(chain.verdict(), Err(Status::TrustInvalid));
    put_back(&kept);
    chain.sign(&[c, d]);
    assert_eq!(chain.verdict(), Ok(3));
}

/// No attack: the program itself is built with other root keys.
#[test]
fn root_keys_that_the_program_changes() {
    let place = Place::new();
    assert_eq!(place.verdict(), Ok(()));
    let other = PrivateKey::generate().unwrap();
    place.trust.add_key("other", &other);
    let options = || EngineOptions { root_key_ids: vec![other.public_key().key_id()], ..place.options() };
    assert_eq!(Engine::open(options()).unwrap_err().status(), Status::TrustInvalid);
    sign_document(&other, &place.file("trust.json"), Domain::TrustDocument).unwrap();
    Engine::open(options()).unwrap();
}

#[test]
fn a_root_set_that_one_side_has_signed() {
    let chain = Chain::new();
    let [a, b, c, ..] = chain.keys.as_slice() else { panic!("five keys") };
    let root = &chain.place.trust.root;
    let sign = |signers: &[&PrivateKey]| {
        chain.write(2, &[1, 2], signers);
        chain.sign(&[b, c]);
        chain.verdict()
    };
    assert_eq!(sign(&[root, a]), Err(Status::TrustInvalid), "set 1 only");
    assert_eq!(sign(&[b, c]), Err(Status::TrustInvalid), "set 2 only");
    assert_eq!(sign(&[root, b, c]), Err(Status::TrustInvalid), "one of set 1");
    assert_eq!(sign(&[root, a, b]), Err(Status::TrustInvalid), "one of set 2");
    assert_eq!(sign(&[root, a, b, c]), Ok(2));
}

#[test]
fn a_root_set_that_was_skipped_or_renumbered() {
    let chain = Chain::new();
    let [a, b, c, ..] = chain.keys.as_slice() else { panic!("five keys") };
    let root = &chain.place.trust.root;
    chain.write(3, &[1, 2], &[root, a, b, c]);
    chain.sign(&[b, c]);
    assert_eq!(chain.verdict(), Err(Status::TrustInvalid), "set 2 is not there");
    for suffix in ["", ".sogsig"] {
        let [from, to] = [3, 2].map(|number| chain.place.file(&format!("roots/{number}.json{suffix}")));
        fs::rename(from, to).unwrap();
    }
    assert_eq!(chain.verdict(), Err(Status::TrustInvalid), "set 3 under the name of set 2");
    fs::rename(chain.place.file("roots/2.json"), chain.place.file("roots/02.json")).unwrap();
    assert_eq!(chain.verdict(), Err(Status::TrustInvalid), "a name that nothing writes");
}

/// The same key in two files, in the set twice, and in the container twice.
#[test]
fn one_root_key_counted_twice() {
    let chain = Chain::new();
    let [a, ..] = chain.keys.as_slice() else { panic!("five keys") };
    chain.place.trust.add_key("again", a);
    chain.sign(&[a]);
    assert_eq!(chain.verdict(), Err(Status::TrustInvalid));
    let path = chain.place.file("trust.json.sogsig");
    let mut container = Sigmeta::from_der(&fs::read(&path).unwrap()).unwrap();
    let again = container.signatures[0].clone();
    container.signatures.push(again);
    assert!(container.to_der().is_err(), "the container takes no key twice");
    let id = a.public_key().key_id();
    let options = EngineOptions { root_key_ids: vec![id, id], ..chain.options() };
    assert_eq!(Engine::open(options).unwrap_err().status(), Status::InvalidArgument);
    chain.write(2, &[1, 1], &[&chain.place.trust.root, a]);
    assert_eq!(chain.verdict(), Err(Status::TrustInvalid));
}
