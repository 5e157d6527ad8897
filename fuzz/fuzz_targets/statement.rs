//! Statements: what is read is written as the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sogov::artifact::statement::Statement;

fuzz_target!(|data: &[u8]| {
    if let Ok(statement) = Statement::from_der(data) {
        assert_eq!(statement.to_der().as_deref(), Ok(data));
        let _ = statement.unknown_critical();
    }
});
