//! The ELF validator against real compilers, real libraries and the real dynamic linker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "elf/build.rs"]
mod build;
#[path = "elf/corrupt.rs"]
mod corrupt;
#[path = "elf/refusals.rs"]
mod refusals;

use build::{Dir, dynamic_value, offset_of, put_u32, u32_at};
use sogov::artifact::elf::hazards::{HazardKind, unload_hazards};
use sogov::artifact::elf::policy::{LoadAllowances, loadable};
use sogov::artifact::elf::{Elf, Stack, SymbolKind};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const FEE: &str = r#"
    #include <stdlib.h>
    static int calls;
    const char sogov_facts[] = "abi=1";
    int zeroed[1000];
    int (*volatile hook)(void) = 0;
    __attribute__((constructor)) static void start(void) { calls = 1; }
    int fee(int amount) { return getenv("FEE") ? amount / 100 + calls : hook(); }
"#;

const FEE_CPP: &str = r#"
    #include <stdexcept>
    #include <string>
    struct Tariff { std::string name; Tariff() : name("tariff") {} ~Tariff() {} };
    static Tariff tariff;
    inline int shared_count() { static int count = 0; return ++count; }
    extern "C" int fee(int amount) {
        if (amount < 0) throw std::runtime_error(tariff.name);
        return amount / 100 + shared_count();
    }
"#;

#[test]
fn libraries_of_the_system_are_well_formed() {
    let names =
        ["libsqlite3.so.0", "libz.so.1", "libcrypto.so.3", "libstdc++.so.6", "libm.so.6", "libc.so.6"];
    for name in names {
        let found = Command::new("gcc").arg(format!("-print-file-name={name}")).output().unwrap();
        let path = String::from_utf8(found.stdout).unwrap();
        assert!(Path::new(path.trim()).is_absolute(), "{name} is not installed");
        let file = std::fs::read(path.trim()).unwrap();
        let elf = Elf::parse(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(elf.soname(), Some(name));
        assert_eq!(elf.stack(), Stack::NonExecutable, "{name}");
        assert!(elf.exports().count() > 50, "{name}");
        assert_eq!(elf.has_ifunc(), matches!(name, "libm.so.6" | "libc.so.6"), "{name}");
        assert_eq!(elf.has_unique_symbols(), name == "libstdc++.so.6", "{name}");
        if !elf.has_ifunc() {
            loadable(&elf, &LoadAllowances::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

#[test]
fn plugins_of_every_link_style_are_loadable() {
    let dir = Dir::new();
    std::fs::write(dir.path().join("fee.map"), "FEE_1 { global: fee; sogov_facts; local: *; };").unwrap();
    let styles: [&[&str]; 8] = [
        &[],
        &["-Wl,--hash-style=gnu"],
        &["-Wl,--hash-style=sysv"],
        &["-Wl,--hash-style=both"],
        &["-Wl,--version-script=fee.map"],
        &["-Wl,-z,now,-z,relro,-z,defs", "-fvisibility=default"],
        &["-Wl,-z,noseparate-code", "-s"],
        &["-Wl,-z,norelro"],
    ];
    for style in styles {
        for (source, library) in [(("fee.c", FEE), "libc.so.6"), (("fee.cc", FEE_CPP), "libstdc++.so.6")] {
            let file = dir.shared(source, &[style, &["-Wl,-soname,libfee.so.1"]].concat());
            let elf = Elf::parse(&file).unwrap_or_else(|error| panic!("{} {style:?}: {error}", source.0));
            loadable(&elf, &LoadAllowances::default()).unwrap();
            assert_eq!(elf.soname(), Some("libfee.so.1"));
            assert!(elf.needed().contains(&library), "{:?}", elf.needed());
            let fee = elf.exports().find(|export| export.name == "fee").unwrap();
            assert_eq!(fee.kind, SymbolKind::Function, "{style:?}");
            assert!(elf.sections().iter().any(|section| section.name == ".text" && section.size > 0));
        }
    }
    let packed = ["-shared", "-fPIC", "-Wl,-z,pack-relative-relocs"];
    if let Some(path) = dir.try_compile(("packed.cc", FEE_CPP), &packed) {
        Elf::parse(&std::fs::read(path).unwrap()).unwrap();
    }
}

#[test]
fn exports_say_where_their_bytes_stand() {
    let dir = Dir::new();
    let file = dir.shared(("fee.c", FEE), &[]);
    let elf = Elf::parse(&file).unwrap();
    let export = |name| elf.exports().find(|export| export.name == name).unwrap();
    let facts = export("sogov_facts");
    assert_eq!((facts.kind, facts.size), (SymbolKind::Object, 6));
    assert_eq!(&file[facts.file_range.unwrap()], b"abi=1\0");
    assert_eq!(export("zeroed").file_range, None, "zeros of .bss are not in the file");
    assert!(elf.exports().all(|export| export.name != "getenv"));
    assert!(elf.imports().any(|name| name == "getenv") && elf.imports().all(|name| name != "fee"));
}

#[test]
fn hazards_are_seen_by_what_the_file_shows() {
    let dir = Dir::new();
    let kinds = |text: &str, flags: &[&str]| -> Vec<(HazardKind, bool)> {
        let name = if text.contains("#include <string>") { "hazard.cc" } else { "hazard.c" };
        let file = dir.shared((name, text), flags);
        let hazards = unload_hazards(&Elf::parse(&file).unwrap());
        hazards.iter().map(|hazard| (hazard.kind, hazard.is_waived_by_clean_stop())).collect()
    };
    assert_eq!(kinds("#include <stdlib.h>\nint f(void (*g)(void)) { return atexit(g); }", &[]), []);
    let busy = "extern int pthread_create(), pthread_key_create(), sigaction(), putenv();
        extern int __cxa_thread_atexit_impl();
        int f(void) { return pthread_create() + pthread_key_create() + sigaction() + putenv()
            + __cxa_thread_atexit_impl(); }";
    let expected = [
        (HazardKind::NoDelete, false),
        (HazardKind::Thread, true),
        (HazardKind::Signal, true),
        (HazardKind::ThreadSpecificData, true),
        (HazardKind::ExitHandler, true),
        (HazardKind::Tls, false),
    ];
    assert_eq!(kinds(busy, &["-Wl,-z,nodelete", "-Wno-builtin-declaration-mismatch"]), expected);
    assert_eq!(kinds(FEE_CPP, &[]), [(HazardKind::UniqueSymbol, false)]);
    assert_eq!(kinds(FEE_CPP, &["-fno-gnu-unique"]), []);
    let initial =
        "__thread int slot __attribute__((tls_model(\"initial-exec\"))); int f(void) { return ++slot; }";
    assert_eq!(kinds(initial, &[]), [(HazardKind::StaticTls, false)]);
    assert_eq!(kinds("int _cgo_panic(void) { return 1; }", &[]), [(HazardKind::Go, false)]);

    let file =
        dir.shared(("thread.c", "extern int thrd_create(); int f(void) { return thrd_create(); }"), &[]);
    let hazards = unload_hazards(&Elf::parse(&file).unwrap());
    assert_eq!(hazards[0].to_string(), "thread: imports thrd_create");
}

/// Tens of thousands of symbols that share the tail of one long name: a scan for each would take seconds.
#[test]
fn time_is_linear_in_the_size_of_the_file() {
    let dir = Dir::new();
    let long = "x".repeat(300_000);
    let mut source = format!(".globl {long}\n{long}:\n");
    for number in 0..20_000 {
        writeln!(source, ".globl s{number}\ns{number}:").unwrap();
    }
    source.push_str(".section .note.GNU-stack,\"\"\n");
    let mut file = dir.shared(("long.s", &source), &["-nostdlib", "-s", "-Wl,--hash-style=both"]);
    let symbols = offset_of(&file, dynamic_value(&file, 6).unwrap());
    let count =
        usize::try_from(u32_at(&file, offset_of(&file, dynamic_value(&file, 4).unwrap()) + 4)).unwrap();
    let strings = offset_of(&file, dynamic_value(&file, 5).unwrap());
    let start = file[strings..].windows(64).position(|bytes| bytes == &long.as_bytes()[..64]).unwrap();
    for index in 1..count {
        put_u32(&mut file, symbols + index * 24, u32::try_from(start + index).unwrap());
    }
    assert!(file.len() > 1 << 20 && count > 20_000);
    let measured = (0..5).map(|_| {
        let before = Instant::now();
        let elf = Elf::parse(&file).unwrap();
        assert_eq!(elf.exports().count(), count - 1);
        assert_eq!(unload_hazards(&elf), []);
        before.elapsed()
    });
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 500 } else { 50 });
    let best = measured.min().unwrap();
    println!("{} bytes, {count} symbols: {best:?}", file.len());
    assert!(best < limit, "{} bytes took {best:?}", file.len());
}
