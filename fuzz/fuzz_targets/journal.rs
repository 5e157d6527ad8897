//! Records of an audit trail: what is read is written as the same bytes, with the same hash.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sogov::journal::Record;

fuzz_target!(|data: &[u8]| {
    if let Ok((record, hash)) = Record::parse(data) {
        let (line, again) = record.line();
        assert_eq!(line.strip_suffix(b"\n"), Some(data));
        assert_eq!(again, hash);
    }
});
