//! What the benches share: C code built on the spot, timing beside a peer, and the report.

#![allow(dead_code, reason = "each bench uses its own part")]

pub mod c_library;
pub mod measure;
pub mod report;
