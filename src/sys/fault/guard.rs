//! Where a contained call began, and the way back there.
//!
//! As `setjmp`, which cannot be called from Rust, but the way back is taken by the kernel: the handler changes the
//! registers that it will restore.

use super::{Arguments, Function};

/// What a callee must preserve, at the entry of the guard, in the order in which the guard stores it.
#[repr(C)]
#[derive(Debug, Default)]
pub(super) struct Landing {
    pub(super) rsp: usize,
    pub(super) rbp: usize,
    pub(super) rbx: usize,
    pub(super) r12: usize,
    pub(super) r13: usize,
    pub(super) r14: usize,
    pub(super) r15: usize,
    /// What stands at `rsp`: where the guard returns to.
    pub(super) return_address: usize,
    /// The control words of SSE and x87.
    mxcsr: u32,
    x87: u16,
}

/// What the guard returns, in `rax` and `rdx`.
#[repr(C)]
pub(super) struct Returned {
    /// What the function answered.
    pub(super) answer: i32,
    /// 1 when it was left at a fault.
    pub(super) landed: u64,
}

/// Calls `function`, and returns a second time, instead, when the handler sends the thread to the landing.
///
/// # Safety
/// `landing` is writable until the call has returned. The rest is up to `function`.
#[inline]
pub(super) unsafe fn call(landing: *mut Landing, function: Function, arguments: Arguments) -> Returned {
    let (first, second, third, fourth) = arguments;
    // SAFETY: the caller's promise.
    unsafe { machine::guard(landing, function, first, second, third, fourth) }
}

pub(super) use machine::{IS_SUPPORTED, land};

#[cfg(target_arch = "x86_64")]
mod machine {
    use super::{Function, Landing, Returned};
    use std::arch::naked_asm;
    use std::ffi::c_void;
    use std::mem::offset_of;

    pub(in super::super) const IS_SUPPORTED: bool = true;

    const DIRECTION_FLAG: i64 = 1 << 10;
    const ALIGNMENT_CHECK: i64 = 1 << 18;

    /// Stores what a callee must preserve, and calls.
    ///
    /// # Safety
    /// As [`call`](super::call).
    #[unsafe(naked)]
    pub(super) unsafe extern "C" fn guard(
        landing: *mut Landing,
        function: Function,
        first: *mut c_void,
        second: *const c_void,
        third: usize,
        fourth: *const c_void,
    ) -> Returned {
        naked_asm!(
            ".cfi_startproc",
            "mov [rdi + {rsp}], rsp",
            "mov [rdi + {rbp}], rbp",
            "mov [rdi + {rbx}], rbx",
            "mov [rdi + {r12}], r12",
            "mov [rdi + {r13}], r13",
            "mov [rdi + {r14}], r14",
            "mov [rdi + {r15}], r15",
            "mov rax, [rsp]",
            "mov [rdi + {return_address}], rax",
            "stmxcsr [rdi + {mxcsr}]",
            "fnstcw [rdi + {x87}]",
            "mov rax, rsi",
            "mov rdi, rdx",
            "mov rsi, rcx",
            "mov rdx, r8",
            "mov rcx, r9",
            "sub rsp, 8", // a call needs the stack at a multiple of 16
            ".cfi_adjust_cfa_offset 8",
            "call rax",
            "add rsp, 8",
            ".cfi_adjust_cfa_offset -8",
            "xor edx, edx",
            "ret",
            ".cfi_endproc",
            rsp = const offset_of!(Landing, rsp),
            rbp = const offset_of!(Landing, rbp),
            rbx = const offset_of!(Landing, rbx),
            r12 = const offset_of!(Landing, r12),
            r13 = const offset_of!(Landing, r13),
            r14 = const offset_of!(Landing, r14),
            r15 = const offset_of!(Landing, r15),
            return_address = const offset_of!(Landing, return_address),
            mxcsr = const offset_of!(Landing, mxcsr),
            x87 = const offset_of!(Landing, x87),
        )
    }

    /// Where the kernel resumes a thread whose call is given up: with the registers of the guard's entry, and the
    /// landing's address in `rdi`. Returns from the guard.
    ///
    /// # Safety
    /// Not to be called.
    #[unsafe(naked)]
    unsafe extern "C" fn landed() {
        naked_asm!(
            ".cfi_startproc",
            "fninit", // whatever is left on the stack of x87, or of MMX
            "fldcw [rdi + {x87}]",
            "ldmxcsr [rdi + {mxcsr}]",
            "xor eax, eax",
            "mov edx, 1",
            "ret",
            ".cfi_endproc",
            x87 = const offset_of!(Landing, x87),
            mxcsr = const offset_of!(Landing, mxcsr),
        )
    }

    /// Makes the kernel resume at the landing.
    pub(in super::super) fn land(context: &mut libc::ucontext_t, landing: &Landing) {
        let registers = &mut context.uc_mcontext.gregs;
        let mut set = |register: libc::c_int, value: usize| {
            if let Some(place) = usize::try_from(register).ok().and_then(|index| registers.get_mut(index)) {
                *place = value.cast_signed() as i64;
            }
        };
        set(libc::REG_RSP, landing.rsp);
        set(libc::REG_RBP, landing.rbp);
        set(libc::REG_RBX, landing.rbx);
        set(libc::REG_R12, landing.r12);
        set(libc::REG_R13, landing.r13);
        set(libc::REG_R14, landing.r14);
        set(libc::REG_R15, landing.r15);
        set(libc::REG_RDI, std::ptr::from_ref(landing).addr());
        set(libc::REG_RIP, landed as unsafe extern "C" fn() as usize);
        if let Some(flags) = usize::try_from(libc::REG_EFL).ok().and_then(|index| registers.get_mut(index)) {
            *flags &= !(DIRECTION_FLAG | ALIGNMENT_CHECK);
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod machine {
    use super::{Function, Landing, Returned};
    use std::ffi::c_void;

    pub(in super::super) const IS_SUPPORTED: bool = false;

    /// Calls, without a landing.
    ///
    /// # Safety
    /// As [`call`](super::call).
    pub(super) unsafe fn guard(
        _: *mut Landing,
        function: Function,
        first: *mut c_void,
        second: *const c_void,
        third: usize,
        fourth: *const c_void,
    ) -> Returned {
        // SAFETY: the caller's promise.
        Returned { answer: unsafe { function(first, second, third, fourth) }, landed: 0 }
    }

    /// There is no way back.
    pub(in super::super) fn land(_: &mut libc::ucontext_t, _: &Landing) {}
}
