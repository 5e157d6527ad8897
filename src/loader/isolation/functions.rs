//! The functions of the C library that work in a second copy of it, on threads that the first one has made.
//!
//! A function belongs here that keeps nothing between calls but the allocator's memory, and looks at nothing of its thread
//! but `errno`. What is left out is not known to be sound, or known not to be: streams (nobody flushes them at the end),
//! `setlocale`, `srand`, `strtok` and the environment (the next version in the namespace would find it), `exit`,
//! `dlopen`, processes, threads, keys, signals, name services.
#![forbid(unsafe_code)]

/// Sound on any thread.
pub(super) fn is_sound(name: &str) -> bool {
    SOUND.iter().any(|line| line.split(' ').any(|known| known == name))
}

/// Sound on threads for which [`Namespace::enter`](crate::loader::namespace::Namespace::enter) was called: they read the
/// thread's tables of character classes, some of them for certain formats only.
pub(super) fn is_sound_where_prepared(name: &str) -> bool {
    OF_THE_LOCALE.iter().any(|line| line.split(' ').any(|known| known == name))
}

const SOUND: &[&str] = &[
    // Memory and texts.
    "memcpy memmove mempcpy memccpy memset memcmp memchr memrchr rawmemchr memmem bcmp bcopy bzero explicit_bzero",
    "strlen strnlen strcpy strncpy stpcpy stpncpy strcat strncat strcmp strncmp strchr strchrnul strrchr strstr",
    "strspn strcspn strpbrk strtok_r __strtok_r strsep __strsep strdup __strdup strndup __strndup",
    "strcasecmp strncasecmp strcasestr strerror_r __xpg_strerror_r ffs ffsl ffsll",
    "__memcpy_chk __memmove_chk __mempcpy_chk __memset_chk __explicit_bzero_chk __strcpy_chk __strncpy_chk",
    "__stpcpy_chk __stpncpy_chk __strcat_chk __strncat_chk",
    // The allocator.
    "malloc calloc realloc reallocarray free aligned_alloc posix_memalign memalign malloc_usable_size",
    // Numbers, sorting, randomness.
    "atoi atol atoll atof strtol strtoll strtoul strtoull strtoimax strtoumax strtod strtof strtold",
    "__isoc23_strtol __isoc23_strtoll __isoc23_strtoul __isoc23_strtoull __isoc23_strtoimax __isoc23_strtoumax",
    "abs labs llabs div ldiv lldiv qsort qsort_r bsearch rand_r getrandom getentropy",
    // Mathematics of which the C library has a copy.
    "copysign copysignf copysignl finite finitef finitel frexp frexpf frexpl isinf isinff isinfl isnan isnanf isnanl",
    "__isinf __isinff __isinfl __isnan __isnanf __isnanl __finite __finitef __finitel __signbit __signbitf __signbitl",
    "ldexp ldexpf ldexpl scalbn scalbnf scalbnl modf modff modfl",
    // Time.
    "time clock_gettime clock_getres gettimeofday clock nanosleep clock_nanosleep sched_yield difftime gmtime_r timegm",
    // Locks, which the kernel and the thread's record keep.
    "pthread_mutex_init pthread_mutex_destroy pthread_mutex_lock pthread_mutex_trylock pthread_mutex_unlock",
    "pthread_mutex_timedlock pthread_mutexattr_init pthread_mutexattr_destroy pthread_mutexattr_settype",
    "pthread_cond_init pthread_cond_destroy pthread_cond_wait pthread_cond_timedwait pthread_cond_signal",
    "pthread_cond_broadcast pthread_condattr_init pthread_condattr_destroy pthread_condattr_setclock",
    "pthread_rwlock_init pthread_rwlock_destroy pthread_rwlock_rdlock pthread_rwlock_tryrdlock",
    "pthread_rwlock_wrlock pthread_rwlock_trywrlock pthread_rwlock_unlock pthread_once",
    "pthread_spin_init pthread_spin_destroy pthread_spin_lock pthread_spin_trylock pthread_spin_unlock",
    "pthread_self pthread_equal sem_init sem_destroy sem_wait sem_trywait sem_timedwait sem_post sem_getvalue",
    // The kernel.
    "read write pread pread64 pwrite pwrite64 open open64 openat openat64 close lseek lseek64 fstat fstat64 stat stat64",
    "__open_2 __open64_2 __read_chk __pread_chk __pread64_chk mmap mmap64 munmap mprotect madvise poll __poll_chk",
    "getpid gettid getpagesize sysconf getauxval",
    // What compilers put in.
    "__errno_location __cxa_finalize __cxa_atexit atexit __tls_get_addr __stack_chk_fail __chk_fail __assert_fail abort",
    "setjmp _setjmp __sigsetjmp longjmp _longjmp __longjmp_chk",
];

const OF_THE_LOCALE: &[&str] = &[
    "__ctype_b_loc __ctype_tolower_loc __ctype_toupper_loc tolower toupper",
    "isalnum isalpha isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper isxdigit",
    "sprintf snprintf vsprintf vsnprintf asprintf vasprintf __sprintf_chk __snprintf_chk __vsprintf_chk",
    "__vsnprintf_chk __asprintf_chk __vasprintf_chk strftime",
    "sscanf vsscanf __isoc99_sscanf __isoc99_vsscanf __isoc23_sscanf __isoc23_vsscanf",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_to_fail_is_not_sound() {
        for name in [
            "pthread_create",
            "pthread_setspecific",
            "printf",
            "stdout",
            "exit",
            "fork",
            "setlocale",
            "dlopen",
            "",
        ] {
            assert!(!is_sound(name) && !is_sound_where_prepared(name), "{name}");
        }
        assert!(is_sound("malloc") && is_sound("__tls_get_addr"));
        assert!(is_sound_where_prepared("snprintf") && !is_sound("snprintf"));
    }

    #[test]
    fn each_name_stands_once() {
        let names: Vec<_> = SOUND.iter().chain(OF_THE_LOCALE).flat_map(|line| line.split(' ')).collect();
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
    }
}
