//! This process's memory, read as a debugger would: an address that cannot be read is an answer, not a fault.

/// Reads words from `address` on, as many as there are up to `N`. Empty where nothing can be read, or where the kernel
/// forbids to look.
pub fn words<const N: usize>(address: usize) -> Vec<usize> {
    let mut words = [0_usize; N];
    let local = libc::iovec { iov_base: words.as_mut_ptr().cast(), iov_len: size_of_val(&words) };
    let remote = libc::iovec { iov_base: std::ptr::without_provenance_mut(address), iov_len: local.iov_len };
    // SAFETY: the kernel writes at most `local.iov_len` bytes into `words`, and checks the other side itself.
    let read =
        unsafe { libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0) };
    let count = usize::try_from(read).unwrap_or(0) / size_of::<usize>();
    words.into_iter().take(count).collect()
}

/// The word at `address`.
pub fn word(address: usize) -> Option<usize> {
    words::<1>(address).first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_where_there_are_some() {
        let place = [7_usize, 8, 9];
        assert_eq!(words::<3>(place.as_ptr().addr()), place);
        assert_eq!(word(place.as_ptr().addr()), Some(7));
        assert_eq!(word(8), None, "nothing is mapped at the first page");
    }
}
