//! The signature container in real shared libraries: compiled here and from Debian, loaded, listed, attacked.
// The helpers below are test code too, outside of the test functions that clippy knows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/elf_image.rs"]
mod elf_image;

use elf_image::{ADDR, FLAGS, Image, KIND, NAME, OFFSET, PT_GNU_STACK, PT_LOAD, SIZE};
use sogov::artifact::sigmeta::{
    DEFAULT_RESERVE, Found, MAX_RESERVE, Sigmeta, SignatureEntry, add_signature, attach, find, prepare,
};
use sogov::crypto::key_id::KeyId;
use sogov::error::Status;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const PAGE: usize = 4096;
const SMALL_RESERVE: usize = 512;

#[test]
fn signing_appends_and_find_reads_back() {
    for (name, elf) in libraries() {
        let prefix = prepare(&elf, DEFAULT_RESERVE).unwrap();
        let file = attach(prefix.clone(), DEFAULT_RESERVE, &container(2)).unwrap();

        assert_eq!(&file[..prefix.len()], prefix, "{name}");
        assert_eq!(file.len(), prefix.len() + DEFAULT_RESERVE, "{name}");
        assert!(prefix.len() - elf.len() < 3 * PAGE && prefix.len().is_multiple_of(PAGE), "{name}");
        let changed: Vec<usize> = (0..elf.len()).filter(|&at| elf[at] != file[at]).collect();
        assert!(
            changed.iter().all(|at| (40..48).contains(at) || (60..62).contains(at)),
            "{name}: {changed:?}"
        );

        let Found::Embedded { covered, sigmeta } = find(&file).unwrap() else { panic!("{name}: not found") };
        assert_eq!((covered, sigmeta), (&prefix[..], container(2)), "{name}");
        assert_eq!(find(&elf).unwrap(), Found::None, "{name}");
    }
}

#[test]
fn signed_libraries_load_and_run() {
    let dir = Dir::new("load");
    for (name, elf) in libraries() {
        let (symbol, expected) = match name {
            "libz" => ("zlibVersion", "1."),
            "libsqlite3" => ("sqlite3_libversion", "3."),
            _ => ("fee_name", "fee"),
        };
        let path = dir.write(&format!("{name}.so"), &sign(&elf));
        // SAFETY: these libraries have no initialisers that ask anything of the process, and each of the symbols
        // is `const char *(void)`, whose answer is a static string.
        let text = unsafe {
            let library = libloading::Library::new(path).unwrap();
            let function = library.get::<unsafe extern "C" fn() -> *const std::ffi::c_char>(symbol).unwrap();
            std::ffi::CStr::from_ptr(function()).to_str().unwrap().to_owned()
        };
        assert!(text.starts_with(expected), "{name}: {text}");
    }
}

#[test]
fn readelf_lists_the_section_and_finds_no_fault() {
    let dir = Dir::new("readelf");
    for (name, elf) in libraries() {
        let (before, after) = (dir.write("before.so", &elf), dir.write("after.so", &sign(&elf)));
        let listing = run("readelf", &["-SW", text(&after)]);
        let row = listing.lines().find(|line| line.contains(" .sigmeta ")).unwrap();
        let columns: Vec<&str> = row.split(']').nth(1).unwrap().split_whitespace().collect();
        let offset = format!("{:06x}", sign(&elf).len() - DEFAULT_RESERVE);
        assert_eq!(
            columns,
            [".sigmeta", "PROGBITS", "0000000000000000", &offset, "004000", "00", "0", "0", "1"],
            "{name}"
        );
        assert!(!listing.contains("Warning") && !listing.contains("<corrupt>"), "{name}: {listing}");
        // Symbols, relocations, segments, notes and versions read as before.
        let [before, after] = [&before, &after].map(|path| run("readelf", &["-WsrlndVA", text(path)]));
        let facts = |listing: &str| -> Vec<String> {
            listing.lines().filter(|line| !line.contains("Section to Segment")).map(str::to_owned).collect()
        };
        assert_eq!(facts(&before), facts(&after), "{name}");
    }
}

/// elfutils holds a file to the letter of the gABI; it is asked where it is installed.
#[test]
fn elflint_finds_no_new_fault() {
    if !installed("eu-elflint") {
        return;
    }
    let dir = Dir::new("elflint");
    for (name, elf) in libraries() {
        let faults = |elf: &[u8]| {
            let path = dir.write("plugin.so", elf);
            let output = Command::new("eu-elflint").args(["--gnu-ld", text(&path)]).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        assert_eq!(faults(&elf), faults(&sign(&elf)), "{name}");
    }
}

#[test]
fn a_further_signer_changes_no_covered_byte() {
    let elf = compile(&[]);
    let one = attach(prepare(&elf, DEFAULT_RESERVE).unwrap(), DEFAULT_RESERVE, &container(1)).unwrap();
    let two = add_signature(&one, entry(1)).unwrap();
    assert_eq!(one.len(), two.len());
    assert_eq!(&one[..one.len() - DEFAULT_RESERVE], &two[..one.len() - DEFAULT_RESERVE]);
    assert!(matches!(find(&two).unwrap(), Found::Embedded { sigmeta, .. } if sigmeta == container(2)));
    assert_eq!(add_signature(&two, entry(1)).unwrap_err().status(), Status::Busy);
    assert_eq!(add_signature(&elf, entry(1)).unwrap_err().status(), Status::Unsigned);
}

#[test]
fn a_full_reserve_is_said() {
    let elf = compile(&[]);
    let mut file = attach(prepare(&elf, SMALL_RESERVE).unwrap(), SMALL_RESERVE, &container(1)).unwrap();
    let mut signers = 1;
    let error = loop {
        match add_signature(&file, entry(signers)) {
            Ok(next) => (file, signers) = (next, signers + 1),
            Err(error) => break error,
        }
    };
    assert_eq!((error.status(), signers), (Status::LimitExceeded, 4), "{error}");
    assert!(error.message().contains("at most 512 bytes in the reserve"), "{error}");

    let exact = container(2).to_der().unwrap().len();
    attach(prepare(&elf, exact).unwrap(), exact, &container(2)).unwrap();
    let error = attach(prepare(&elf, exact - 1).unwrap(), exact - 1, &container(2)).unwrap_err();
    assert_eq!(error.status(), Status::LimitExceeded);
}

#[test]
fn misuse_is_refused() {
    let elf = compile(&[]);
    let prefix = prepare(&elf, SMALL_RESERVE).unwrap();
    let signed = attach(prefix.clone(), SMALL_RESERVE, &container(1)).unwrap();
    assert_eq!(prepare(&signed, SMALL_RESERVE).unwrap_err().status(), Status::Busy);
    for reserve in [0, MAX_RESERVE + 1, usize::MAX] {
        assert_eq!(prepare(&elf, reserve).unwrap_err().status(), Status::InvalidArgument);
    }
    for (prefix, reserve) in
        [(prefix.clone(), SMALL_RESERVE + 1), (elf.clone(), SMALL_RESERVE), (Vec::new(), SMALL_RESERVE)]
    {
        assert_eq!(attach(prefix, reserve, &container(1)).unwrap_err().status(), Status::InvalidArgument);
    }
    let detached = Sigmeta { statement: Vec::new(), ..container(1) };
    assert_eq!(attach(prefix, SMALL_RESERVE, &detached).unwrap_err().status(), Status::InvalidArgument);
    assert_eq!(prepare(b"#!/bin/sh\n", SMALL_RESERVE).unwrap_err().status(), Status::ImageRejected);
    assert_eq!(prepare(&elf[..elf.len() - 1], SMALL_RESERVE).unwrap_err().status(), Status::ImageRejected);
}

#[test]
fn a_file_without_sections_gets_a_table() {
    let mut elf = compile(&[]);
    for range in [40..48, 58..64] {
        elf[range].fill(0);
    }
    assert_eq!(find(&elf).unwrap(), Found::None);
    let file = sign(&elf);
    let changed: Vec<usize> = (0..elf.len()).filter(|&at| elf[at] != file[at]).collect();
    assert!(changed.iter().all(|at| (40..48).contains(at) || (58..64).contains(at)), "{changed:?}");
    assert!(matches!(find(&file).unwrap(), Found::Embedded { sigmeta, .. } if sigmeta == container(1)));

    let dir = Dir::new("no-sections");
    let path = dir.write("signed.so", &file);
    // readelf reports that no section describes the dynamic segment, as it did before.
    let listing = Command::new("readelf").args(["-SW", text(&path)]).output().unwrap().stdout;
    let listing = String::from_utf8(listing).unwrap();
    assert!(listing.contains(" .shstrtab ") && listing.contains(" .sigmeta "), "{listing}");
    // SAFETY: the fixture has no initialiser.
    unsafe { libloading::Library::new(path).unwrap() };
}

#[test]
fn other_files_carry_nothing() {
    for file in [&b""[..], b"\x7f", b"\x7fEL", b"#!/bin/sh\n", b".sigmeta", &[0; 5000]] {
        assert_eq!(find(file).unwrap(), Found::None);
    }
}

#[test]
fn other_elf_kinds_are_refused() {
    let elf = compile(&[]);
    for (patch, status, message) in [
        (vec![(4, 1_u8)], Status::ImageRejected, "found class 1, data 1"),
        (vec![(5, 2)], Status::ImageRejected, "found class 2, data 2"),
        (vec![(60, 0), (61, 0)], Status::Unsupported, "extended section numbering is not supported"),
        (vec![(62, 0xff), (63, 0xff)], Status::Unsupported, "extended section numbering is not supported"),
        (
            vec![(56, 0xff), (57, 0xff)],
            Status::Unsupported,
            "extended program header numbering is not supported",
        ),
        (vec![(58, 40)], Status::ImageRejected, "expected section headers of 64 bytes"),
        (vec![(54, 32)], Status::ImageRejected, "expected program headers of 56 bytes"),
        (vec![(62, 200)], Status::ImageRejected, "found index 200"),
        (vec![(62, 1)], Status::ImageRejected, "section 1 is not a table of section names"),
        (vec![(47, 0x80)], Status::ImageRejected, "the section header table ends at"),
    ] {
        let mut file = elf.clone();
        for &(at, byte) in &patch {
            file[at] = byte;
        }
        for error in [find(&file).unwrap_err(), prepare(&file, SMALL_RESERVE).unwrap_err()] {
            assert_eq!(error.status(), status, "{patch:?}: {error}");
            assert!(error.message().contains(message), "{patch:?}: {error}");
        }
    }
    // Sections without names cannot be `.sigmeta`, nor can they be kept when it is added.
    let mut file = elf.clone();
    file[62] = 0;
    assert_eq!(find(&file).unwrap(), Found::None);
    assert_eq!(prepare(&file, SMALL_RESERVE).unwrap_err().status(), Status::Unsupported);
}

// The attacks below yield files that the dynamic linker may well take; a reader that goes by the section's name alone
// would leave bytes of them out of what it hashes.

#[test]
fn a_section_in_another_place_is_refused() {
    use Status::Modified;
    let place = |from_start: usize, size: usize| {
        move |image: &mut Image, sigmeta| {
            image.set(sigmeta, OFFSET, from_start as u64);
            image.set(sigmeta, SIZE, size as u64);
        }
    };
    let len = signed_image().0.len();
    let covered = len - DEFAULT_RESERVE;
    refused("over .text", Modified, "to end with the file", |image, sigmeta| {
        for field in [OFFSET, SIZE] {
            let value = image.field(image.index(".text"), field);
            image.set(sigmeta, field, value);
        }
    });
    refused("over everything", Modified, "table ends at", place(0, len));
    let message = "the section header table ends at";
    refused("over the page before it", Modified, message, place(covered - PAGE, DEFAULT_RESERVE + PAGE));
    let message = "expected DER tag 0x30, found 0x00";
    refused("behind a gap", Modified, message, place(covered + PAGE, DEFAULT_RESERVE - PAGE));
    refused("off the page", Modified, "multiple of 4096", place(covered + 1, DEFAULT_RESERVE - 1));
    refused("empty", Modified, "expected 1 to 262144 bytes, found 0", place(len, 0));
    refused("beyond 2^64", Modified, "to end with the file", place(usize::MAX - PAGE + 1, len + PAGE));
    refused("before further bytes", Modified, "to end with the file", |image, _| image.0.push(0));
    refused(
        "with further bytes in it",
        Modified,
        "padding after the container is not zero",
        |image, sigmeta| {
            image.0.extend([0x90; PAGE]);
            image.set(sigmeta, SIZE, (DEFAULT_RESERVE + PAGE) as u64);
        },
    );
    refused("longer than any reserve", Modified, "expected 1 to 262144 bytes", |image, sigmeta| {
        image.0.resize(covered + MAX_RESERVE + 1, 0);
        image.set(sigmeta, SIZE, (MAX_RESERVE + 1) as u64);
    });
}

#[test]
fn a_section_with_company_is_refused() {
    use Status::{Ambiguous, ImageRejected, Modified};
    let covered = signed_image().0.len() - DEFAULT_RESERVE;
    refused("a second one", Ambiguous, "expected one .sigmeta section, found 2", |image, sigmeta| {
        let (comment, name) = (image.index(".comment"), image.field(sigmeta, NAME));
        image.set(comment, NAME, name);
    });
    refused("the same one twice", Ambiguous, "expected one .sigmeta section, found 2", |image, sigmeta| {
        let (from, to) = (image.header(sigmeta), image.header(image.index(".comment")));
        image.0.copy_within(from..from + 64, to);
    });
    refused("a segment of its bytes", Modified, "program header", |image, _| {
        let stack = image.program_header(PT_GNU_STACK);
        image.set_u64(stack + 8, covered as u64);
        image.set_u64(stack + 32, PAGE as u64);
    });
    for end in [covered as u64 + 1, u64::MAX] {
        refused("a segment that reaches into it", Modified, "program header", |image, _| {
            let load = image.program_header(PT_LOAD);
            image.set_u64(load + 32, end);
        });
    }
    refused("another section of its bytes", Modified, "section", |image, _| {
        image.set(image.index(".comment"), OFFSET, covered as u64);
    });
    refused("the section names in it", Modified, "section", |image, _| {
        let names = image.index(".shstrtab");
        let [offset, size] = [OFFSET, SIZE].map(|field| usize::try_from(image.field(names, field)).unwrap());
        let to = image.0.len() - size;
        image.0.copy_within(offset..offset + size, to);
        image.set(names, OFFSET, to as u64);
    });
    refused("the section names are it", Modified, "expected type 1 without flags", |image, sigmeta| {
        let end = image.0.len();
        image.0[end - 10..].copy_from_slice(b"\0.sigmeta\0");
        for index in 0..image.count() {
            image.set(index, NAME, 0);
        }
        image.set(sigmeta, NAME, DEFAULT_RESERVE as u64 - 9);
        image.set(sigmeta, KIND, 3);
        image.0[62..64].copy_from_slice(&u16::try_from(sigmeta).unwrap().to_le_bytes());
    });
    refused("the section header table in it", Modified, "the section header table ends at", |image, _| {
        let table = image.header(0);
        let to = image.0.len() - (covered - table);
        image.0.copy_within(table..covered, to);
        image.set_u64(40, to as u64);
    });
    refused("the program header table in it", Modified, "the program header table ends at", |image, _| {
        let len = 56 * usize::from(image.0[56]);
        let to = image.0.len() - len;
        image.0.copy_within(64..64 + len, to);
        image.set_u64(32, to as u64);
    });
    refused("a section without a name", ImageRejected, "its name lies outside", |image, _| {
        image.set(1, NAME, 0xffff_ffff);
    });
}

#[test]
fn a_section_of_another_kind_is_refused() {
    for (what, field, value) in [
        ("with flags", FLAGS, 2),
        ("with an address", ADDR, 0x1000),
        ("of type NULL", KIND, 0),
        ("of type NOTE", KIND, 7),
        ("of type NOBITS", KIND, 8),
    ] {
        refused(what, Status::Modified, "without flags, address", |image, sigmeta| {
            image.set(sigmeta, field, value);
        });
    }
}

/// Expects that a signed file is refused after `spoil`, which gets the file and the index of `.sigmeta`.
fn refused(what: &str, status: Status, message: &str, spoil: impl FnOnce(&mut Image, usize)) {
    let mut image = signed_image();
    let sigmeta = image.index(".sigmeta");
    spoil(&mut image, sigmeta);
    let error = find(&image.0).expect_err(what);
    assert_eq!(error.status(), status, "{what}: {error}");
    assert!(error.message().contains(message), "{what}: {error}");
}

fn signed_image() -> Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| Image(sign(&compile(&[])))).clone()
}

#[test]
fn a_removed_or_renamed_section_is_no_signature() {
    let signed = signed_image();
    // No table, with and without what is left of it in the header.
    for rest in [58..64, 60..62] {
        let mut no_table = signed.clone();
        no_table.0[40..48].fill(0);
        no_table.0[rest].fill(0);
        assert_eq!(find(&no_table.0).unwrap(), Found::None);
    }
    let mut renamed = signed.clone();
    renamed.set(signed.index(".sigmeta"), NAME, 0);
    assert_eq!(find(&renamed.0).unwrap(), Found::None);
    let mut shorter = signed.clone();
    shorter.0[60] -= 1;
    assert_eq!(find(&shorter.0).unwrap(), Found::None);
}

#[test]
fn every_changed_byte_after_the_covered_ones_is_seen() {
    let elf = compile(&[]);
    let file = attach(prepare(&elf, SMALL_RESERVE).unwrap(), SMALL_RESERVE, &container(1)).unwrap();
    let covered = file.len() - SMALL_RESERVE;
    for at in covered..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        match find(&changed) {
            // The change is in the statement, a key id, a scheme or a signature: the verifier's matter.
            Ok(Found::Embedded { sigmeta, .. }) => assert_ne!(sigmeta, container(1), "byte {at}"),
            Ok(Found::None) => panic!("byte {at}: the section was lost"),
            Err(error) => {
                assert!(matches!(error.status(), Status::Modified | Status::Unsupported), "{error}");
            }
        }
    }
}

#[test]
fn every_truncation_is_an_error_or_nothing() {
    let elf = compile(&["-Wl,-z,noseparate-code", "-s"]);
    let file = attach(prepare(&elf, SMALL_RESERVE).unwrap(), SMALL_RESERVE, &container(1)).unwrap();
    for len in 0..file.len() {
        match find(&file[..len]) {
            Ok(found) => assert!(found == Found::None && len < 4, "{len} of {} bytes", file.len()),
            Err(error) => {
                assert!(matches!(error.status(), Status::ImageRejected | Status::Modified), "{len}: {error}");
            }
        }
        let _ = prepare(&file[..len], SMALL_RESERVE);
    }
}

#[test]
fn random_damage_to_headers_never_panics() {
    let elf = compile(&["-Wl,-z,noseparate-code", "-s"]);
    let file = attach(prepare(&elf, SMALL_RESERVE).unwrap(), SMALL_RESERVE, &container(1)).unwrap();
    let table = Image(file.clone()).header(0);
    let covered = file.len() - SMALL_RESERVE;
    let places: Vec<usize> = (4..64 + 56 * 8).chain(table..covered).collect();
    let mut state = 0x5eed_u64;
    let mut next = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % limit
    };
    for _ in 0..20_000 {
        let mut damaged = file.clone();
        for _ in 0..=next(3) {
            damaged[places[next(places.len())]] = [0, 1, 0x7f, 0x80, 0xff][next(5)];
        }
        if let Ok(Found::Embedded { covered: found, .. }) = find(&damaged) {
            assert_eq!(found.len(), covered, "another S needs an offset and a size that agree");
        }
        let _ = prepare(&damaged, SMALL_RESERVE);
    }
}

#[test]
fn tools_that_rewrite_the_file_break_the_signature() {
    let dir = Dir::new("tools");
    let signed = sign(&compile(&[]));
    let moved = |tool: &str, args: &[&str]| {
        let path = dir.write("tool.so", &signed);
        let mut args = args.to_vec();
        args.push(text(&path));
        run(tool, &args);
        fs::read(&path).unwrap()
    };
    let mut tools =
        vec![("strip", &[][..]), ("strip", &["-g"]), ("objcopy", &[]), ("objcopy", &["-R", ".comment"])];
    if installed("patchelf") {
        tools.push(("patchelf", &["--set-rpath", "/opt/a/rather/long/path/that/does/not/fit"]));
        tools.push(("patchelf", &["--set-soname", "libanother.so.1"]));
    }
    for (tool, args) in tools {
        let file = moved(tool, args);
        match find(&file) {
            Ok(Found::None) => {}
            Ok(Found::Embedded { covered, .. }) => {
                assert_ne!(covered, &signed[..signed.len() - DEFAULT_RESERVE], "{tool} {args:?}");
            }
            Err(error) => assert_eq!(error.status(), Status::Modified, "{tool} {args:?}: {error}"),
        }
    }
    // With the section taken out by hand the file is unsigned, and can be signed again.
    let file = moved("objcopy", &["-R", ".sigmeta"]);
    assert_eq!(find(&file).unwrap(), Found::None);
    assert!(matches!(find(&sign(&file)).unwrap(), Found::Embedded { .. }));
    // As patchelf does: contents moved to the end, here behind the section.
    let mut image = Image(signed);
    let dynstr = image.index(".dynstr");
    let at = image.0.len() as u64;
    image.0.resize(image.0.len() + PAGE, 0);
    image.set(dynstr, OFFSET, at);
    assert_eq!(find(&image.0).unwrap_err().status(), Status::Modified);
}

fn sign(elf: &[u8]) -> Vec<u8> {
    attach(prepare(elf, DEFAULT_RESERVE).unwrap(), DEFAULT_RESERVE, &container(1)).unwrap()
}

fn container(signatures: u8) -> Sigmeta {
    Sigmeta { statement: b"statement".to_vec(), signatures: (0..signatures).map(entry).collect() }
}

fn entry(key: u8) -> SignatureEntry {
    SignatureEntry { key_id: KeyId::of_spki(&[key]), scheme: 1, signature: vec![0xab; 64] }
}

fn libraries() -> Vec<(&'static str, Vec<u8>)> {
    let debian = |name: &str| {
        let dirs = [
            "/lib/x86_64-linux-gnu",
            "/usr/lib/x86_64-linux-gnu",
            "/lib/aarch64-linux-gnu",
            "/lib64",
            "/usr/lib",
        ];
        dirs.iter()
            .find_map(|dir| fs::read(Path::new(dir).join(name)).ok())
            .unwrap_or_else(|| panic!("{name} is missing"))
    };
    vec![
        ("compiled", compile(&[])),
        ("stripped", compile(&["-s"])),
        ("debug", compile(&["-g", "-Wl,--build-id"])),
        ("libz", debian("libz.so.1")),
        ("libsqlite3", debian("libsqlite3.so.0")),
    ]
}

fn compile(flags: &[&str]) -> Vec<u8> {
    let dir = Dir::new("compile");
    let source = b"static int calls; const char *fee_name(void) { calls++; return \"fee\"; }\n";
    let (source, out) = (dir.write("fee.c", source), dir.0.join("fee.so"));
    let mut args =
        vec!["-shared", "-fPIC", "-O1", "-Wl,-soname,libfee.so.1", "-o", text(&out), text(&source)];
    args.extend(flags);
    run("gcc", &args);
    fs::read(out).unwrap()
}

fn installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).env("LC_ALL", "C").output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success() && err.is_empty(), "{program} {args:?}: {err}");
    out
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A directory of one test, removed with it.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sigmeta-{name}-{}-{count}", std::process::id());
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
