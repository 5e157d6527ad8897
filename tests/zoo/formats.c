/* Uses the C library's tables of character classes, which each thread has for itself: "Ab1 2.25" is answered with
 * "2 letters, 2.25". In a namespace of its own it needs threads that were prepared for it, so as level 0 it is refused
 * there. The request "crash" faults. */
#include "zoo.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#ifdef LEVEL_0

static volatile int character = 'a';

EXPORT int answer(void)
{
    return isalpha(character) != 0 ? 42 : 0;
}

#else

static int *volatile nowhere;

static int32_t invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    char text[64] = "";
    char reply[64];
    double number = 0;
    int letters = 0;
    (void)self;
    memcpy(text, request, request_len < sizeof text ? request_len : sizeof text - 1);
    if (strcmp(text, "crash") == 0)
        *nowhere = 1;
    for (const char *c = text; *c != '\0'; c++)
        letters += isalpha((unsigned char)*c) != 0;
    if (sscanf(text, "%*s %lf", &number) != 1)
        return SOGOV_PLUGIN_FAILED;
    int len = snprintf(reply, sizeof reply, "%d letters, %.2f", letters, number);
    return answer->write(answer->context, reply, (size_t)len) == 0 ? SOGOV_PLUGIN_OK : SOGOV_PLUGIN_FAILED;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "formats",
    .invoke = invoke,
};

#endif
