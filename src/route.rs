//! Who goes where: the route policy document, the table compiled from it and the decision per request.
//!
//! Everything here is a pure function of its arguments: no file, no clock, no thread, no random source. A
//! policy is parsed and validated ([`policy`]), compiled once ([`table`]) and then asked for each request:
//!
//! ```
//! use sogov::route::{Header, Request, RoutePolicy, RouteTable};
//!
//! let document = br#"{"version":"v2.1","weight":{"v2":80,"v2-gray":20}}"#;
//! let policy = RoutePolicy::parse(document, "user-service")?;
//! let table = RouteTable::new(&policy);
//! let request = Request { user_key: Some(b"u1"), headers: &[Header { name: b"X-Env", value: b"prod" }] };
//! let decision = table.decide(&request, || 0);
//! assert!(decision.version < 2, "{} by {:?}", table.versions()[decision.version as usize], decision.reason);
//! # Ok::<(), sogov::error::Error>(())
//! ```
//!
#![forbid(unsafe_code)]

pub mod bucket;
mod layout;
pub mod policy;
mod request;
mod siphash;
pub mod table;

pub use policy::{BreakerRules, RoutePolicy};
pub use request::{Header, Request};
pub use table::{Decision, Reason, RouteTable};

#[cfg(test)]
mod properties;
