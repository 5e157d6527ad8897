//! A driver as a child process, and the commands of `peers/README.md` from the asking side.

use crate::driver::{Case, hex, unhex};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A driver that is ready.
pub struct Driver {
    pub title: String,
    pub version: String,
    encoding: Encoding,
    input: BufWriter<ChildStdin>,
    output: BufReader<ChildStdout>,
    child: Child,
}

/// How a driver reads and writes signatures.
#[derive(Clone, Copy)]
enum Encoding {
    Raw,
    Der,
}

/// What an operation did in its time.
#[derive(Clone, Copy)]
pub struct Run {
    pub units: u64,
    pub processor_nanoseconds: u64,
    pub nanoseconds: u64,
}

impl Driver {
    /// Starts the driver; or why there is none.
    pub fn start(mut command: Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{}: {e}", command.get_program().display()))?;
        let input = BufWriter::new(child.stdin.take().unwrap());
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        output.read_line(&mut first).unwrap();
        let words: Vec<&str> = first.trim_end().splitn(4, ' ').collect();
        let (encoding, version, title) = match words.as_slice() {
            ["driver", "raw", version, title] => (Encoding::Raw, *version, *title),
            ["driver", "der", version, title] => (Encoding::Der, *version, *title),
            _ => {
                child.wait().unwrap();
                let reason = first.trim_end().trim_start_matches("missing ");
                return Err(if reason.is_empty() {
                    "its driver does not start".into()
                } else {
                    reason.into()
                });
            }
        };
        Ok(Self { title: title.into(), version: version.into(), encoding, input, output, child })
    }

    /// The key to sign with.
    pub fn signer(&mut self, pkcs8: &[u8], scalar: &[u8], spki: &[u8]) {
        self.tell(&format!("signer {} {} {}", hex(pkcs8), hex(scalar), hex(spki)));
    }

    /// More cases; their signatures are r || s.
    pub fn load(&mut self, cases: &[Case]) {
        for case in cases {
            let signature = match self.encoding {
                Encoding::Raw => case.signature.clone(),
                Encoding::Der => to_der(&case.signature),
            };
            self.tell(&format!("case {} {} {}", hex(&case.spki), hex(&signature), hex(&case.message)));
        }
    }

    pub fn check(&mut self) -> Vec<bool> {
        let answer = self.ask("check");
        answer.trim_start_matches("verdicts ").bytes().map(|digit| digit == b'1').collect()
    }

    /// Signatures over the cases' messages, as r || s.
    pub fn sign(&mut self) -> Vec<Vec<u8>> {
        let answer = self.ask("sign");
        let signatures = answer.split(' ').skip(1).map(unhex);
        match self.encoding {
            Encoding::Raw => signatures.collect(),
            Encoding::Der => signatures.map(|der| from_der(&der)).collect(),
        }
    }

    pub fn digest(&mut self) -> Vec<Vec<u8>> {
        self.ask("digest").split(' ').skip(1).map(unhex).collect()
    }

    /// `None` if the driver does not know the operation.
    pub fn run(&mut self, operation: &str, milliseconds: u64) -> Option<Run> {
        let answer = self.ask(&format!("run {operation} {milliseconds}"));
        let numbers: Vec<u64> = answer.split(' ').skip(1).map(|word| word.parse().unwrap()).collect();
        let [units, processor_nanoseconds, nanoseconds] = *numbers.as_slice() else { return None };
        Some(Run { units, processor_nanoseconds, nanoseconds })
    }

    fn ask(&mut self, command: &str) -> String {
        self.tell(command);
        self.input.flush().unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        assert!(!answer.is_empty(), "{} {} ended at `{command}`", self.title, self.version);
        answer.trim_end().to_owned()
    }

    fn tell(&mut self, command: &str) {
        writeln!(self.input, "{command}").unwrap_or_else(|e| panic!("{} {}: {e}", self.title, self.version));
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The driver waits for its next command and has nothing to lose.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `SEQUENCE { r INTEGER, s INTEGER }` of any r || s, such as a valid signature's type would refuse.
fn to_der(raw: &[u8]) -> Vec<u8> {
    let integers: Vec<u8> = raw
        .chunks(32)
        .flat_map(|number| {
            let zeros = number.iter().take_while(|byte| **byte == 0).count().min(number.len() - 1);
            let digits = &number[zeros..];
            let sign: &[u8] = if digits[0] & 0x80 == 0 { &[] } else { &[0] };
            [&[2, u8::try_from(sign.len() + digits.len()).unwrap()], sign, digits].concat()
        })
        .collect();
    [&[0x30, u8::try_from(integers.len()).unwrap()], integers.as_slice()].concat()
}

/// r || s of a well-formed signature in DER.
fn from_der(der: &[u8]) -> Vec<u8> {
    let mut raw = vec![0; 64];
    let (mut rest, mut end) = (&der[2..], 0);
    while let [2, len, body @ ..] = rest {
        let (integer, after) = body.split_at(usize::from(*len));
        end += 32;
        let digits = &integer[integer.len().saturating_sub(32)..];
        raw[end - digits.len()..end].copy_from_slice(digits);
        rest = after;
    }
    assert_eq!(end, 64, "a signature in DER has two integers");
    raw
}
