/* Initial-exec TLS, from the small reserve of the process: a clean error when it does not fit; else PINNED(tls). */
#include "zoo.h"

#ifndef BYTES
#define BYTES 200
#endif

static _Thread_local volatile char reserve[BYTES] __attribute__((tls_model("initial-exec")));

EXPORT int answer(void)
{
    return ANSWER + reserve[0];
}
