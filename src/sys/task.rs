//! The threads of this process as the kernel and the C library's own records show them.

use super::memory;
use std::fs;

/// A thread of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task(libc::pid_t);

/// The threads but the calling one. `None` where `/proc` does not tell.
pub fn others() -> Option<Vec<Task>> {
    // SAFETY: gettid has no preconditions and cannot fail.
    let own = unsafe { libc::gettid() };
    let names = fs::read_dir("/proc/self/task").ok()?;
    let numbers = names.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    Some(numbers.filter(|number| *number != own).map(Task).collect())
}

impl Task {
    /// The kernel's number of the thread.
    pub fn id(self) -> i32 {
        self.0
    }

    /// Where it will go on, while it is blocked in the kernel. `None` while it runs, or where the kernel forbids to look.
    pub fn program_counter(self) -> Option<usize> {
        let state = fs::read_to_string(format!("/proc/self/task/{}/syscall", self.0)).ok()?;
        let last = state.split_ascii_whitespace().last()?;
        usize::from_str_radix(last.strip_prefix("0x")?, 16).ok()
    }

    /// The words of the C library's record of the thread (`struct pthread`), which holds its start routine, the
    /// argument of that, and the values of its first keys. Empty for a thread that has ended, or where the kernel
    /// forbids to look.
    ///
    /// The kernel knows an address inside of the record: the head of its list of robust mutexes.
    pub fn record(self) -> Vec<usize> {
        // A thread that was just made, like one that is about to end, has told the kernel no head.
        for _ in 0..PATIENCE {
            match self.robust_head() {
                Some(0) => std::thread::yield_now(),
                Some(head) => return memory::words::<RECORD_WORDS>(head.saturating_sub(HEAD_OFFSET)),
                None => break,
            }
        }
        Vec::new()
    }

    fn robust_head(self) -> Option<usize> {
        let mut head = 0_usize;
        let mut len = 0_usize;
        // SAFETY: the kernel writes one address and one length.
        let answer = unsafe { libc::syscall(libc::SYS_get_robust_list, self.0, &raw mut head, &raw mut len) };
        (answer == 0).then_some(head)
    }
}

/// Where the head of the robust mutexes stands in glibc's record, and the record's size, both of x86-64; other releases
/// and architectures differ by some words, which changes nothing for who looks through all of them.
const HEAD_OFFSET: usize = 0x2e0;
/// How often a thread without a head is asked again.
const PATIENCE: usize = 100;
const RECORD_WORDS: usize = 0x900 / size_of::<usize>();

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    extern "C" fn routine(release: *mut libc::c_void) -> *mut libc::c_void {
        let mut byte = 0_u8;
        // SAFETY: the pipe's reading end, which the test keeps open until the thread was joined.
        unsafe { libc::read(*release.cast::<i32>(), (&raw mut byte).cast(), 1) };
        std::ptr::null_mut()
    }

    #[test]
    fn the_start_routine_of_a_thread_stands_in_its_record() {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut argument = std::os::fd::AsRawFd::as_raw_fd(&reader);
        let mut thread = 0;
        // SAFETY: a plain thread that is joined below.
        let made = unsafe {
            libc::pthread_create(&raw mut thread, std::ptr::null(), routine, (&raw mut argument).cast())
        };
        assert_eq!(made, 0);
        let started = |task: &Task| task.record().contains(&(routine as *const () as usize));
        while !others().unwrap().iter().any(started) {
            std::thread::yield_now();
        }
        drop(writer);
        // SAFETY: the thread made above, joined once.
        unsafe { libc::pthread_join(thread, std::ptr::null_mut()) };
        assert_eq!(
            others().unwrap().iter().filter(|task| started(task)).count(),
            0,
            "an ended thread has no record"
        );
    }

    #[test]
    fn a_blocked_thread_has_a_program_counter() {
        let (release, released) = channel::<()>();
        let blocked = std::thread::spawn(move || released.recv());
        while !others().unwrap().iter().any(|task| task.program_counter().is_some_and(|pc| pc > 0)) {
            std::thread::yield_now();
        }
        drop(release);
        assert!(blocked.join().unwrap().is_err());
    }
}
