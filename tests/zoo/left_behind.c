/* Gives the C library an address of the image and never takes it back; what, the options of build.sh say.
 * Without PROMISES_CLEAN the imports pin it. With it, the plugin declares that stop leaves nothing behind, which is not
 * so: what can be seen pins it, and no crash follows. */
#define _GNU_SOURCE
#include "zoo.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static char room[1 << 16];

#ifdef LEAVES_THREAD
static void *wait_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        pause();
    return NULL;
}
#endif

#ifdef LEAVES_SIGNAL
static void handle(int number)
{
    room[0] = (char)number;
}
#endif

static int32_t start(const sogov_plugin_host *host, void **self)
{
    int refused = 0;
    (void)host;
    *self = room;
#ifdef LEAVES_THREAD
    pthread_t thread;
    refused = pthread_create(&thread, NULL, wait_for_ever, NULL);
#endif
#ifdef LEAVES_SIGNAL
    refused = signal(SIGUSR2, handle) == SIG_ERR;
#endif
#ifdef LEAVES_PUTENV
    static char text[] = "ZOO_LEFT=behind";
    refused = putenv(text);
#endif
#ifdef LEAVES_SETVBUF
    refused = setvbuf(stdout, room, _IOFBF, sizeof room);
#endif
#ifdef LEAVES_SIGALTSTACK
    stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
    refused = sigaltstack(&stack, NULL);
#endif
#ifdef LEAVES_TIMER
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_NONE, .sigev_value = {.sival_ptr = room}};
    refused = timer_create(CLOCK_MONOTONIC, &event, &timer);
#endif
    return refused == 0 ? SOGOV_PLUGIN_OK : SOGOV_PLUGIN_FAILED;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
#ifdef PROMISES_CLEAN
    .flags = SOGOV_PLUGIN_STOPS_CLEAN,
#endif
    .name = "left_behind",
    .start = start,
};
