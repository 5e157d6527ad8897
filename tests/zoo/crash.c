/* invoke makes the fault that the request names: with containment a fault of this code ends the call alone, and one that
 * is made in the C library ends the process. "fine" is answered with "fine". */
#define _POSIX_C_SOURCE 200809L
#include "zoo.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Where the faults go. The compiler must believe that they are valid. */
static int *volatile nowhere;
static void (*volatile no_function)(void);
static volatile int zero;
static volatile int deeper = 1;

static void write_null(void)
{
    *nowhere = 1;
}

static void read_far(void)
{
    zero = *(int *)(0x10000000000 + (char *)nowhere);
}

static void call_null(void)
{
    no_function();
    zero = 0;
}

/* A call of data, as through a function pointer that was overwritten. */
static void call_data(void)
{
    static int data[16];
    void *address = data;
    memcpy((void *)&no_function, &address, sizeof address);
    no_function();
    zero = 0;
}

static void divide(void)
{
    zero = 7 / zero;
}

static void illegal(void)
{
    __builtin_trap();
}

static int recurse(int depth)
{
    volatile char room[4096];
    room[0] = (char)depth;
    return deeper ? recurse(depth + 1) + room[0] : depth;
}

static void overflow(void)
{
    zero = recurse(0);
}

/* A page of a file that was truncated after it was mapped. */
static void truncated(void)
{
    char name[] = "/tmp/zoo-crash-XXXXXX";
    int fd = mkstemp(name);
    char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    unlink(name);
    zero = *(volatile char *)page;
}

/* The fault is made by libc's code. */
static void copy_nowhere(void)
{
    memcpy(nowhere, "libc", 4 + (size_t)zero);
}

static void send_signal(void)
{
    raise(SIGSEGV);
}

/* Over this frame and those above it, up to the caller's, and then a fault. */
static void smash(void)
{
    volatile char *frame = __builtin_frame_address(0);
    for (int i = 0; i < 2048; ++i)
        frame[i] = 0;
    *nowhere = 1;
}

/* Leaves the processor in a state that no ABI allows between functions. */
static void untidy(void)
{
    static const unsigned mxcsr = 0xffc0;
    static const unsigned short x87 = 0x0f40;
    __asm__ volatile("ldmxcsr %0; fldcw %1; fldz; fldz; std" : : "m"(mxcsr), "m"(x87));
    *nowhere = 1;
}

static const struct {
    const char *name;
    void (*make)(void);
} faults[] = {
    {"write_null", write_null},
    {"read_far", read_far},
    {"call_null", call_null},
    {"call_data", call_data},
    {"divide", divide},
    {"illegal", illegal},
    {"overflow", overflow},
    {"truncated", truncated},
    {"copy_nowhere", copy_nowhere},
    {"abort", abort},
    {"send_signal", send_signal},
    {"smash", smash},
    {"untidy", untidy},
};

static int32_t invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    (void)self;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; ++i)
        if (strlen(faults[i].name) == request_len && memcmp(faults[i].name, request, request_len) == 0)
            faults[i].make();
    return answer->write(answer->context, "fine", 4) == 0 ? SOGOV_PLUGIN_OK : SOGOV_PLUGIN_FAILED;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "crash",
    .invoke = invoke,
};
