/* An on_exit handler, which dlclose does not run: PINNED(exit-handler); unmapping crashes at the host's exit. */
#define _DEFAULT_SOURCE
#include "zoo.h"

#include <stdlib.h>

static volatile int ran;

static void handle_exit(int status, void *unused)
{
    (void)status;
    (void)unused;
    ran = 1;
}

EXPORT int answer(void)
{
    return ANSWER;
}

EXPORT int touch(int *unused)
{
    (void)unused;
    return on_exit(handle_exit, NULL);
}
