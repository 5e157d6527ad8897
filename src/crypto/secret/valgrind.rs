//! Requests to valgrind's memcheck: a sequence of instructions that does nothing on a processor, and that valgrind knows
//! (`valgrind.h` and `memcheck.h`, "client requests").
#![allow(unsafe_code)]

use std::arch::asm;

/// "MC", which the requests of memcheck begin with.
const MEMCHECK: usize = 0x4d43_0000;

/// Takes the memory of `values` for undefined, its content unchanged.
pub(super) fn make_undefined<T>(values: &mut [T]) {
    request([MEMCHECK + 1, values.as_mut_ptr().addr(), size_of_val(values), 0, 0, 0]);
}

/// The same value, all of it defined.
pub(super) fn defined<T>(mut value: T) -> T {
    request([MEMCHECK + 2, (&raw mut value).expose_provenance(), size_of::<T>(), 0, 0, 0]);
    value
}

/// Whether the process runs under valgrind.
#[cfg(test)]
pub(super) fn is_running() -> bool {
    request([0x1001, 0, 0, 0, 0, 0]) != 0
}

/// The bits of `value` that are undefined, in bytes.
#[cfg(test)]
pub(super) fn undefined_bits<T>(value: &T) -> Vec<u8> {
    let mut bits = vec![0; size_of::<T>()];
    let arguments = [std::ptr::from_ref(value).expose_provenance(), bits.as_mut_ptr().expose_provenance()];
    assert_eq!(request([MEMCHECK + 8, arguments[0], arguments[1], bits.len(), 0, 0]), 1);
    bits
}

/// Hands a request and its arguments to valgrind; 0 where there is none.
fn request(request: [usize; 6]) -> usize {
    let mut answer = 0;
    // SAFETY: four rotations that add up to 128 bits and an exchange of a register with itself change nothing but the
    // flags. Under valgrind memory is at most written where an argument, made from a reference, says.
    unsafe {
        asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") request.as_ptr(),
            inout("rdx") answer,
            options(nostack),
        );
    }
    answer
}
