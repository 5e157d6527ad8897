use super::*;
use std::fs::File;
use std::os::fd::AsFd;

/// Runs a shell with three descriptors.
fn shell(script: &str, deadline: Duration) -> Result<Ending> {
    let (program, null) = (File::open("/bin/sh").unwrap(), File::open("/dev/null").unwrap());
    let script = std::ffi::CString::new(script).unwrap();
    run(
        &Program {
            file: program.as_fd(),
            arguments: &[c"sh", c"-c", &script],
            environment: &[c"PATH=/usr/bin:/bin"],
            descriptors: &[null.as_fd(); 3],
        },
        deadline,
    )
}

const LONG: Duration = Duration::from_secs(30);

#[test]
fn endings_are_told_apart() {
    assert_eq!(shell("exit 7", LONG), Ok(Ending::Exited(7)));
    assert_eq!(shell("kill -KILL $$", LONG), Ok(Ending::Killed(libc::SIGKILL)));
    let short = Duration::from_millis(20);
    assert_eq!(shell("while :; do :; done", short), Ok(Ending::TimedOut { stopped: false }));
    // A busy machine may not have come as far as the signal by the first deadline.
    let deadlines = [500, 5000, 50_000].map(Duration::from_millis);
    let stops = |deadline| shell("kill -STOP $$", deadline) == Ok(Ending::TimedOut { stopped: true });
    assert!(deadlines.into_iter().any(stops));
}

#[test]
fn the_program_gets_the_descriptors_named_and_no_other() {
    let other = File::open("/dev/zero").unwrap();
    let script = "exec 9</dev/null; for fd in /proc/self/fd/*; do case ${fd##*/} in [0129]) ;; *) \
                  [ ! -e \"$fd\" ] || exit 1;; esac; done";
    assert_eq!(shell(script, LONG), Ok(Ending::Exited(0)));
    drop(other);
}

#[test]
fn what_a_program_leaves_behind_ends_with_it() {
    let (reader, writer) = std::io::pipe().unwrap();
    let program = File::open("/bin/sh").unwrap();
    let null = File::open("/dev/null").unwrap();
    // The daemon says that it has begun, and keeps a writing end whose reader sees when it is gone.
    let daemon = c"setsid sh -c 'echo begun >&5; exec sleep 1000' & read line <&4; exit 3";
    let (line_reader, line_writer) = std::io::pipe().unwrap();
    let [writer, line_reader, line_writer] = [writer.into(), line_reader.into(), line_writer.into()];
    let ends: [&OwnedFd; 3] = [&writer, &line_reader, &line_writer];
    let descriptors =
        [null.as_fd(), null.as_fd(), null.as_fd(), ends[0].as_fd(), ends[1].as_fd(), ends[2].as_fd()];
    let ending = run(
        &Program {
            file: program.as_fd(),
            arguments: &[c"sh", c"-c", daemon],
            environment: &[c"PATH=/usr/bin:/bin"],
            descriptors: &descriptors,
        },
        LONG,
    );
    assert_eq!(ending, Ok(Ending::Exited(3)));
    drop(writer);
    (&reader).read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn what_cannot_be_run_is_an_error() {
    let program = File::open("/dev/null").unwrap();
    let refused =
        run(&Program { file: program.as_fd(), arguments: &[c"x"], environment: &[], descriptors: &[] }, LONG);
    assert_eq!(refused.unwrap_err().status(), Status::Io);
}
