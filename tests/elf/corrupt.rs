//! Corruption of every table the dynamic linker reads: what the validator accepts, the linker must survive.

use crate::build::{Dir, dynamic_value, offset_of, u16_at, u64_at};
use sogov::artifact::elf::Elf;
use sogov::artifact::elf::policy::{LoadAllowances, loadable};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

/// For each of the plugins.
/// Corruptions of each plugin; `make soak` asks for more.
fn cases() -> u32 {
    if std::env::var_os("SOGOV_SOAK").is_some() { 700_000 } else { 7_000 }
}

const BATCH: u32 = 500;
const SEED: u64 = 0x736f_676f_762d_656c;

/// No start files, and nothing called at load reads data: what ends the process is the linker's doing.
const FLAGS: [&str; 4] = ["-nostartfiles", "-Wl,-init=begin", "-Wl,-fini=end", "-Wl,-z,noexecstack"];

const PLUGIN: &str = r#"
    #include <string.h>
    typedef int (*call_t)(const char *);
    extern int hook(void) __attribute__((weak));
    static int used;
    static int length(const char *text) { return used + (int)strlen(text) + (hook ? hook() : 0); }
    call_t calls[4] = { length, length, 0, length };
    const char *names[3] = { "fee", "tax", "tip" };
    int entry(const char *text) { return calls[0](text); }
    void begin(void) {}
    void end(void) {}
    __attribute__((constructor)) static void set_up(void) { __asm__ volatile (""); }
    __attribute__((destructor)) static void tear_down(void) { __asm__ volatile (""); }
"#;

const THREAD_LOCAL: &str = r#"
    #include <errno.h>
    __thread int own = 3;
    __thread long zeroed[4];
    static __thread int quick __attribute__((tls_model("initial-exec"))) = 5;
    int *place[2] = { 0, (int *)&place };
    int entry(void) { return own + quick + (int)zeroed[1] + errno; }
    int next(void) { return ++own; }
    void begin(void) {}
    void end(void) {}
    __attribute__((constructor)) static void set_up(void) { __asm__ volatile (""); }
    __attribute__((destructor)) static void tear_down(void) { __asm__ volatile (""); }
"#;

/// Opens and closes each file named in argv[1], with its number on a line before.
const OPENER: &str = r#"
    #include <dlfcn.h>
    #include <stdio.h>
    #include <string.h>
    #include <unistd.h>
    int main(int argc, char **argv) {
        FILE *list = argc > 1 ? fopen(argv[1], "r") : NULL;
        char path[4096];
        if (!list) return 9;
        for (int number = 0; fgets(path, sizeof path, list); number++) {
            path[strcspn(path, "\n")] = 0;
            printf("%d\n", number);
            fflush(stdout);
            alarm(5);
            void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
            if (handle) {
                dlsym(handle, "entry");
                dlsym(handle, "absent");
                dlclose(handle);
                puts("opened");
            }
        }
        puts("end");
        return 0;
    }
"#;

#[test]
fn the_linker_survives_what_the_validator_accepts() {
    let dir = Dir::new();
    let opener = dir.try_compile(("opener.c", OPENER), &["-ldl"]).unwrap();
    let versions = dir.path().join("plugin.map");
    std::fs::write(&versions, "FEE_1 { global: entry; calls; }; FEE_2 { global: n*; } FEE_1;").unwrap();
    let script = format!("-Wl,--version-script={}", versions.display());
    let seed = |source, flags: &[&str]| dir.shared(source, &[&FLAGS, flags].concat());
    let mut seeds = vec![
        ("plain", seed(("plain.c", PLUGIN), &["-Wl,--hash-style=both", &script])),
        ("tls", seed(("tls.c", THREAD_LOCAL), &["-Wl,--hash-style=gnu"])),
    ];
    let packed = [&["-shared", "-fPIC", "-Wl,-z,pack-relative-relocs", "-Wl,--hash-style=sysv"], &FLAGS[..]];
    if let Some(packed) = dir.try_compile(("packed.c", PLUGIN), &packed.concat()) {
        seeds.push(("packed", std::fs::read(packed).unwrap()));
    }
    let mut failures = Vec::new();
    for (name, seed) in &seeds {
        let counts = run(&dir, &opener, name, seed, &mut failures);
        println!("{name}: {counts:?}");
        assert!(counts.accepted > 500, "{name}: the corruptions must not all be refused: {counts:?}");
    }
    assert!(failures.is_empty(), "{} ended the process: {failures:#?}", failures.len());
}

/// The control: files that the validator refuses do end a process that opens them all the same.
#[test]
fn the_linker_does_not_survive_what_the_validator_refuses() {
    let dir = Dir::new();
    let opener = dir.try_compile(("opener.c", OPENER), &["-ldl"]).unwrap();
    let seed = dir.shared(("plain.c", PLUGIN), &FLAGS);
    let (regions, mut random) = (regions(&seed), Random(SEED));
    let changed = (0..BATCH).map(|_| corrupted(&seed, &regions, &mut random));
    let refused = changed.filter(|(file, _)| Elf::parse(file).is_err());
    let batch: Vec<Case> = refused.enumerate().map(|(number, case)| Case::new(&dir, number, case)).collect();
    let (_, ended) = open_all(&dir, &opener, &batch);
    println!("of {} refused files {} end the process", batch.len(), ended.len());
    assert!(
        ended.len() > batch.len() / 20,
        "of {} refused files {} end the process",
        batch.len(),
        ended.len()
    );
}

#[derive(Debug, Default)]
struct Counts {
    refused: u32,
    unwanted: u32,
    accepted: usize,
    opened: usize,
    /// Ended by the plugin's own code: what the linker calls is no longer the function that it was.
    wrong_code: u32,
}

/// A corrupted plugin on disk.
struct Case {
    path: PathBuf,
    file: Vec<u8>,
    change: String,
}

impl Case {
    fn new(dir: &Dir, number: usize, (file, change): (Vec<u8>, String)) -> Self {
        let path = dir.path().join(format!("{number:05}.so"));
        std::fs::write(&path, &file).unwrap();
        Self { path, file, change }
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn run(dir: &Dir, helper: &Path, name: &str, seed: &[u8], failures: &mut Vec<String>) -> Counts {
    let (regions, calls, mut random) = (regions(seed), called(seed), Random(SEED));
    let mut counts = Counts::default();
    for _ in (0..cases()).step_by(BATCH as usize) {
        let mut batch = Vec::new();
        for _ in 0..BATCH {
            let (file, change) = corrupted(seed, &regions, &mut random);
            match Elf::parse(&file).map(|elf| loadable(&elf, &LoadAllowances::default())) {
                Err(_) => counts.refused += 1,
                Ok(Err(_)) => counts.unwanted += 1,
                Ok(Ok(())) => batch.push(Case::new(dir, batch.len(), (file, change))),
            }
        }
        let (opened, ended) = open_all(dir, helper, &batch);
        counts.accepted += batch.len();
        counts.opened += opened;
        for (case, how) in ended {
            if called(&case.file).iter().all(|code| calls.contains(code)) {
                failures.push(format!("{name}: {how}: {}", case.change));
            } else {
                counts.wrong_code += 1;
            }
        }
    }
    counts
}

/// Opens the files in child processes; after one that ends its process, the rest go to a new one.
/// Returns how many could be opened, and which ended the process in what way.
fn open_all<'c>(dir: &Dir, helper: &Path, batch: &'c [Case]) -> (usize, Vec<(&'c Case, String)>) {
    let (mut rest, mut opened, mut ended) = (batch, 0, Vec::new());
    while !rest.is_empty() {
        let list = dir.path().join("list");
        let paths: Vec<_> = rest.iter().map(|case| case.path.to_str().unwrap()).collect();
        std::fs::write(&list, paths.join("\n")).unwrap();
        let output = Command::new(helper).arg(&list).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        opened += text.lines().filter(|line| *line == "opened").count();
        if output.status.success() && text.ends_with("end\n") {
            break;
        }
        let number = text.lines().rev().find_map(|line| line.parse::<usize>().ok()).unwrap();
        ended.push((&rest[number], format!("{} {}", output.status, String::from_utf8_lossy(&output.stderr))));
        rest = &rest[number + 1..];
    }
    (opened, ended)
}

/// The code that the linker calls: DT_INIT, DT_FINI and the slots of both arrays.
fn called(file: &[u8]) -> Vec<[u8; 8]> {
    let value = |tag| dynamic_value(file, tag);
    let relocations = value(7).map_or(0..0, |address| {
        let start = offset_of(file, address);
        start..start + usize::try_from(value(8).unwrap()).unwrap()
    });
    let mut calls: Vec<u64> = value(12).into_iter().chain(value(13)).collect();
    for (array, size) in [(25, 27), (26, 28)] {
        let Some((array, size)) = value(array).zip(value(size)) else { continue };
        for slot in (array..array + size).step_by(8) {
            let entry = relocations.clone().step_by(24).find(|entry| u64_at(file, *entry) == slot);
            calls.push(u64_at(file, entry.map_or_else(|| offset_of(file, slot), |entry| entry + 16)));
        }
    }
    calls.into_iter().map(|address| u64_at(file, offset_of(file, address)).to_le_bytes()).collect()
}

/// The parts of the file that the linker reads, by name.
fn regions(file: &[u8]) -> Vec<(String, Range<usize>)> {
    let start = usize::try_from(u64_at(file, 32)).unwrap();
    let end = start + usize::from(u16_at(file, 56)) * 56;
    let mut regions = vec![("file header".into(), 0..64), ("program headers".into(), start..end)];
    let read = [
        ".dynamic",
        ".hash",
        ".gnu.hash",
        ".dynsym",
        ".dynstr",
        ".gnu.version",
        ".gnu.version_r",
        ".gnu.version_d",
        ".rela.dyn",
        ".rela.plt",
        ".relr.dyn",
        ".init_array",
        ".fini_array",
        ".note.gnu.property",
    ];
    for section in Elf::parse(file).unwrap().sections() {
        if read.contains(&section.name) {
            regions.push((section.name.into(), section.file_range().unwrap()));
        }
    }
    regions
}

/// A copy of `seed` with one to three changes, and what they were.
fn corrupted(seed: &[u8], regions: &[(String, Range<usize>)], random: &mut Random) -> (Vec<u8>, String) {
    let mut file = seed.to_vec();
    let mut changes = Vec::new();
    for _ in 0..=random.below(3) {
        let (name, range) = &regions[random.below(regions.len())];
        let width = [1, 2, 4, 8][random.below(4)];
        let at = range.start + random.below(range.len() / width) * width;
        let old = file[at..at + width].to_vec();
        let new = match random.below(6) {
            0 => random.next().to_le_bytes(),
            1 => (random.next() & 0xff).to_le_bytes(),
            2 => [0_u64, 1, 8, u64::MAX, 1 << 31, 1 << 46, 1 << 63, seed.len() as u64][random.below(8)]
                .to_le_bytes(),
            3 => (random.next() % 0x5000).to_le_bytes(),
            4 => {
                let from = range.start + random.below(range.len() / width) * width;
                let mut bytes = [0; 8];
                bytes[..width].copy_from_slice(&seed[from..from + width]);
                bytes
            }
            _ => {
                let mut bytes = [0; 8];
                bytes[..width].copy_from_slice(&old);
                bytes[random.below(width)] ^= 1 << random.below(8);
                bytes
            }
        };
        file[at..at + width].copy_from_slice(&new[..width]);
        changes.push(format!("{name}+{:#x} {old:02x?} -> {:02x?}", at - range.start, &new[..width]));
    }
    (file, changes.join(", "))
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same corruptions on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}
