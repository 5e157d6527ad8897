//! The system call filter (seccomp(2), a classic BPF program).

use std::ffi::{c_int, c_void};
use std::io;
use std::sync::OnceLock;

/// What ends or replaces a process, reaches another one, or changes the machine. In the host it would do so too, so the
/// caller is stopped and told.
const DENIED: &[(&str, i64)] = &[
    #[cfg(target_arch = "x86_64")]
    ("fork", libc::SYS_fork),
    #[cfg(target_arch = "x86_64")]
    ("vfork", libc::SYS_vfork),
    ("execve", libc::SYS_execve),
    ("execveat", libc::SYS_execveat),
    ("ptrace", libc::SYS_ptrace),
    ("process_vm_readv", libc::SYS_process_vm_readv),
    ("process_vm_writev", libc::SYS_process_vm_writev),
    ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
    ("mount", libc::SYS_mount),
    ("umount2", libc::SYS_umount2),
    ("move_mount", libc::SYS_move_mount),
    ("fsopen", libc::SYS_fsopen),
    ("open_tree", libc::SYS_open_tree),
    ("pivot_root", libc::SYS_pivot_root),
    ("chroot", libc::SYS_chroot),
    ("unshare", libc::SYS_unshare),
    ("setns", libc::SYS_setns),
    ("reboot", libc::SYS_reboot),
    ("kexec_load", libc::SYS_kexec_load),
    ("kexec_file_load", libc::SYS_kexec_file_load),
    ("init_module", libc::SYS_init_module),
    ("finit_module", libc::SYS_finit_module),
    ("delete_module", libc::SYS_delete_module),
    ("swapon", libc::SYS_swapon),
    ("swapoff", libc::SYS_swapoff),
    ("sethostname", libc::SYS_sethostname),
    ("setdomainname", libc::SYS_setdomainname),
    ("settimeofday", libc::SYS_settimeofday),
    ("clock_settime", libc::SYS_clock_settime),
    ("acct", libc::SYS_acct),
    ("quotactl", libc::SYS_quotactl),
    ("bpf", libc::SYS_bpf),
    #[cfg(target_arch = "x86_64")]
    ("iopl", libc::SYS_iopl),
    #[cfg(target_arch = "x86_64")]
    ("ioperm", libc::SYS_ioperm),
];

/// What a program may try and do without: the network, what outlives a process, modes and owners of files.
const REFUSED: &[i64] = &[
    libc::SYS_socket,
    libc::SYS_io_uring_setup,
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_setsid,
    libc::SYS_setpgid,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
];

/// What changes directories and files by their names, for kernels without Landlock.
const REFUSED_WITHOUT_LANDLOCK: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_creat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mkdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rmdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_link,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_symlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mknod,
    libc::SYS_unlinkat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_mkdirat,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_mknodat,
    libc::SYS_truncate,
];

/// Its numbers are the same everywhere; the C library's list may be older.
const FCHMODAT2: i64 = 452;
/// `SECCOMP_MODE_FILTER`.
const MODE_FILTER: libc::c_ulong = 2;
const ANY_WRITING: u32 = (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC).cast_unsigned();
/// `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_AARCH64`.
const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };
/// Calls of the x32 ABI on x86-64.
const X32: u32 = 0x4000_0000;

// Where the words of `struct seccomp_data` are; arguments are looked at in their lower halves.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

/// Sets the filter for this process for ever, with `on_denied` as the handler of what it denies.
pub(super) fn install(without_landlock: bool, on_denied: fn(i64) -> !) -> io::Result<()> {
    handle_denials(on_denied)?;
    let mut program = build(without_landlock);
    let program = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: a program with its length, which the kernel checks and copies.
    match unsafe { libc::prctl(libc::PR_SET_SECCOMP, MODE_FILTER, &raw const program) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The name of a system call that the filter denies, by its number.
pub fn name_of(number: i64) -> &'static str {
    let denied = DENIED.iter().find(|(_, denied)| *denied == number).map(|(name, _)| *name);
    denied.unwrap_or(match number {
        libc::SYS_clone => "clone (a new process)",
        libc::SYS_kill | libc::SYS_tkill | libc::SYS_tgkill => "kill (another process)",
        libc::SYS_rt_sigqueueinfo | libc::SYS_rt_tgsigqueueinfo => "sigqueue (another process)",
        _ => "another machine's system call",
    })
}

fn build(without_landlock: bool) -> Vec<libc::sock_filter> {
    let mut program = Program::default();
    program.load(ARCH).unless_equal(ARCHITECTURE, libc::SECCOMP_RET_KILL_PROCESS).load(NUMBER);
    if cfg!(target_arch = "x86_64") {
        program.from(X32, libc::SECCOMP_RET_KILL_PROCESS);
    }
    // Its flags are in memory, which a filter cannot read. The C library goes on with clone.
    program.on(libc::SYS_clone3, refuse(libc::ENOSYS));
    for (_, denied) in DENIED {
        program.on(*denied, libc::SECCOMP_RET_TRAP);
    }
    for refused in REFUSED {
        program.on(*refused, refuse(libc::EACCES));
    }
    if without_landlock {
        for refused in REFUSED_WITHOUT_LANDLOCK {
            program.on(*refused, refuse(libc::EACCES));
        }
        program.on(libc::SYS_openat2, refuse(libc::ENOSYS));
        #[cfg(target_arch = "x86_64")]
        program.on_any_bit(libc::SYS_open, argument(1), ANY_WRITING, refuse(libc::EACCES));
        program.on_any_bit(libc::SYS_openat, argument(2), ANY_WRITING, refuse(libc::EACCES));
    }
    let thread = libc::CLONE_THREAD.cast_unsigned();
    program.on_no_bit(libc::SYS_clone, argument(0), thread, libc::SECCOMP_RET_TRAP);
    let own = std::process::id();
    for signalling in [
        libc::SYS_kill,
        libc::SYS_tgkill,
        libc::SYS_tkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
    ] {
        program.on_other(signalling, argument(0), own, libc::SECCOMP_RET_TRAP);
    }
    program.end(libc::SECCOMP_RET_ALLOW)
}

const fn refuse(error: c_int) -> u32 {
    libc::SECCOMP_RET_ERRNO | error.cast_unsigned()
}

/// A program under construction. Between its parts the accumulator holds the call's number.
#[derive(Default)]
struct Program(Vec<libc::sock_filter>);

impl Program {
    fn load(&mut self, offset: u32) -> &mut Self {
        self.push(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset)
    }

    fn unless_equal(&mut self, value: u32, answer: u32) -> &mut Self {
        self.jump(libc::BPF_JEQ, value, 1, 0).answer(answer)
    }

    /// Numbers from `first` on.
    fn from(&mut self, first: u32, answer: u32) -> &mut Self {
        self.jump(libc::BPF_JGE, first, 0, 1).answer(answer)
    }

    fn on(&mut self, call: i64, answer: u32) -> &mut Self {
        self.jump(libc::BPF_JEQ, number(call), 0, 1).answer(answer)
    }

    /// That call, if its argument has one of the bits.
    fn on_any_bit(&mut self, call: i64, argument: u32, bits: u32, answer: u32) -> &mut Self {
        self.jump(libc::BPF_JEQ, number(call), 0, 4).load(argument);
        self.jump(libc::BPF_JSET, bits, 0, 1).answer(answer).answer(libc::SECCOMP_RET_ALLOW)
    }

    /// That call, if its argument has none of the bits.
    fn on_no_bit(&mut self, call: i64, argument: u32, bits: u32, answer: u32) -> &mut Self {
        self.jump(libc::BPF_JEQ, number(call), 0, 4).load(argument);
        self.jump(libc::BPF_JSET, bits, 1, 0).answer(answer).answer(libc::SECCOMP_RET_ALLOW)
    }

    /// That call, if its argument is not `value`.
    fn on_other(&mut self, call: i64, argument: u32, value: u32, answer: u32) -> &mut Self {
        self.jump(libc::BPF_JEQ, number(call), 0, 4).load(argument);
        self.jump(libc::BPF_JEQ, value, 1, 0).answer(answer).answer(libc::SECCOMP_RET_ALLOW)
    }

    fn end(&mut self, answer: u32) -> Vec<libc::sock_filter> {
        self.answer(answer);
        std::mem::take(&mut self.0)
    }

    fn answer(&mut self, answer: u32) -> &mut Self {
        self.push(libc::BPF_RET | libc::BPF_K, 0, 0, answer)
    }

    /// Skips so many instructions where the comparison holds, and so many where it does not.
    fn jump(&mut self, comparison: u32, value: u32, holds: u8, fails: u8) -> &mut Self {
        self.push(libc::BPF_JMP | comparison | libc::BPF_K, holds, fails, value)
    }

    fn push(&mut self, code: u32, jt: u8, jf: u8, k: u32) -> &mut Self {
        self.0.push(libc::sock_filter { code: u16::try_from(code).unwrap_or(0), jt, jf, k });
        self
    }
}

/// The numbers of system calls are small.
fn number(call: i64) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

fn handle_denials(on_denied: fn(i64) -> !) -> io::Result<()> {
    static HANDLER: OnceLock<fn(i64) -> !> = OnceLock::new();
    /// The beginning of `siginfo_t` for SIGSYS, on machines with pointers of 64 bits.
    #[repr(C)]
    struct DeniedCall {
        signal: [c_int; 4],
        address: *const c_void,
        number: c_int,
    }
    unsafe extern "C" fn handle(_: c_int, info: *const DeniedCall, _: *const c_void) {
        // SAFETY: the kernel gives a siginfo_t, since SA_SIGINFO was asked for.
        let number = unsafe { (*info).number };
        if let Some(on_denied) = HANDLER.get() {
            on_denied(i64::from(number));
        }
    }
    HANDLER.get_or_init(|| on_denied);
    // SAFETY: zeros are a valid value of this plain struct: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handle as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO;
    // SAFETY: a handler of the type that SA_SIGINFO asks for.
    match unsafe { libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
