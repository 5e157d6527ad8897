//! What the child answers: frames in a pipe, each with the nonce in front, so that nothing the image writes, by
//! accident or for fun, counts as one. An exit status alone proves nothing: constructors can call `_exit(0)`.

use super::job::Nonce;
use super::{Limits, Stage, refusal};
use crate::error::Result;
use crate::loader::plugin::PluginLog;
use crate::sys::sandbox::Gap;
use crate::sys::supervised::Ending;
use std::borrow::Cow;

/// One frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Frame<'a> {
    /// This stage begins.
    Stage(Stage),
    /// The sandbox has this gap: an index into [`Gap::all`].
    Gap(u8),
    /// The plugin logged a line.
    Log(u8, Cow<'a, str>),
    /// For the notes.
    Note(Cow<'a, str>),
    /// The trial ends here, for this reason.
    Refused(Cow<'a, str>),
    /// Every stage was passed, and nothing follows.
    Passed,
}

/// Nonce, kind, a number, the length of the text, the text. A frame is written at once: a pipe keeps up to 4,096 bytes
/// in one piece (PIPE_BUF).
const HEAD: usize = 20;
pub(super) const MAX_TEXT: usize = 1024;
pub(super) const MAX_LEN: usize = HEAD + MAX_TEXT;

impl Frame<'_> {
    /// Writes it to the front of `into` and answers its length. Allocates nothing.
    pub(super) fn encode(&self, nonce: &[u8], into: &mut [u8; MAX_LEN]) -> usize {
        let (kind, number, text) = match self {
            Self::Stage(stage) => (1, *stage as u8, ""),
            Self::Gap(index) => (2, *index, ""),
            Self::Log(level, line) => (3, *level, line.as_ref()),
            Self::Note(note) => (4, 0, note.as_ref()),
            Self::Refused(reason) => (5, 0, reason.as_ref()),
            Self::Passed => (6, 0, ""),
        };
        let text = text.as_bytes().get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or_default();
        let len = u16::try_from(text.len()).unwrap_or(0).to_ne_bytes();
        let head = nonce.iter().copied().chain([kind, number]).chain(len);
        let mut written = 0;
        for (place, byte) in into.iter_mut().zip(head.chain(text.iter().copied())) {
            *place = byte;
            written += 1;
        }
        written
    }
}

/// What is to be made of the report and of the way in which the child ended. Passed is who said so last and then left;
/// the answer is the notes then.
pub(super) fn verdict(
    bytes: &[u8],
    nonce: Nonce,
    ending: Ending,
    limits: &Limits,
    log: &PluginLog,
) -> Result<Vec<String>> {
    let read = Reading::of(bytes, nonce);
    let refused = match (&read.refused, ending) {
        (Some(reason), _) => reason.clone(),
        (None, _) if read.foreign => "something was written into the report".to_owned(),
        (None, Ending::Exited(0)) if read.passed => return Ok(read.notes),
        (None, ending) => how_it_ended(ending, limits),
    };
    for (level, line) in &read.lines {
        log(*level, &format!("preflight: {line}"));
    }
    Err(refusal(format_args!("{}: {refused}", read.stage)))
}

/// The report so far.
struct Reading {
    stage: Stage,
    notes: Vec<String>,
    lines: Vec<(i32, String)>,
    refused: Option<String>,
    passed: bool,
    /// Something else than frames was found.
    foreign: bool,
}

impl Reading {
    fn of(mut bytes: &[u8], nonce: Nonce) -> Self {
        let mut read = Self {
            stage: Stage::Prepare,
            notes: Vec::new(),
            lines: Vec::new(),
            refused: None,
            passed: false,
            foreign: false,
        };
        while !bytes.is_empty() && !read.foreign {
            let Some((frame, rest)) = frame(bytes, nonce) else {
                read.foreign = true;
                break;
            };
            bytes = rest;
            read.take(frame);
        }
        read
    }

    fn take(&mut self, frame: Frame<'_>) {
        // Whoever goes on after the end was not the child.
        self.foreign |= self.passed || self.refused.is_some();
        match frame {
            Frame::Stage(stage) => self.stage = stage,
            Frame::Gap(index) => {
                let gap = Gap::all().get(usize::from(index)).copied();
                self.notes.extend(gap.map(|gap| gap.text().to_owned()));
            }
            Frame::Log(level, line) => self.lines.push((i32::from(level), line.into_owned())),
            Frame::Note(note) => self.notes.push(note.into_owned()),
            Frame::Refused(reason) => self.refused = Some(reason.into_owned()),
            Frame::Passed => self.passed = true,
        }
    }
}

/// The first frame and what follows it.
fn frame(bytes: &[u8], nonce: Nonce) -> Option<(Frame<'_>, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
    let [expected @ .., kind, number, l0, l1] = head;
    if !expected.iter().eq(nonce.map(u64::to_ne_bytes).iter().flatten()) {
        return None;
    }
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_ne_bytes([*l0, *l1])))?;
    let text = || String::from_utf8_lossy(text);
    let frame = match kind {
        1 => Frame::Stage(Stage::from_number(*number)?),
        2 => Frame::Gap(*number),
        3 => Frame::Log(*number, text()),
        4 => Frame::Note(text()),
        5 => Frame::Refused(text()),
        6 => Frame::Passed,
        _ => return None,
    };
    Some((frame, rest))
}

fn how_it_ended(ending: Ending, limits: &Limits) -> String {
    match ending {
        Ending::Exited(status) => format!("exited with status {status} before its report was complete"),
        Ending::Killed(libc::SIGXCPU | libc::SIGKILL) => {
            format!(
                "killed: it used {} s of processor time, or memory ran out",
                limits.processor.as_secs_f32()
            )
        }
        // The handler names the call where the calling thread lets the signal in. `system` does not.
        Ending::Killed(libc::SIGSYS) => {
            "called what a preflight forbids (such as a new process), with SIGSYS blocked".to_owned()
        }
        Ending::Killed(signal) => format!("ended by {}", signal_name(signal)),
        Ending::TimedOut { stopped } => {
            let state = if stopped { ", stopped by a signal" } else { "" };
            format!("did not end within {} ms{state}", limits.deadline.as_millis())
        }
    }
}

fn signal_name(signal: i32) -> Cow<'static, str> {
    let name = match signal {
        libc::SIGABRT => "SIGABRT",
        libc::SIGALRM => "SIGALRM",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGHUP => "SIGHUP",
        libc::SIGILL => "SIGILL",
        libc::SIGINT => "SIGINT",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGTERM => "SIGTERM",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGXFSZ => "SIGXFSZ",
        other => return Cow::Owned(format!("signal {other}")),
    };
    Cow::Borrowed(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;
    use crate::sync::Mutex;
    use std::sync::Arc;

    const NONCE: Nonce = [0x1122_3344_5566_7788, 42];

    fn frames(frames: &[Frame<'_>]) -> Vec<u8> {
        let nonce: Vec<u8> = NONCE.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let mut bytes = Vec::new();
        for frame in frames {
            let mut buffer = [0; MAX_LEN];
            let len = frame.encode(&nonce, &mut buffer);
            bytes.extend(&buffer[..len]);
        }
        bytes
    }

    fn judge(bytes: &[u8], ending: Ending) -> Result<Vec<String>> {
        let log: PluginLog = Box::new(|_: i32, _: &str| {});
        verdict(bytes, NONCE, ending, &Limits::default(), &log)
    }

    #[test]
    fn only_a_whole_report_and_a_clean_end_pass() {
        let whole = frames(&[Frame::Stage(Stage::Load), Frame::Note("slow".into()), Frame::Passed]);
        assert_eq!(judge(&whole, Ending::Exited(0)), Ok(vec!["slow".to_owned()]));
        for len in 0..whole.len() {
            assert_eq!(
                judge(&whole[..len], Ending::Exited(0)).unwrap_err().status(),
                Status::PreflightFailed
            );
        }
        for ending in [
            Ending::Exited(1),
            Ending::Killed(libc::SIGSEGV),
            Ending::TimedOut { stopped: false },
            Ending::TimedOut { stopped: true },
        ] {
            assert!(judge(&whole, ending).is_err());
        }
        for foreign in [&b"ok"[..], &[0; 64], &whole] {
            assert!(judge(&[&whole, foreign].concat(), Ending::Exited(0)).is_err());
            let before = [foreign, &whole].concat();
            assert!(judge(&before, Ending::Exited(0)).is_err());
        }
    }

    #[test]
    fn a_refusal_names_the_stage_and_the_end_and_brings_the_log() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let log: PluginLog = Box::new(move |level, line| kept.lock().push((level, line.to_owned())));
        let endless = "x".repeat(5000);
        let bytes = frames(&[
            Frame::Stage(Stage::Load),
            Frame::Stage(Stage::Start),
            Frame::Log(1, "no table".into()),
            Frame::Log(2, endless.as_str().into()),
        ]);
        let refused =
            verdict(&bytes, NONCE, Ending::Killed(libc::SIGBUS), &Limits::default(), &log).unwrap_err();
        assert_eq!(refused.message(), "preflight: start: ended by SIGBUS");
        let expected =
            [(1, "preflight: no table".to_owned()), (2, format!("preflight: {}", &endless[..MAX_TEXT]))];
        assert_eq!(*lines.lock(), expected);
        let bytes = frames(&[Frame::Stage(Stage::Load), Frame::Refused("undefined symbol: x".into())]);
        assert_eq!(
            judge(&bytes, Ending::Exited(1)).unwrap_err().message(),
            "preflight: dlopen and constructors: undefined symbol: x"
        );
    }
}
