//! Relocation types of the machine this crate is compiled for: those that glibc's `elf_machine_rela`
//! handles and that can hold in a shared object. Four-byte ones cannot: the distance to another image
//! may exceed them, and glibc then prints a warning and goes on with a wrong address.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

/// What a relocation does to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Nothing,
    /// Stores the load address plus the addend.
    Relative,
    /// Stores what the resolver at the addend answers.
    Indirect,
    /// Stores a symbol's address plus the addend.
    Absolute,
    /// Stores a symbol's address in the GOT.
    Slot,
    /// Stores a symbol's size.
    #[cfg(target_arch = "x86_64")]
    Size,
    /// Stores a module number or an offset in a thread's block.
    Tls,
    /// Stores an offset from the thread pointer, which takes space of the static block.
    StaticTls,
    /// Stores a function and its argument.
    TlsDescriptor,
    /// COPY, which belongs to executables, four-byte types, and all that glibc does not know.
    Refused,
}

impl Effect {
    /// How many bytes are written; `None` if the type is refused.
    pub(super) fn size(self) -> Option<u64> {
        match self {
            Self::Refused => None,
            Self::Nothing => Some(0),
            Self::TlsDescriptor => Some(16),
            _ => Some(8),
        }
    }
}

/// The effect of relocation type `kind` (System V ABI for AMD64, table "Relocation Types").
#[cfg(target_arch = "x86_64")]
pub(super) fn effect(kind: u32) -> Effect {
    match kind {
        0 => Effect::Nothing,
        1 => Effect::Absolute,
        6 | 7 => Effect::Slot,
        8 => Effect::Relative,
        33 => Effect::Size,
        16 | 17 => Effect::Tls,
        18 => Effect::StaticTls,
        36 => Effect::TlsDescriptor,
        37 => Effect::Indirect,
        _ => Effect::Refused,
    }
}

/// The effect of relocation type `kind` (ELF for the Arm 64-bit Architecture, "Dynamic relocations").
#[cfg(target_arch = "aarch64")]
pub(super) fn effect(kind: u32) -> Effect {
    match kind {
        0 | 256 => Effect::Nothing,
        257 => Effect::Absolute,
        1025 | 1026 => Effect::Slot,
        1027 => Effect::Relative,
        1028 | 1029 => Effect::Tls,
        1030 => Effect::StaticTls,
        1031 => Effect::TlsDescriptor,
        1032 => Effect::Indirect,
        _ => Effect::Refused,
    }
}

/// No file gets as far as this: its header is of another machine.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn effect(_kind: u32) -> Effect {
    Effect::Refused
}
