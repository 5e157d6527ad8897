//! The commands of `peers/README.md` for drivers in Rust: this library's, and those of the crates in `peers/rust`,
//! which take in this same file.

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

/// What a driver makes of the commands.
pub trait Peer {
    /// Which of the cases' signatures are good; the keys are new.
    fn check(&self, cases: &[Case]) -> Vec<bool>;
    /// A signature over the message, in the driver's encoding.
    fn sign(&self, signer: &Signer, message: &[u8]) -> Vec<u8>;
    /// SM3.
    fn digest(&self, message: &[u8]) -> [u8; 32];
    /// One turn of an operation, which returns the units done; what comes before the first turn is not timed.
    fn operation<'a>(&'a self, name: &str, cases: &'a [Case], signer: &'a Signer) -> Option<Turn<'a>>;
}

/// A turn of an operation.
pub type Turn<'a> = Box<dyn FnMut() -> u64 + 'a>;

/// A claim: the key in DER, the signature in the driver's encoding, the message.
pub struct Case {
    pub spki: Vec<u8>,
    pub signature: Vec<u8>,
    pub message: Vec<u8>,
}

/// The key to sign with: the scalar, big-endian.
#[derive(Default)]
pub struct Signer {
    pub scalar: Vec<u8>,
}

/// Answers the commands until the input ends.
pub fn serve(peer: &impl Peer, encoding: &str, version: &str, title: &str) {
    say(&format!("driver {encoding} {version} {title}"));
    let (mut cases, mut signer) = (Vec::new(), Signer::default());
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["signer", _, scalar, _] => signer = Signer { scalar: unhex(scalar) },
            ["case", spki, signature, message] => {
                let (spki, signature, message) = (unhex(spki), unhex(signature), unhex(message));
                cases.push(Case { spki, signature, message });
            }
            ["check"] => {
                let digits = peer.check(&cases).into_iter().map(|good| if good { '1' } else { '0' });
                say(&format!("verdicts {}", digits.collect::<String>()));
            }
            ["sign"] => list("signatures", cases.iter().map(|case| peer.sign(&signer, &case.message))),
            ["digest"] => list("digests", cases.iter().map(|case| peer.digest(&case.message).to_vec())),
            ["run", operation, milliseconds] => {
                let duration = Duration::from_millis(milliseconds.parse().unwrap());
                let turn = peer.operation(operation, &cases, &signer);
                say(&turn.map_or("none".into(), |turn| run(turn, duration)));
            }
            _ => panic!("unknown command {line}"),
        }
    }
}

/// The cases' numbers, again and again.
pub fn in_turn(cases: &[Case]) -> impl FnMut() -> usize {
    let (mut next, len) = (0, cases.len());
    move || {
        next = (next + 1) % len;
        next
    }
}

/// Bytes to digest, the same in every driver.
pub fn sample(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}

fn run(mut turn: Turn<'_>, duration: Duration) -> String {
    turn();
    let (mut units, begin, processor) = (0, Instant::now(), processor_time());
    while begin.elapsed() < duration {
        units += turn();
    }
    let elapsed = begin.elapsed();
    let processor = processor_time().saturating_sub(processor);
    format!("ran {units} {} {}", processor.as_nanos(), elapsed.as_nanos())
}

/// That of all threads of this process.
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one timespec.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) }, 0);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// Says the word and the bytes.
fn list(word: &str, bytes: impl Iterator<Item = Vec<u8>>) {
    let words: Vec<String> = bytes.map(|bytes| hex(&bytes)).collect();
    say(&format!("{word} {}", words.join(" ")));
}

fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).unwrap();
}

pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap();
    let digits: String = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    if digits.is_empty() { "-".into() } else { digits }
}

pub fn unhex(word: &str) -> Vec<u8> {
    let digit = |c: u8| u8::try_from(char::from(c).to_digit(16).unwrap()).unwrap();
    word.trim_matches('-').as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
