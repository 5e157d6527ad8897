//! Addresses of an image that the C library holds: environment strings and stream buffers.
//!
//! Other threads may change both at any moment, so everything is read as foreign memory: what has gone meanwhile is
//! skipped.

use super::place;
use crate::loader::pin::{PinKind, PinReason};
use crate::sys::faults::fault;
use crate::sys::memory;
use std::ffi::CStr;
use std::ops::Range;

/// The most entries that are followed.
const MANY: usize = 1 << 16;

/// `putenv` keeps the text that it is given.
pub(super) fn environment(image: &Range<usize>) -> Option<PinReason> {
    fault!("audit.environment", none);
    let first = memory::word(global(c"environ")?)?;
    let entry = |index: usize| memory::word(first.checked_add(index * size_of::<usize>())?);
    let held = (0..MANY).map_while(entry).take_while(|text| *text != 0).find(|text| image.contains(text))?;
    Some(PinReason::new(
        PinKind::ExitHandler,
        format!("the environment holds a text at {}", place(image, held)),
    ))
}

/// `setvbuf` keeps the buffer that it is given, and the streams are flushed at exit.
pub(super) fn buffers(image: &Range<usize>) -> Option<PinReason> {
    fault!("audit.buffers", none);
    let mut stream = memory::word(global(c"_IO_list_all")?)?;
    for _ in 0..MANY {
        let fields = memory::words::<STREAM_WORDS>(stream);
        if image.contains(&stream) {
            return Some(PinReason::new(
                PinKind::ExitHandler,
                format!("a stream is at {}", place(image, stream)),
            ));
        }
        if let Some(held) =
            fields.iter().skip(BUFFERS.start).take(BUFFERS.len()).find(|at| image.contains(at))
        {
            let evidence = format!("a stream has its buffer at {}", place(image, *held));
            return Some(PinReason::new(PinKind::ExitHandler, evidence));
        }
        stream = *fields.get(NEXT)?;
    }
    None
}

/// Words of `struct _IO_FILE`, whose layout is part of glibc's ABI: flags, eleven pointers into buffers, a list of
/// markers, and the next stream.
const STREAM_WORDS: usize = 14;
const BUFFERS: Range<usize> = 1..12;
const NEXT: usize = 13;

/// The address of a variable of the C library.
fn global(name: &CStr) -> Option<usize> {
    // SAFETY: the name is NUL-terminated; only the address is taken.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!address.is_null()).then(|| address.addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_c_library_holds_is_found() {
        let environ = memory::word(global(c"environ").unwrap()).unwrap();
        let text = memory::word(environ).unwrap();
        assert!(environment(&(text..text + 1)).unwrap().evidence.contains("image+0x0"));
        let stream = memory::word(global(c"_IO_list_all").unwrap()).unwrap();
        assert!(buffers(&(stream..stream + 1)).is_some());
        assert_eq!(environment(&(8..16)), None);
        assert_eq!(buffers(&(8..16)), None);
    }
}
