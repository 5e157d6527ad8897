//! What the version runtime costs a host, beside what the host would use instead: `make bench-runtime`.
//!
//! The loops that use sogov are C (`runtime/host.c`): they call `libsogov.so` through its header, as a host does.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench ends at the first surprise, prints, and computes with times"
)]

mod support;
#[path = "../tests/support/mod.rs"]
mod test_support;

use arc_swap::ArcSwap;
use crossbeam_epoch::Atomic;
use libloading::Library;
use std::ffi::{CString, c_char};
use std::hint::black_box;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use support::c_library;
use support::measure::{Loop, Spread, interleaved, quantile, rust_loop, spread};
use support::report::{Row, publish};
use test_support::Trust;

const CALLERS: usize = 8;
const SWITCHES: usize = 2000;
const LOADS: usize = 60;
const CYCLES: usize = 10_000;
const REQUESTS_AFTER_TRIP: u64 = 1000;

fn main() {
    let trust = Trust::new();
    let host = Host::start(&trust);
    let mut rows = Vec::new();
    // `make bench-runtime` measures all; `cargo bench --bench runtime -- loads` one group, for whoever works on it.
    let groups: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    // For tools/count_instructions.py: so many turns of one loop of host.c, and nothing else.
    if let [word, name, turns] = groups.as_slice()
        && word == "turns"
    {
        host.work(name)(turns.parse().unwrap());
        return;
    }
    let wanted = |group: &str| groups.is_empty() || groups.iter().any(|name| name == group);
    if wanted("leases") {
        leases(&host, &mut rows);
    }
    if wanted("calls") {
        calls(&host, &mut rows);
    }
    if wanted("switches") {
        switches(&host, &mut rows);
    }
    if wanted("trip") {
        trip(&host, &mut rows);
    }
    if wanted("loads") {
        loads(&host, &trust, &mut rows);
    }
    if wanted("cycles") {
        cycles(&host, &trust, &mut rows);
    }
    publish("runtime", &rows);
}

/// A lease taken and given back, on one thread and on two at once.
fn leases(host: &Host, rows: &mut Vec<Row>) {
    let shared = Arc::new(1_u64);
    let swapped = ArcSwap::new(Arc::clone(&shared));
    let locked = parking_lot::RwLock::new(Arc::clone(&shared));
    let collected = Atomic::new(1_u64);
    let loops = [
        host.work("host_route_release"),
        host.work("host_bare_call"),
        host.work("host_rwlock"),
        rust_loop(|| {
            black_box(**swapped.load());
        }),
        rust_loop(|| {
            black_box(Arc::clone(&locked.read()));
        }),
        rust_loop(|| {
            let pin = crossbeam_epoch::pin();
            black_box(collected.load(Ordering::Acquire, &pin));
        }),
        host.work("host_route_release_rules"),
    ];
    let peers = [
        "bare indirect call",
        "pthread_rwlock, read",
        "arc-swap load",
        "parking_lot RwLock, read and Arc clone",
        "crossbeam-epoch pin and load",
    ];
    for (what, threads, target) in
        [("route_lease_release", 1, 40.0), ("route_lease_release_2_threads", 2, 60.0)]
    {
        let times = interleaved(&loops, threads);
        for (peer, time) in peers.into_iter().zip(&times[1..]) {
            rows.push(Row {
                what,
                value: times[0],
                unit: "ns",
                target: Some(target),
                peer,
                peer_value: time.median,
            });
        }
        if threads == 1 {
            rows.push(Row {
                what: "route_lease_release_rules",
                value: times[6],
                unit: "ns",
                target: Some(90.0),
                peer: "the same without rules",
                peer_value: times[0].median,
            });
        }
    }
}

/// A plugin's function that copies 64 bytes, called through sogov and through a bare pointer.
fn calls(host: &Host, rows: &mut Vec<Row>) {
    let times = interleaved(&[host.work("host_call"), host.work("host_bare_invoke")], 1);
    let (call, bare) = (times[0], times[1]);
    let over = |ns: f64| ns - bare.median;
    let overhead = Spread { min: over(call.min), median: over(call.median), max: over(call.max) };
    for (what, value, target) in [("call_overhead_c", overhead, Some(60.0)), ("call_total", call, None)] {
        rows.push(Row {
            what,
            value,
            unit: "ns",
            target,
            peer: "the function through a bare pointer",
            peer_value: bare.median,
        });
    }
}

/// Promotions and rollbacks, each call timed for itself, while 8 threads call; the peer is a table of versions behind
/// a lock.
fn switches(host: &Host, rows: &mut Vec<Row>) {
    let ours = host.switch_under_load("host_switch", "host_failed_calls");
    host.prepare_lock();
    let lock = host.switch_under_load("host_rwlock_switch", "host_rwlock_failed_calls");
    let microseconds = |q| quantile(&ours.durations, q) / 1000.0;
    println!(
        "{} promotions and rollbacks under {CALLERS} threads: p50 {:.1} us, p99 {:.1} us, max {:.1} us; {} of {} calls failed",
        ours.durations.len(),
        microseconds(0.5),
        microseconds(0.99),
        microseconds(1.0),
        ours.failed,
        ours.calls,
    );
    assert_eq!(ours.failed, 0, "no call fails while versions are switched");
    rows.push(Row {
        what: "rollback_call_p99",
        value: Spread { min: microseconds(0.0), median: microseconds(0.99), max: microseconds(1.0) },
        unit: "us",
        target: Some(50.0),
        peer: "pthread_rwlock around the version in force, write",
        peer_value: quantile(&lock.durations, 0.99) / 1000.0,
    });
}

/// Three failures open a breaker; then requests are counted that still reach the version.
fn trip(host: &Host, rows: &mut Vec<Row>) {
    let reached = host.work("host_reached_after_trip")(REQUESTS_AFTER_TRIP) as f64;
    rows.push(Row {
        what: "breaker_trip",
        value: Spread { min: reached, median: reached, max: reached },
        unit: "late",
        target: Some(0.0),
        peer: "requests after the deciding outcome",
        peer_value: REQUESTS_AFTER_TRIP as f64,
    });
}

/// What a process has at one moment.
struct Usage {
    resident_kib: u64,
    descriptors: usize,
    mappings: usize,
    threads: usize,
}

impl Usage {
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let entries = |path: &str| std::fs::read_dir(path).unwrap().count();
        Self {
            resident_kib: resident.trim().trim_end_matches(" kB").parse().unwrap(),
            descriptors: entries("/proc/self/fd"),
            mappings: std::fs::read_to_string("/proc/self/maps").unwrap().lines().count(),
            threads: entries("/proc/self/task"),
        }
    }
}

/// A version that is loaded, promoted, rolled back and unloaded again and again under two callers: what the process has
/// after [`CYCLES`] cycles, beside what it had after the first tenth of them.
fn cycles(host: &Host, trust: &Trust, rows: &mut Vec<Row>) {
    let plugin = c_library::compile("runtime/plugin.c", "copy", [] as [&str; 0]);
    host.load("cycled", "v1", &trust.signed(&plugin, "cycled", "v1"));
    host.set_up("host_promote", c"cycled", c"v1");
    let path = c_text(&trust.signed(&plugin, "cycled", "v2"));
    // SAFETY: host.c.
    let cycle: extern "C" fn(*const c_char) = unsafe { c_library::function(host.0, "host_cycle") };
    let failed_calls = host.work("host_cycled_failed_calls");
    let (stop, failed) = (AtomicBool::new(false), AtomicU64::new(0));
    let (before, after) = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    failed.fetch_add(failed_calls(100), Ordering::Relaxed);
                }
            });
        }
        let run = |cycles| (0..cycles).for_each(|_| cycle(path.as_ptr()));
        run(CYCLES / 10);
        let before = Usage::now();
        run(CYCLES - CYCLES / 10);
        let after = Usage::now();
        stop.store(true, Ordering::Relaxed);
        (before, after)
    });
    println!(
        "{CYCLES} cycles: {} to {} KiB resident, {} to {} descriptors, {} to {} mappings, {} to {} threads; {} calls failed",
        before.resident_kib,
        after.resident_kib,
        before.descriptors,
        after.descriptors,
        before.mappings,
        after.mappings,
        before.threads,
        after.threads,
        failed.load(Ordering::Relaxed),
    );
    assert_eq!(failed.into_inner(), 0, "no call fails while versions come and go");
    let same = (before.descriptors, before.threads) == (after.descriptors, after.threads);
    assert!(same, "cycles leave descriptors or threads behind");
    let growth = after.resident_kib.saturating_sub(before.resident_kib) as f64;
    rows.push(Row {
        what: "cycle_growth",
        value: Spread { min: growth, median: growth, max: growth },
        unit: "KiB",
        target: None,
        peer: "resident before",
        peer_value: before.resident_kib as f64,
    });
}

/// A signed plugin of 1 MiB, loaded by sogov without and with a preflight, over what `dlopen` alone takes.
fn loads(host: &Host, trust: &Trust, rows: &mut Vec<Row>) {
    let plugin = c_library::compile("runtime/plugin.c", "copy_1mib", ["-DPADDING=1048576"]);
    let signed = c_text(&trust.signed(&plugin, "large", "v1"));
    let ways = ["host_dlopen", "host_verified_load", "host_verified_load_preflight"];
    let ways = ways.map(|name| host.loading(name));
    let times: Vec<[f64; 3]> =
        (0..LOADS).map(|_| ways.map(|load| load(signed.as_ptr()) as f64 / 1e6)).skip(LOADS / 10).collect();
    let bare = spread(times.iter().map(|times| times[0]).collect()).median;
    for (what, way, target) in [("verified_load_1mib", 1, 1.5), ("verified_load_1mib_preflight", 2, 4.0)] {
        rows.push(Row {
            what,
            value: spread(times.iter().map(|times| times[way] - times[0]).collect()),
            unit: "ms",
            target: Some(target),
            peer: "dlopen",
            peer_value: bare,
        });
    }
}

/// The C host with its services: `single`, `ruled` and `switched`, all of the plugin that copies its request.
struct Host(&'static Library);

type Loading = extern "C" fn(*const c_char) -> u64;

struct UnderLoad {
    /// Of each switch in nanoseconds, sorted.
    durations: Vec<f64>,
    calls: u64,
    failed: u64,
}

const POLICY: &std::ffi::CStr =
    cr#"{"version":"p1","epoch":1,"stable":"v1","weight":{"v1":80,"v2":20},"rules":[
    {"id":"test","priority":1,"when":{"header":"x-env","eq":"test"},"to":"v2"},
    {"id":"branch","priority":2,"when":{"header":"x-channel","prefix":"branch-"},"to":"v2"},
    {"id":"beta","priority":3,"when":{"header":"x-region","eq":"cn-north-1"},"to":"v2"}]}"#;

impl Host {
    fn start(trust: &Trust) -> Self {
        let libsogov = c_library::libsogov();
        // Its SONAME is known from here on, so that the host's reference finds it.
        c_library::load(&libsogov);
        let host = Self(c_library::load(&c_library::compile("runtime/host.c", "host", [&libsogov])));
        let plugin = c_library::compile("runtime/plugin.c", "copy", [] as [&str; 0]);
        host.open(trust);
        for (service, version) in
            [("single", "v1"), ("ruled", "v1"), ("ruled", "v2"), ("switched", "v1"), ("switched", "v2")]
        {
            host.load(service, version, &trust.signed(&plugin, service, version));
        }
        host.set_up("host_promote", c"single", c"v1");
        host.set_up("host_promote", c"switched", c"v1");
        host.set_up("host_apply", c"ruled", POLICY);
        host
    }

    fn open(&self, trust: &Trust) {
        // SAFETY: host.c.
        let open: extern "C" fn(*const c_char, *const u8) =
            unsafe { c_library::function(self.0, "host_open") };
        open(c_text(trust.path()).as_ptr(), trust.root_id().as_bytes().as_ptr());
    }

    fn load(&self, service: &str, version: &str, path: &Path) {
        let (service, version) = (CString::new(service).unwrap(), CString::new(version).unwrap());
        // SAFETY: host.c.
        let load: extern "C" fn(*const c_char, *const c_char, *const c_char) =
            unsafe { c_library::function(self.0, "host_load") };
        load(service.as_ptr(), version.as_ptr(), c_text(path).as_ptr());
    }

    fn set_up(&self, function: &str, service: &std::ffi::CStr, what: &std::ffi::CStr) {
        // SAFETY: host.c.
        let set_up: extern "C" fn(*const c_char, *const c_char) =
            unsafe { c_library::function(self.0, function) };
        set_up(service.as_ptr(), what.as_ptr());
    }

    /// A loop of host.c.
    fn work(&self, name: &str) -> Loop<'static> {
        // SAFETY: host.c.
        let work: extern "C" fn(u64) -> u64 = unsafe { c_library::function(self.0, name) };
        Box::new(move |turns| work(turns))
    }

    fn loading(&self, name: &str) -> Loading {
        // SAFETY: host.c.
        unsafe { c_library::function(self.0, name) }
    }

    fn prepare_lock(&self) {
        // SAFETY: host.c.
        let prepare: extern "C" fn() = unsafe { c_library::function(self.0, "host_rwlock_prepare") };
        prepare();
    }

    /// Switches back and forth while threads call. A short rest before each pair lets the callers get far between.
    fn switch_under_load(&self, switch: &str, failed_calls: &str) -> UnderLoad {
        const BATCH: u64 = 1000;
        // SAFETY: host.c.
        let switch: extern "C" fn(&mut u64, &mut u64) = unsafe { c_library::function(self.0, switch) };
        let failed_calls = self.work(failed_calls);
        let (stop, calls, failed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        let mut durations = Vec::with_capacity(SWITCHES);
        std::thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        failed.fetch_add(failed_calls(BATCH), Ordering::Relaxed);
                        calls.fetch_add(BATCH, Ordering::Relaxed);
                    }
                });
            }
            while durations.len() < SWITCHES {
                std::thread::sleep(Duration::from_micros(500));
                let (mut there, mut back) = (0, 0);
                switch(&mut there, &mut back);
                durations.extend([there as f64, back as f64]);
            }
            stop.store(true, Ordering::Relaxed);
        });
        durations.sort_by(f64::total_cmp);
        UnderLoad { durations, calls: calls.into_inner(), failed: failed.into_inner() }
    }
}

fn c_text(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap()
}
