/* An IFUNC, whose resolver runs in the middle of dlopen: refused before the resolver runs (it may end the process). */
#include "zoo.h"

#include <sys/syscall.h>

static int answer_by_choice(void)
{
    return ANSWER;
}

/* Relocations are not done when this runs: no call may leave this file. */
static int (*resolve(void))(void)
{
#ifdef RESOLVER_EXITS
    __asm__ volatile("syscall" : : "a"(SYS_exit_group), "D"(97) : "rcx", "r11", "memory");
#endif
    return answer_by_choice;
}

EXPORT int answer(void) __attribute__((ifunc("resolve")));
