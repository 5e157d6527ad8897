/* An atexit handler: it runs once when the version is unmapped, and not again at the host's exit. */
#include "zoo.h"

#include <stdio.h>
#include <stdlib.h>

/* One line per run, so that a second run shows. */
static void leave_a_line(void)
{
    const char *path = getenv("ZOO_ATEXIT_FILE");
    FILE *file = path == NULL ? NULL : fopen(path, "a");
    if (file == NULL)
        return;
    fputs("ran\n", file);
    fclose(file);
}

__attribute__((constructor)) static void arm(void)
{
    atexit(leave_a_line);
}

EXPORT int answer(void)
{
    return ANSWER;
}
