//! Files that must not reach the dynamic linker, each with the message that says why.

use crate::build::{Dir, dynamic_entry, dynamic_value, offset_of, program_header, put_u32, put_u64, u64_at};
use sogov::artifact::elf::Elf;
use sogov::artifact::elf::policy::{LoadAllowances, loadable};
use sogov::error::Status;

const PLUGIN: &str = r#"
    #include <stdlib.h>
    __thread int own = 1;
    const char *names[2] = { "fee", "tax" };
    int fee(int amount) { return getenv(names[0]) ? own : amount; }
    __attribute__((constructor)) static void start(void) { own = 2; }
"#;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_TLS: u32 = 7;
const PT_GNU_STACK: u32 = 0x6474_e551;
const PT_GNU_RELRO: u32 = 0x6474_e552;

fn plugin(dir: &Dir) -> Vec<u8> {
    dir.shared(("plugin.c", PLUGIN), &["-Wl,--hash-style=both", "-Wl,-soname,libfee.so.1"])
}

fn refusal(file: &[u8]) -> String {
    let error = Elf::parse(file).err().expect("the file is accepted");
    assert_eq!(error.status(), Status::ImageRejected);
    error.message().to_owned()
}

/// Refuses the plugin after `change`; the message must start with `expected`.
fn assert_refused(expected: &str, change: impl Fn(&mut Vec<u8>)) {
    let dir = Dir::new();
    let mut file = plugin(&dir);
    change(&mut file);
    let message = refusal(&file);
    assert!(message.starts_with(expected), "expected {expected:?}, found {message:?}");
}

fn set_dynamic(tag: u64, value: u64) -> impl Fn(&mut Vec<u8>) {
    move |file| {
        let entry = dynamic_entry(file, tag).unwrap();
        put_u64(file, entry + 8, value);
    }
}

fn retag(tag: u64, new: u64) -> impl Fn(&mut Vec<u8>) {
    move |file| {
        let entry = dynamic_entry(file, tag).unwrap();
        put_u64(file, entry, new);
    }
}

fn set_header(kind: u32, field: usize, value: u64) -> impl Fn(&mut Vec<u8>) {
    move |file| {
        let header = program_header(file, kind, 0);
        put_u64(file, header + field, value);
    }
}

#[test]
fn other_formats() {
    assert_refused("class: expected ELF64, found ELF32", |file| file[4] = 1);
    assert_refused("byte order: expected little-endian, found big-endian", |file| file[5] = 2);
    assert_refused("architecture: expected ", |file| file[18] = 243);
    assert_refused("type: expected a shared object (3), found an executable", |file| file[16] = 2);
    assert!(refusal(b"#!/bin/sh\n").starts_with("format: expected an ELF file"));
    assert!(refusal(b"").starts_with("format: expected an ELF file"));
    let dir = Dir::new();
    let program = dir.try_compile(("main.c", "int main(void) { return 0; }"), &["-pie"]).unwrap();
    assert!(refusal(&std::fs::read(program).unwrap()).starts_with("DF_1_PIE: expected a shared object"));
}

#[test]
fn every_truncation() {
    let dir = Dir::new();
    let file = plugin(&dir);
    Elf::parse(&file).unwrap();
    for length in (0..file.len()).filter(|length| *length < 4096 || length.is_multiple_of(64)) {
        let error = Elf::parse(&file[..length]).err();
        assert!(error.is_some(), "a plugin cut to {length} of {} bytes is accepted", file.len());
    }
}

#[test]
fn program_headers_that_lie() {
    assert_refused("program headers: expected", |file| put_u64(file, 32, u64::MAX - 7));
    assert_refused("PT_LOAD at 0x0: expected", set_header(PT_LOAD, 32, 1 << 30));
    assert_refused("PT_LOAD at 0x0: expected", set_header(PT_LOAD, 40, 1 << 46));
    assert_refused("PT_LOAD at 0x0: expected p_align", set_header(PT_LOAD, 48, 24));
    assert_refused("PT_LOAD at 0x10: expected address and offset", set_header(PT_LOAD, 16, 16));
    assert_refused("PT_LOAD at 0x1000: expected ascending segments", set_header(PT_LOAD, 16, 0x80_0000));
    assert_refused("PT_LOAD at 0x0: expected a segment writable or executable", |file| {
        let header = program_header(file, PT_LOAD, 0);
        put_u32(file, header + 4, 7);
    });
    assert_refused("PT_DYNAMIC: expected a range inside", set_header(PT_DYNAMIC, 16, 1 << 40));
    assert_refused("PT_DYNAMIC: expected one, found two", |file| {
        let header = program_header(file, PT_TLS, 0);
        put_u32(file, header, PT_DYNAMIC);
    });
    assert_refused("PT_TLS alignment: expected", set_header(PT_TLS, 48, 0));
    assert_refused("PT_TLS: expected at most", set_header(PT_TLS, 40, 1 << 40));
    assert_refused("PT_GNU_RELRO: expected a range inside", set_header(PT_GNU_RELRO, 40, 1 << 24));
    let image = |file: &mut Vec<u8>| {
        let last = program_header(file, PT_LOAD, 3);
        put_u64(file, last + 40, 1 << 33);
    };
    assert_refused("image: expected at most", image);
}

#[test]
fn dynamic_entries_that_lie() {
    assert_refused("DT_STRTAB: expected", set_dynamic(5, 0xdead_0000));
    assert_refused("DT_STRTAB: expected", set_dynamic(10, 1 << 40));
    assert_refused("DT_SYMTAB: expected", set_dynamic(6, 1 << 40));
    assert_refused("DT_SYMTAB: expected", set_dynamic(11, 16));
    assert_refused("DT_HASH: expected", set_dynamic(4, 1 << 40));
    assert_refused("DT_GNU_HASH: expected", set_dynamic(0x6fff_fef5, 1 << 40));
    assert_refused("DT_RELA: expected entries of 24 bytes", set_dynamic(9, 16));
    assert_refused("DT_RELA: expected", set_dynamic(8, 24 << 30));
    assert_refused("DT_RELACOUNT: expected", set_dynamic(0x6fff_fff9, 1000));
    assert_refused("DT_PLTREL: expected", set_dynamic(20, 17));
    assert_refused("DT_INIT: expected", set_dynamic(12, 0x40));
    assert_refused("DT_FINI: expected", set_dynamic(13, u64::MAX));
    assert_refused("DT_INIT_ARRAY: expected", set_dynamic(27, 12));
    assert_refused("DT_FINI_ARRAY: expected", set_dynamic(26, 1 << 40));
    assert_refused("DT_NEEDED: expected a name", set_dynamic(1, 1 << 20));
    assert_refused("DT_SONAME: expected a name", set_dynamic(14, 1 << 20));
    assert_refused("DT_VERSYM: expected", set_dynamic(0x6fff_fff0, 1 << 40));
    assert_refused("DT_VERNEED: expected", set_dynamic(0x6fff_fffe, 1 << 40));
    assert_refused("DT_VERSYM: expected one, found none", retag(0x6fff_fff0, 0x6000_0000));
    assert_refused("DT_RELASZ: expected one", |file| retag(8, 0x6000_0000)(file));
    assert_refused("DT_PREINIT_ARRAY: expected none", retag(25, 32));
    assert_refused("DT_STRTAB: expected one, found two", retag(13, 5));
    assert_refused("dynamic tag 0xfffffffd: expected a known tag", retag(14, 0xffff_fffd));
}

#[test]
fn tables_that_lie() {
    let at = |file: &[u8], tag| offset_of(file, dynamic_value(file, tag).unwrap());
    assert_refused("DT_GNU_HASH: expected buckets, a filter", |file| {
        let table = at(file, 0x6fff_fef5);
        put_u32(file, table + 8, 3);
    });
    assert_refused("DT_HASH: expected each symbol in one chain", |file| {
        let table = at(file, 4);
        let bucket = (table + 8..).step_by(4).find(|bucket| file[*bucket] != 0).unwrap();
        let buckets = usize::try_from(u64_at(file, table) & 0xffff_ffff).unwrap();
        let symbol = file[bucket];
        put_u32(file, table + 8 + (buckets + usize::from(symbol)) * 4, symbol.into());
    });
    assert_refused("symbol 1: expected a UTF-8 name", |file| {
        let symbols = at(file, 6);
        put_u32(file, symbols + 24, u32::MAX);
    });
    assert_refused("DT_VERNEED: expected a file of DT_NEEDED", |file| {
        let needs = at(file, 0x6fff_fffe);
        put_u32(file, needs + 4, 0);
    });
    assert_refused("DT_VERSYM: expected versions up to", |file| {
        let versions = at(file, 0x6fff_fff0);
        file[versions + 2] = 99;
    });
    let relocation = |expected, field: usize, value: u64| {
        assert_refused(expected, |file| {
            let last = at(file, 7) + usize::try_from(dynamic_value(file, 8).unwrap()).unwrap() - 24;
            put_u64(file, last + field, value);
        });
    };
    relocation("relocation at 0x10: expected a writable segment", 0, 0x10);
    relocation("relocation at ", 8, 5);
    relocation("relocation at ", 8, 6 | 999 << 32);
    assert_refused("DT_STRTAB: expected UTF-8 strings", |file| {
        let strings = at(file, 5);
        file[strings + 1] = 0xff;
    });
    assert_refused("DT_STRTAB: expected UTF-8 strings", |file| {
        let last = at(file, 5) + usize::try_from(dynamic_value(file, 10).unwrap()).unwrap() - 1;
        file[last] = b'x';
    });
}

#[test]
fn section_headers_that_lie() {
    assert_refused("section headers: expected", |file| put_u64(file, 40, u64::MAX - 63));
    assert_refused("section headers: expected", |file| put_u64(file, 40, 0));
    assert_refused("section headers: expected 65535", |file| file[60..62].fill(0xff));
    assert_refused("e_shstrndx: expected", |file| file[62..64].fill(0xfe));
    assert_refused("section 1 ", |file| {
        let first = usize::try_from(u64_at(file, 40)).unwrap() + 64;
        put_u64(file, first + 32, 1 << 40);
    });
    let dir = Dir::new();
    let mut file = plugin(&dir);
    put_u64(&mut file, 40, 0);
    file[60..64].fill(0);
    assert_eq!(Elf::parse(&file).unwrap().sections(), [], "a file needs no section headers");
}

#[test]
fn features_that_reach_beyond_the_plugin() {
    let dir = Dir::new();
    let nothing = LoadAllowances::default();
    let all = LoadAllowances { run_path: true, text_relocations: true, ..LoadAllowances::default() };
    let judge = |text: &str, flags: &[&str], allow: &LoadAllowances| {
        let file = dir.shared(("feature.c", text), flags);
        loadable(&Elf::parse(&file).unwrap(), allow).map_err(|error| error.message().to_owned())
    };
    let cases: [(&[&str], &str, bool); 8] = [
        (&["-Wl,--enable-new-dtags,-rpath,$ORIGIN"], "DT_RUNPATH: expected none, found \"$ORIGIN\"", true),
        (&["-Wl,--disable-new-dtags,-rpath,/tmp"], "DT_RPATH: expected none, found \"/tmp\"", true),
        (&["-Wl,--audit=spy.so"], "DT_AUDIT: expected none, found \"spy.so\"", false),
        (&["-Wl,--depaudit=spy.so"], "DT_DEPAUDIT: expected none, found \"spy.so\"", false),
        (&["-Wl,-F,other.so"], "DT_FILTER: expected none, found \"other.so\"", false),
        (&["-Wl,-f,other.so"], "DT_AUXILIARY: expected none, found \"other.so\"", false),
        (&["-Wl,-z,execstack"], "PT_GNU_STACK: expected a stack without execution", false),
        (&["-Wl,-soname,/proc/self/fd/77"], "DT_SONAME: expected a name without '/'", false),
    ];
    for (flags, expected, allowed) in cases {
        let message = judge(PLUGIN, flags, &nothing).unwrap_err();
        assert!(message.starts_with(expected), "expected {expected:?}, found {message:?}");
        assert_eq!(judge(PLUGIN, flags, &all).is_ok(), allowed, "{flags:?}");
    }
    let indirect = "static int one(void) { return 1; }
        static int (*pick(void))(void) { return one; }
        int fee(void) __attribute__((ifunc(\"pick\")));";
    assert!(judge(indirect, &[], &all).unwrap_err().starts_with("STT_GNU_IFUNC: expected none"));

    let text = "__asm__(\".text\\n.globl fee\\nfee: .quad place\"); int place;";
    assert!(judge(text, &["-Wl,-z,notext"], &nothing).unwrap_err().starts_with("DT_TEXTREL: expected none"));
    judge(text, &["-Wl,-z,notext"], &all).unwrap();

    let mut file = plugin(&dir);
    let header = program_header(&file, PT_GNU_STACK, 0);
    put_u32(&mut file, header, 0);
    let error = loadable(&Elf::parse(&file).unwrap(), &all).unwrap_err();
    assert!(error.message().starts_with("PT_GNU_STACK: expected one, found none"));
}
