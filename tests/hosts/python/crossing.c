/* crossing.c - what bench.py holds calls against: copies a request into an answer, as a plugin's answer is, without
 * sogov. */
#include "sogov.h"

#include <string.h>

static uint8_t place[4096];

__attribute__((visibility("default"))) int crossing(const uint8_t *request, size_t request_len, sogov_bytes *answer);

int crossing(const uint8_t *request, size_t request_len, sogov_bytes *answer)
{
    if (request_len > sizeof place)
        return 1;
    memcpy(place, request, request_len);
    *answer = (sogov_bytes){place, request_len, sizeof place};
    return 0;
}
