//! The audit trail: edited, cut, moved, forged, put back, torn by a crash, and written by many.

use crate::support::clock::TestClock;
use crate::support::{Lines, TempDir, Trust, fee, load};
use sogov::artifact::statement::Domain;
use sogov::crypto::key::{Key, PrivateKey, PublicKey};
use sogov::crypto::scheme::Schemes;
use sogov::crypto::{sm2, sm3};
use sogov::engine::{AuditOptions, Change, Engine, EngineOptions, LoadOptions, sign_by, sign_document};
use sogov::error::{Error, Status};
use sogov::journal::{
    CheckpointSigner, Detail, Entry, Head, Kind, Limits, Record, Report, Trail, Verification, verify,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// In a child: the directory to write in, and how many records; 0: until killed.
const CHILD: &str = "SOGOV_TEST_AUDIT_CHILD";
const SMALL: Limits = Limits { segment: 64 << 10, total: 256 << 10, checkpoint_every: 5 };

/// A trail of 12 entries with a checkpoint after each five and one at the end: 15 records in one segment.
struct Attack {
    directory: TempDir,
    key: PublicKey,
}

impl Attack {
    fn new() -> Self {
        let directory = TempDir::new();
        let key = sm2::PrivateKey::generate().unwrap();
        let attack = Self { key: PublicKey::Sm2(key.public_key().clone()), directory };
        let trail = attack.open(SMALL, Some(Box::new(key))).unwrap();
        add(&trail, 12);
        trail.checkpoint().unwrap();
        assert_eq!(attack.verdict().unwrap().head.seq, 15);
        attack
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("audit")
    }

    fn open(&self, limits: Limits, signer: Option<Box<dyn CheckpointSigner>>) -> Result<Trail, Error> {
        Trail::open(&self.path(), limits, signer)
    }

    fn segment(&self, first: u64) -> PathBuf {
        self.path().join(format!("{first:020}.ndjson"))
    }

    fn lines(&self) -> Vec<Vec<u8>> {
        lines(&self.segment(1))
    }

    fn put(&self, lines: &[Vec<u8>]) {
        fs::write(self.segment(1), lines.concat()).unwrap();
    }

    /// The verdict with the key.
    fn verdict(&self) -> Result<Report, Error> {
        check(&self.path(), std::slice::from_ref(&self.key), None)
    }

    #[track_caller]
    fn is_found(&self, part: &str) {
        let e = self.verdict().unwrap_err();
        assert_eq!(e.status(), Status::AuditBroken, "{e}");
        assert!(e.message().contains(part), "expected {part:?} in: {e}");
    }
}

fn check(path: &Path, keys: &[PublicKey], expected: Option<Head>) -> Result<Report, Error> {
    static SCHEMES: Schemes = Schemes::new();
    verify(path, &Verification { keys, schemes: &SCHEMES, expected }, &mut |_| {})
}

fn lines(segment: &Path) -> Vec<Vec<u8>> {
    fs::read(segment).unwrap().split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn entry(number: usize) -> Entry {
    let mut entry = Entry::new(Kind::Promote);
    entry.actor = "ops".into();
    entry.reason = format!("release {number}");
    (entry.service, entry.version) = ("fee".into(), format!("v{number}"));
    entry.digest = Some([7; 32]);
    entry
}

fn add(trail: &Trail, count: usize) {
    for number in 0..count {
        assert_eq!(trail.append(entry(number), false).unwrap(), None);
    }
}

/// Each byte of the trail in turn: fields, hashes, checkpoints, ends of lines.
#[test]
fn one_byte_edited_anywhere() {
    let attack = Attack::new();
    let good = fs::read(attack.segment(1)).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(attack.segment(1), &bad).unwrap();
        let e = check(&attack.path(), &[], None).expect_err("an edited byte");
        assert_eq!(e.status(), Status::AuditBroken, "byte {at}: {e}");
        // The place that is named is the one that was edited.
        let record = good[..at].split(|byte| *byte == b'\n').count();
        assert!(e.message().contains(&format!("record {record}: ")), "byte {at}: {e}");
    }
}

/// A field is changed, and the record's own hash is made anew: the next record names another.
#[test]
fn a_record_edited_with_its_hash() {
    let attack = Attack::new();
    for number in [1, 7, 15] {
        let mut lines = attack.lines();
        let good = lines.clone();
        let line = lines[number - 1].strip_suffix(b"\n").unwrap().to_vec();
        let (mut record, _) = Record::parse(&line).unwrap();
        record.entry.actor = "nobody".into();
        lines[number - 1] = record.line().0;
        attack.put(&lines);
        let place = if number == 15 { "record 15: hash: expected" } else { "previous: expected" };
        attack.is_found(place);
        attack.put(&good);
    }
}

#[test]
fn a_record_removed() {
    for (number, found) in
        [(1, "record 1: seq: expected 1, found 2"), (7, "record 7: seq"), (15, "record 15: ")]
    {
        let attack = Attack::new();
        let mut lines = attack.lines();
        lines.remove(number - 1);
        attack.put(&lines);
        attack.is_found(found);
    }
}

#[test]
fn records_reordered_inserted_and_duplicated() {
    let attack = Attack::new();
    let good = attack.lines();
    let mut swapped = good.clone();
    swapped.swap(3, 4);
    attack.put(&swapped);
    attack.is_found("record 4: seq: expected 4, found 5");
    let mut duplicated = good.clone();
    duplicated.insert(4, good[3].clone());
    attack.put(&duplicated);
    attack.is_found("record 5: seq: expected 5, found 4");
    // One that is right in itself, and follows what it names.
    let (before, hash) = Record::parse(good[3].strip_suffix(b"\n").unwrap()).unwrap();
    let inserted = Record { seq: 5, entry: entry(99), previous: hash, ..before };
    let mut with_inserted = good.clone();
    with_inserted.insert(4, inserted.line().0);
    attack.put(&with_inserted);
    attack.is_found("record 6: seq: expected 6, found 5");
}

/// A trail of several segments: one is removed, renamed, swapped with another.
#[test]
fn segments_removed_renamed_and_swapped() {
    let attack = Attack::new();
    let trail = attack.open(Limits { total: 4 << 20, ..SMALL }, None).unwrap();
    add(&trail, 600);
    trail.sync().unwrap();
    let segments = segments(&attack.path());
    assert!(segments.len() >= 3, "{segments:?}");
    assert_eq!(attack.verdict().unwrap().segments, segments.len() as u64);
    let away = attack.directory.path().join("away");
    for number in [0, 1, segments.len() - 1] {
        let path = attack.segment(segments[number]);
        fs::rename(&path, &away).unwrap();
        attack.is_found("expected");
        fs::rename(&away, &path).unwrap();
    }
    let (second, third) = (attack.segment(segments[1]), attack.segment(segments[2]));
    fs::rename(&second, attack.segment(segments[1] + 1)).unwrap();
    attack.is_found("expected the segment of record");
    fs::rename(attack.segment(segments[1] + 1), &second).unwrap();
    fs::rename(&second, &away).unwrap();
    fs::rename(&third, &second).unwrap();
    fs::rename(&away, &third).unwrap();
    attack.is_found("seq: expected");
}

fn segments(path: &Path) -> Vec<u64> {
    let names = fs::read_dir(path).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut firsts: Vec<u64> =
        names.filter_map(|name| name.strip_suffix(".ndjson").map(|first| first.parse().unwrap())).collect();
    firsts.sort_unstable();
    firsts
}

/// Cut off right behind a checkpoint: whole, signed, and shorter than what was on the disk.
#[test]
fn truncated_to_a_checkpoint() {
    let attack = Attack::new();
    let lines = attack.lines();
    let (record, hash) = Record::parse(lines[5].strip_suffix(b"\n").unwrap()).unwrap();
    assert_eq!(record.entry.kind, Kind::Checkpoint);
    attack.put(&lines[..6]);
    attack.is_found("record 7: expected records up to 15, as head.json says");
    // With the head put back too, only who has kept a later one elsewhere can tell.
    let kept = Head { seq: 15, hash: [0; 32] };
    let head = Head { seq: 6, hash };
    write_head(&attack.path(), head);
    assert_eq!(attack.verdict().unwrap().head, head);
    let e = check(&attack.path(), &[], Some(kept)).unwrap_err();
    assert_eq!(e.status(), Status::AuditBroken);
    assert!(e.message().contains("as the head that was given says"), "{e}");
    // And nobody goes on writing a trail that is shorter than its head.
    write_head(&attack.path(), Head { seq: 15, hash: [0; 32] });
    assert_eq!(attack.open(SMALL, None).unwrap_err().status(), Status::AuditBroken);
}

fn write_head(path: &Path, head: Head) {
    let text = head.to_string();
    let (seq, hash) = text.split_once(':').unwrap();
    fs::write(path.join("head.json"), format!("{{\"seq\":{seq},\"hash\":\"{hash}\"}}\n")).unwrap();
}

#[test]
fn the_head_removed_or_edited() {
    let attack = Attack::new();
    let path = attack.path().join("head.json");
    let good = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    attack.is_found("head.json: expected");
    assert_eq!(attack.open(SMALL, None).unwrap_err().status(), Status::AuditBroken);
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, bad).unwrap();
        assert_eq!(attack.verdict().unwrap_err().status(), Status::AuditBroken, "byte {at}");
    }
}

/// Made anew from the beginning, every hash right, checkpoints by the forger's key or none at all.
#[test]
fn replaced_by_a_forged_trail_that_is_whole_in_itself() {
    for signed in [true, false] {
        let attack = Attack::new();
        fs::remove_dir_all(attack.path()).unwrap();
        let signer =
            signed.then(|| Box::new(sm2::PrivateKey::generate().unwrap()) as Box<dyn CheckpointSigner>);
        let trail = attack.open(SMALL, signer).unwrap();
        add(&trail, 12);
        trail.checkpoint().unwrap();
        assert!(check(&attack.path(), &[], None).is_ok(), "without the key it looks good");
        attack.is_found(if signed {
            "record 6: key: expected one of the keys"
        } else {
            "expected a checkpoint"
        });
    }
}

/// The forger takes the key's name, and the signature over something else.
#[test]
fn a_checkpoint_signed_over_other_records() {
    let attack = Attack::new();
    let mut lines = attack.lines();
    let mut previous = [0; 32];
    for line in &mut lines {
        let (mut record, _) = Record::parse(line.strip_suffix(b"\n").unwrap()).unwrap();
        record.previous = previous;
        if record.seq == 2 {
            record.entry.reason = "forged".into();
        }
        (*line, previous) = record.line();
    }
    attack.put(&lines);
    write_head(&attack.path(), Head { seq: 15, hash: previous });
    assert!(check(&attack.path(), &[], None).is_ok(), "without the key it looks good");
    attack.is_found("record 6: signature: expected that of");
}

/// No key signs a message that could be taken for a checkpoint.
#[test]
fn a_checkpoint_signed_as_a_message() {
    let key = Key::Private(PrivateKey::Sm2(sm2::PrivateKey::generate().unwrap()));
    let message = [b"sogov.audit.v1\0".as_slice(), &[1; 40]].concat();
    let refused = sign_by(&key, &sm2::UserId::default(), &message).unwrap_err();
    assert_eq!(refused.status(), Status::InvalidArgument);
}

/// All of it is put back from a backup. That is whole and signed: the head that was kept elsewhere tells.
#[test]
fn an_older_trail_put_back() {
    let attack = Attack::new();
    let backup: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(attack.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect();
    let trail = attack.open(SMALL, None).unwrap();
    add(&trail, 3);
    let kept = trail.checkpoint().unwrap();
    assert_eq!(check(&attack.path(), &[], Some(kept)).unwrap().head, kept);
    for (path, bytes) in backup {
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(attack.verdict().unwrap().head.seq, 15, "the limit: it is whole");
    let e = check(&attack.path(), &[], Some(kept)).unwrap_err();
    assert_eq!((e.status(), e.message().contains("record 16")), (Status::AuditBroken, true), "{e}");
    // A trail that is open finds it at once.
    assert_eq!(trail.append(entry(0), false).unwrap_err().status(), Status::AuditBroken);
}

/// A crash in the middle of a record: found, taken away by the next writer, and told.
#[test]
fn a_torn_tail_is_recovered_and_told() {
    let attack = Attack::new();
    let mut bytes = fs::read(attack.segment(1)).unwrap();
    bytes.extend_from_slice(b"{\"seq\":16,\"ti");
    fs::write(attack.segment(1), &bytes).unwrap();
    attack.is_found("record 16: expected a whole line, found 13 bytes without an end");
    drop(attack.open(SMALL, None).unwrap());
    let report = attack.verdict().unwrap();
    assert_eq!((report.head.seq, report.recovered), (16, 1));
    // What was on the disk is no torn record.
    bytes.truncate(bytes.len() - 40);
    fs::write(attack.segment(1), &bytes).unwrap();
    assert_eq!(attack.open(SMALL, None).unwrap_err().status(), Status::AuditBroken);
}

/// The oldest segments go, and a record says so; a trail that begins anywhere else is refused.
#[test]
fn trimmed_within_its_bound_and_not_beyond() {
    let attack = Attack::new();
    let trail = attack.open(SMALL, None).unwrap();
    add(&trail, 1200);
    trail.sync().unwrap();
    let report = attack_without_key(&attack).unwrap();
    assert!(report.first > 1 && report.segments <= 4, "{report:?}");
    let size: u64 = segments(&attack.path())
        .iter()
        .map(|first| fs::metadata(attack.segment(*first)).unwrap().len())
        .sum();
    assert!(size <= SMALL.total, "{size}");
    fs::remove_file(attack.segment(report.first)).unwrap();
    let e = attack_without_key(&attack).unwrap_err();
    assert_eq!(e.status(), Status::AuditBroken);
    assert!(e.message().contains("expected a record that says that the trail begins here"), "{e}");
}

fn attack_without_key(attack: &Attack) -> Result<Report, Error> {
    check(&attack.path(), &[], None)
}

/// Runs `a_child_that_writes` in a process of its own.
fn child(path: &Path, count: usize, shell: &str) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{shell} exec \"$0\" --exact audit::a_child_that_writes --nocapture")])
        .arg(program)
        .env(CHILD, format!("{count}:{}", path.display()))
        .stdout(Stdio::piped());
    command
}

/// Does nothing unless another test has started it.
#[test]
fn a_child_that_writes() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let (count, path) = task.split_once(':').unwrap();
    let trail = Trail::open(Path::new(path), SMALL, None).unwrap();
    println!("ready");
    match count.parse().unwrap() {
        0 => loop {
            add(&trail, 1);
        },
        count => add(&trail, count),
    }
}

#[test]
fn two_processes_and_two_threads_write_at_once() {
    let attack = Attack::new();
    let children = [(); 2].map(|()| child(&attack.path(), 100, "").spawn().unwrap());
    let trail = attack.open(Limits { total: 4 << 20, ..SMALL }, None).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| add(&trail, 100));
        }
    });
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    assert_eq!(trail.head().unwrap().seq, 415);
    assert_eq!(attack.verdict().unwrap().head.seq, 415);
}

/// What one process knows of the trail is trimmed by another one: it goes on at the end.
#[test]
fn trimmed_by_another_process() {
    let attack = Attack::new();
    let idle = attack.open(SMALL, None).unwrap();
    let busy = attack.open(SMALL, None).unwrap();
    add(&busy, 1200);
    busy.sync().unwrap();
    let before = attack_without_key(&attack).unwrap();
    assert!(before.first > 15, "{before:?}");
    add(&idle, 1);
    idle.sync().unwrap();
    assert!(attack_without_key(&attack).unwrap().head.seq > before.head.seq);
    assert_eq!(busy.head().unwrap(), idle.head().unwrap());
}

#[test]
fn killed_while_writing() {
    use std::io::{BufRead, BufReader};
    let attack = Attack::new();
    let mut last = 15;
    for round in 0..5 {
        let mut child = child(&attack.path(), 0, "").spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(out.any(|line| line.unwrap().contains("ready")));
        // Until it is seen to write.
        let trail = attack.open(SMALL, None).unwrap();
        let seen = trail.head().unwrap().seq;
        while trail.head().unwrap().seq < seen + 3 + round {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // Whatever it left, the next writer goes on behind it.
        add(&attack.open(SMALL, None).unwrap(), 1);
        let report = attack_without_key(&attack).unwrap();
        assert!(report.head.seq > last, "{report:?}");
        last = report.head.seq;
    }
}

/// No room: the record is refused, nothing of it stays, and the trail goes on when there is room again.
#[test]
fn disk_full() {
    let attack = Attack::new();
    let before = attack.verdict().unwrap();
    let output = child(&attack.path(), 50, "trap '' XFSZ; ulimit -f 24;").output().unwrap();
    assert!(!output.status.success(), "a record had no room");
    let report = attack_without_key(&attack).unwrap();
    assert!(report.head.seq > before.head.seq && report.recovered == 0, "{report:?}");
    add(&attack.open(SMALL, None).unwrap(), 1);
    assert_eq!(attack_without_key(&attack).unwrap().head.seq, report.head.seq + 1);
}

fn engine_options(trust: &Trust, state: &TempDir, audit: AuditOptions) -> EngineOptions {
    EngineOptions { state_directory: Some(state.path().to_owned()), audit: Some(audit), ..trust.options() }
}

fn records(state: &TempDir) -> Vec<Record> {
    static SCHEMES: Schemes = Schemes::new();
    let mut records = Vec::new();
    let against = Verification { keys: &[], schemes: &SCHEMES, expected: None };
    verify(&state.path().join("machine/audit"), &against, &mut |record| records.push(record.clone()))
        .unwrap();
    records
}

/// What an auditor asks for: who did what with which artifact, and what became of it.
#[test]
fn the_engine_records_who_did_what() {
    let (trust, state) = (Trust::new(), TempDir::new());
    let key = PrivateKey::Sm2(sm2::PrivateKey::generate().unwrap());
    let public = key.public_key();
    let audit =
        AuditOptions { required: true, key: Some(Arc::new(Key::Private(key))), ..AuditOptions::default() };
    let engine = Engine::open(engine_options(&trust, &state, audit)).unwrap();
    let loaded = load(&engine, &trust, &fee("v1"), "fee", "v1");
    let change = Change { actor: "ops".into(), reason: "release 7".into(), ..Change::default() };
    engine.promote("fee", "v1", &change).unwrap();
    let refused = engine.load_versioned("fee", "v2", &fee("v2"), &LoadOptions::default()).unwrap_err();
    assert_eq!(refused.status(), Status::Unsigned);
    let secret = Key::Private(PrivateKey::Sm2(sm2::PrivateKey::generate().unwrap()));
    sign_by(&secret, &sm2::UserId::default(), b"a message").unwrap();
    engine.close();
    let records = records(&state);
    let find = |kind: Kind, status: &str| {
        records.iter().find(|record| record.entry.kind == kind && record.entry.status == status).cloned()
    };
    for kind in [Kind::Open, Kind::Trust, Kind::Sign, Kind::Verify, Kind::Load, Kind::Promote, Kind::Close] {
        assert!(find(kind, "OK").is_some(), "{kind:?}");
    }
    assert_eq!(find(Kind::Load, "OK").unwrap().entry.digest, Some(loaded.digest));
    let promoted = find(Kind::Promote, "OK").unwrap();
    let asked = find(Kind::Promote, "REQUESTED").unwrap();
    assert!(asked.seq < promoted.seq, "it was on record before it happened");
    assert_eq!((promoted.entry.actor.as_str(), promoted.entry.reason.as_str()), ("ops", "release 7"));
    assert!(find(Kind::Load, "UNSIGNED").is_some() && find(Kind::Verify, "UNSIGNED").is_some());
    let Some(Detail::Counts { signed, .. }) = find(Kind::Messages, "OK").map(|record| record.entry.detail)
    else {
        panic!("messages are counted")
    };
    assert!(signed >= 1);
    let path = state.path().join("machine/audit");
    let report = check(&path, &[public], None).unwrap();
    assert_eq!(report.signed_up_to, report.head.seq, "the closing is signed for");
}

/// The trail cannot be written: with `required` nothing changes, without it the log says so.
#[test]
fn no_change_without_a_record() {
    for required in [true, false] {
        let (trust, state, lines) = (Trust::new(), TempDir::new(), Lines::default());
        let audit = AuditOptions { required, ..AuditOptions::default() };
        let options = EngineOptions { log: lines.log(), ..engine_options(&trust, &state, audit) };
        let engine = Engine::open(options).unwrap();
        load(&engine, &trust, &fee("v1"), "fee", "v1");
        load(&engine, &trust, &fee("v2"), "fee", "v2");
        engine.promote("fee", "v1", &Change::default()).unwrap();
        // Something else stands where the trail was.
        let path = state.path().join("machine/audit");
        let first = path.join("00000000000000000001.ndjson");
        fs::write(&first, b"").unwrap();
        let promoted = engine.promote("fee", "v2", &Change::default());
        let stable = engine.service("fee").unwrap().stable().unwrap().to_string();
        if required {
            assert_eq!(promoted.unwrap_err().status(), Status::AuditBroken);
            assert!(stable.contains("v1"), "{stable}");
        } else {
            promoted.unwrap();
            assert!(stable.contains("v2"), "{stable}");
            assert!(lines.contain("audit trail: "), "{:?}", lines.all());
        }
        engine.close();
        // A broken trail stays as it is, for whoever looks into it.
        let audit = AuditOptions { required, ..AuditOptions::default() };
        let again = Engine::open(engine_options(&trust, &state, audit));
        assert_eq!(again.err().map(|e| e.status()), required.then_some(Status::AuditBroken));
        assert_eq!(fs::read(&first).unwrap(), b"");
    }
}

/// With a key for it, names are codes: equal for the same name, and not to be guessed without the key.
#[test]
fn personal_data_as_pseudonyms() {
    let (trust, state) = (Trust::new(), TempDir::new());
    let secret = sogov::crypto::hmac::SecretKey::from_bytes(&[9; 32]).unwrap();
    let audit = AuditOptions { pseudonym_key: Some(Arc::new(secret)), ..AuditOptions::default() };
    let engine = Engine::open(engine_options(&trust, &state, audit)).unwrap();
    load(&engine, &trust, &fee("v1"), "fee", "v1");
    let change = Change { actor: "alice".into(), reason: "for bob".into(), ..Change::default() };
    engine.promote("fee", "v1", &change).unwrap();
    engine.unload("fee", "v9", std::time::Duration::ZERO, &change).unwrap_err();
    engine.close();
    let records = records(&state);
    let named: Vec<_> = records.iter().filter(|record| !record.entry.actor.is_empty()).collect();
    assert!(named.len() >= 2 && named.iter().all(|record| record.entry.actor == named[0].entry.actor));
    assert!(named[0].entry.actor.starts_with("hmac-sha256:"), "{:?}", named[0]);
    let bytes = fs::read(state.path().join("machine/audit/00000000000000000001.ndjson")).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains("alice") && !text.contains("bob"), "{text}");
}

/// What a deny-list did to versions, who looked, and who confirmed the clock: on record, with names and digests.
#[test]
fn revocations_and_the_clock_are_on_record() {
    let (trust, state) = (Trust::new(), TempDir::new());
    let noon = sogov::timestamp::now();
    let clock = TestClock::at(noon);
    let audit = AuditOptions { required: true, ..AuditOptions::default() };
    // Nobody looks at trust but who is asked to.
    let trust_check_ms = u32::MAX;
    let options =
        EngineOptions { clock: clock.shared(), trust_check_ms, ..engine_options(&trust, &state, audit) };
    let engine = Engine::open(options).unwrap();
    let digests = ["v1", "v2"].map(|version| {
        let digest = load(&engine, &trust, &fee(version), "fee", version).digest;
        engine.promote("fee", version, &Change::default()).unwrap();
        digest
    });
    let denylist = trust.path().join("denylist.json");
    let entry = format!(r#"{{"digest":"{}","reason":"rounds wrong"}}"#, sm3::text(&digests[1]));
    fs::write(&denylist, format!(r#"{{"schema":1,"number":3,"artifacts":[{entry}]}}"#)).unwrap();
    sign_document(&trust.root, &denylist, Domain::Denylist).unwrap();
    let change = Change { actor: "ops".into(), reason: "the list of today".into(), ..Change::default() };
    assert_eq!(engine.refresh_trust(&change).unwrap().revoked, 1);
    clock.set(noon + 40 * 86_400);
    engine.refresh_trust(&change).unwrap();
    engine.confirm_time(&change).unwrap();
    engine.confirm_time(&Change { actor: "ops".into(), ..Change::default() }).unwrap_err();
    engine.close();
    let records = records(&state);
    let of = |kind: Kind, status: &str| -> Vec<&Entry> {
        let entries = records.iter().map(|record| &record.entry);
        entries.filter(|entry| entry.kind == kind && entry.status == status).collect()
    };
    let [revoked] = of(Kind::Revoked, "REVOKED")[..] else { panic!("one version was revoked: {records:?}") };
    assert_eq!((revoked.version.as_str(), revoked.digest), ("v2", Some(digests[1])));
    assert!(revoked.message.contains("rounds wrong") && revoked.message.contains("v1 serves in its place"));
    let trust = of(Kind::Trust, "OK");
    assert!(trust[0].message.starts_with("as the engine was opened: "), "{:?}", trust[0]);
    assert!(trust.iter().any(|entry| entry.message == "changed: document 1, deny-list 3, root keys 1"));
    assert!(trust.iter().any(|entry| entry.actor == "ops" && entry.version.contains("deny-list 3")));
    assert!(of(Kind::Clock, "CLOCK_REFUSED")[0].message.contains("jumped ahead"));
    let asked = of(Kind::Clock, "REQUESTED");
    assert_eq!((asked.len(), asked[0].reason.as_str()), (2, "the list of today"));
    assert!(of(Kind::Clock, "OK").iter().any(|entry| entry.version.ends_with("was confirmed")));
    assert_eq!(of(Kind::Clock, "INVALID_ARGUMENT").len(), 1);
}

/// What is revoked is taken out of service whether or not that can be recorded: a trail that is required stops changes, not
/// their undoing.
#[test]
fn a_broken_trail_keeps_nothing_revoked_in_service() {
    let (trust, state, lines) = (Trust::new(), TempDir::new(), Lines::default());
    let audit = AuditOptions { required: true, ..AuditOptions::default() };
    let options = EngineOptions { log: lines.log(), ..engine_options(&trust, &state, audit) };
    let engine = Engine::open(options).unwrap();
    for version in ["v1", "v2"] {
        load(&engine, &trust, &fee(version), "fee", version);
        engine.promote("fee", version, &Change::default()).unwrap();
    }
    fs::write(state.path().join("machine/audit/00000000000000000001.ndjson"), b"").unwrap();
    let digest =
        engine.report(Some("fee")).unwrap().into_iter().find(|v| v.label.as_str() == "v2").unwrap().digest;
    let denylist = trust.path().join("denylist.json");
    let entry = format!(r#"{{"digest":"{}","reason":"rounds wrong"}}"#, sm3::text(&digest));
    fs::write(&denylist, format!(r#"{{"schema":1,"number":1,"artifacts":[{entry}]}}"#)).unwrap();
    sign_document(&trust.root, &denylist, Domain::Denylist).unwrap();
    engine.refresh_trust(&Change::default()).unwrap();
    assert!(engine.service("fee").unwrap().stable().unwrap().to_string().contains("v1"));
    assert!(lines.contain("audit trail: "), "{:?}", lines.all());
}
