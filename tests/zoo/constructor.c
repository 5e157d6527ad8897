/* A constructor that faults, exits, stops or never returns: preflight refuses in time, the host is untouched. */
#define _POSIX_C_SOURCE 200809L
#include "zoo.h"

#include <signal.h>
#include <unistd.h>

__attribute__((constructor)) static void construct(void)
{
#if defined(FAULTS)
    raise(SIGSEGV);
#elif defined(EXITS)
    _exit(0);
#elif defined(STOPS)
    raise(SIGSTOP);
#elif defined(HANGS)
    for (;;)
        pause();
#else
#error "build.sh chooses what the constructor does"
#endif
}

EXPORT int answer(void)
{
    return ANSWER;
}
