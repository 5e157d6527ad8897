//! Where `libsogov.so` begins when it is run as a program: `ld.so libsogov.so`.
//!
//! A shared object has no startup code. This is what `crt1.o` does for a program: it hands the stack that the kernel
//! made (argc, argv) to `__libc_start_main`, which runs the library's constructors and then [`main`]. `build.rs` names
//! the symbol as the entry point of the shared library. A program that is linked with the Rust library contains it too,
//! and has another entry point: that is how the two are told apart.

use super::child;
use std::ffi::{CStr, OsStr, c_char, c_int};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".text",
    ".globl sogov_helper_entry",
    ".hidden sogov_helper_entry",
    ".type sogov_helper_entry, @function",
    "sogov_helper_entry:",
    ".cfi_startproc",
    ".cfi_undefined rip",
    "xor ebp, ebp",
    "mov r9, rdx",         // what the dynamic loader wants to have run at exit
    "mov rsi, [rsp]",      // argc
    "lea rdx, [rsp + 8]",  // argv
    "and rsp, -16",
    "push rax",            // keeps the stack aligned
    "push rsp",            // where the stack ends
    "xor ecx, ecx",        // init and fini: the C library finds them itself
    "xor r8d, r8d",
    "lea rdi, [rip + {main}]",
    "call [rip + __libc_start_main@GOTPCREL]",
    "hlt",
    ".cfi_endproc",
    ".size sogov_helper_entry, . - sogov_helper_entry",
    main = sym main,
);

// Not tested: there was no such machine.
#[cfg(target_arch = "aarch64")]
std::arch::global_asm!(
    ".text",
    ".globl sogov_helper_entry",
    ".hidden sogov_helper_entry",
    ".type sogov_helper_entry, @function",
    "sogov_helper_entry:",
    ".cfi_startproc",
    ".cfi_undefined x30",
    "mov x29, xzr",
    "mov x30, xzr",
    "mov x5, x0",          // what the dynamic loader wants to have run at exit
    "ldr x1, [sp]",        // argc
    "add x2, sp, #8",      // argv
    "mov x6, sp",          // where the stack ends
    "mov x3, xzr",         // init and fini: the C library finds them itself
    "mov x4, xzr",
    "adrp x0, {main}",
    "add x0, x0, :lo12:{main}",
    "bl __libc_start_main",
    "brk #1",
    ".cfi_endproc",
    ".size sogov_helper_entry, . - sogov_helper_entry",
    main = sym main,
);

unsafe extern "C" {
    fn sogov_helper_entry();
}

/// The address of the entry point in the object that contains this code.
pub(super) fn address() -> usize {
    sogov_helper_entry as *const () as usize
}

/// The exit status for arguments that it does not know.
const USAGE: c_int = 64;

/// Runs the preflight that it was started for, or says what this library is.
unsafe extern "C" fn main(count: c_int, arguments: *const *const c_char) -> c_int {
    let mark = (count == 2).then(|| {
        // SAFETY: the kernel gives `count` texts.
        OsStr::from_bytes(unsafe { CStr::from_ptr(*arguments.add(1)) }.to_bytes())
    });
    if mark.is_some_and(child::is_mark) {
        child::main();
    }
    if count > 1 {
        return USAGE;
    }
    let line = concat!("sogov ", env!("CARGO_PKG_VERSION"), "\n");
    i32::from(std::io::stdout().write_all(line.as_bytes()).is_err())
}
