/* invoke blocks until told to go on: only its own version waits for it, and rollback and other versions do not.
 * The request is "<fd to read>" or "<fd to read> <fd to write>" in decimal. On entry one byte goes to the second
 * descriptor, so that a test knows that the call is in flight; then the call waits for one byte on the first. */
#define _POSIX_C_SOURCE 200809L
#include "zoo.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

/* Reads a decimal number at *at and moves past it; -1 when there is none. */
static int take_number(const char **at, const char *end)
{
    int number = -1;
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
        int digit = **at - '0';
        if (number > (INT_MAX - digit) / 10)
            return -1;
        number = (number < 0 ? 0 : number * 10) + digit;
    }
    return number;
}

static int32_t invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    const char *at = request;
    const char *end = at + request_len;
    int go_on = take_number(&at, end);
    char byte = '.';
    ssize_t got;

    (void)self;
    if (go_on < 0)
        return SOGOV_PLUGIN_FAILED;
    if (at < end && *at++ == ' ' && write(take_number(&at, end), &byte, 1) != 1)
        return SOGOV_PLUGIN_FAILED;
    do
        got = read(go_on, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got != 1)
        return SOGOV_PLUGIN_FAILED;
    return answer->write(answer->context, "done", 4) == 0 ? SOGOV_PLUGIN_OK : SOGOV_PLUGIN_FAILED;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "slow",
    .invoke = invoke,
};
