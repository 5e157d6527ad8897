use super::record::NO_RECORD;
use super::*;

fn record() -> Record {
    let mut entry = Entry::new(Kind::Promote);
    entry.actor = "ops \"night\"\n".into();
    entry.reason = "é中".repeat(400);
    entry.digest = Some([7; 32]);
    Record { seq: 1, time: 1_700_000_000, process: 7, entry, previous: NO_RECORD }
}

#[test]
fn a_record_goes_both_ways() {
    let (line, hash) = record().line();
    let line = line.strip_suffix(b"\n").unwrap();
    let (read, read_hash) = Record::parse(line).unwrap();
    assert_eq!(read_hash, hash);
    assert_eq!(read.entry.actor, "ops \"night\"\\n", "control characters are spelled out");
    assert!(read.entry.reason.ends_with("[cut]") && read.entry.reason.len() <= record::MAX_TEXT);
    assert_eq!(read.line().0.strip_suffix(b"\n").unwrap(), line);
}

#[test]
fn any_changed_byte_is_found() {
    let (line, _) = record().line();
    let line = line.strip_suffix(b"\n").unwrap();
    for at in 0..line.len() {
        for bit in [1, 0x20, 0x80] {
            let mut changed = line.to_vec();
            changed[at] ^= bit;
            assert!(Record::parse(&changed).is_err(), "byte {at}: {}", String::from_utf8_lossy(&changed));
        }
    }
}

#[test]
fn a_head_goes_both_ways_as_text() {
    let head = Head { seq: 12, hash: [3; 32] };
    assert_eq!(head.to_string().parse::<Head>().unwrap(), head);
    for text in ["", "1", ":", "+1:sm3:", "x:sm3:00"] {
        assert!(text.parse::<Head>().is_err(), "{text}");
    }
}
