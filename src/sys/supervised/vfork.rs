//! A process that runs in this one's memory, on a stack of its own, while the calling thread sleeps.

use crate::error::{Error, Result};
use std::arch::asm;
use std::ffi::{c_int, c_void};
use std::io;

/// Two stacks, each above a page that nobody may touch.
#[derive(Debug)]
pub(super) struct Stacks(*mut u8);

const GUARD: usize = 64 << 10;
const STACK: usize = 192 << 10;
const LEN: usize = 2 * (GUARD + STACK);

impl Stacks {
    pub(super) fn new() -> Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
        let failed = || Error::io("map a stack", &io::Error::last_os_error());
        // SAFETY: a fresh mapping at an address that the kernel chooses.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), LEN, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(failed());
        }
        let stacks = Self(base.cast());
        for top in [stacks.first(), stacks.second()] {
            // SAFETY: the pages lie in our own mapping.
            let opened =
                unsafe { libc::mprotect(top.sub(STACK).cast(), STACK, libc::PROT_READ | libc::PROT_WRITE) };
            if opened != 0 {
                return Err(failed());
            }
        }
        Ok(stacks)
    }

    /// The top of one stack.
    pub(super) fn first(&self) -> *mut u8 {
        self.0.wrapping_add(GUARD + STACK)
    }

    /// The top of the other one.
    pub(super) fn second(&self) -> *mut u8 {
        self.0.wrapping_add(LEN)
    }
}

impl Drop for Stacks {
    fn drop(&mut self) {
        // SAFETY: our own mapping, on which no process runs any more.
        unsafe { libc::munmap(self.0.cast(), LEN) };
    }
}

/// Makes a process that calls `body(argument)`, and sleeps until it has ended or called `exec`. Answers its id; what
/// fails is an error number.
///
/// The flags are those of vfork: valgrind, which knows no other, takes it for a fork, in which the child has a copy
/// of the memory and goes on without the parent waiting. So nothing may depend on either, nor on the stack's address.
///
/// # Safety
/// All signals are blocked. `body` never returns, allocates nothing, takes no lock and does not unwind; `stack` is the
/// top of memory that nobody else uses; `pidfd` has room for a descriptor where `flags` asks for one.
pub(super) unsafe fn vfork_on(
    stack: *mut u8,
    flags: c_int,
    pidfd: *mut c_int,
    body: unsafe extern "C" fn(*mut c_void) -> !,
    argument: *mut c_void,
) -> std::result::Result<libc::pid_t, i32> {
    let flags = i64::from(flags | libc::CLONE_VM | libc::CLONE_VFORK);
    let answer: i64;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller's promise. The child leaves by `body`, on the new stack; of the parent's registers the kernel
    // changes those that are named.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "and rsp, -16",
            "mov rdi, r13",
            "call r12",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone => answer,
            in("rdi") flags,
            in("rsi") stack,
            in("rdx") pidfd,
            in("r10") 0,
            in("r8") 0,
            in("r12") body,
            in("r13") argument,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above. Not tested: there was no such machine.
    unsafe {
        asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, x21",
            "blr x20",
            "brk #1",
            "2:",
            in("x8") libc::SYS_clone,
            inlateout("x0") flags => answer,
            in("x1") stack,
            in("x2") pidfd,
            in("x3") 0,
            in("x4") 0,
            in("x20") body,
            in("x21") argument,
        );
    }
    match libc::pid_t::try_from(answer) {
        Ok(id) if id > 0 => Ok(id),
        Ok(error) => Err(-error),
        Err(_) => Err(libc::EINVAL),
    }
}
