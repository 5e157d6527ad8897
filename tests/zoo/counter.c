/* State that an update moves: a counter. "add" adds 1 and answers the count; "get" answers it; "fail" fails; "echo x"
 * answers x; "wait <fd> <fd>" writes a byte to the second descriptor and waits for one on the first. Counts are
 * answered behind the version's label: "v1 17". "back " and 16 bytes, the address of an `int32_t (*)(void *)` and its
 * argument, calls that and returns what it returns.
 *
 * build.sh chooses the schema that it writes (SCHEMA), the highest one that it reads (READS; 0: none), and a fault:
 * EXPORT_FAILS, EXPORT_TRAPS, IMPORT_TRAPS, SELF_TEST_TRAPS (a fault of the plugin's code there), EXPORT_WAITS (for a byte on the descriptor that a request "arm <fd>" named), SELF_TEST_FAILS, ECHO_DIFFERS,
 * FAILS (every call but the self test), BREAKS (every call after a request "break"). */
#define _POSIX_C_SOURCE 200809L
#include "zoo.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef DECLARES
#define DECLARES 0
#endif

typedef struct counter {
    _Atomic uint64_t count;
    _Atomic int broken;
    _Atomic int armed;
    const char *version;
} counter;

/* Schema 1 is the count; later ones have eight more bytes for each number that they are higher. */
typedef struct exported {
    uint64_t count;
    uint64_t more[8];
} exported;

static size_t exported_len(uint32_t schema)
{
    return sizeof(uint64_t) * schema;
}

static int32_t start(const sogov_plugin_host *host, void **self)
{
    counter *made = calloc(1, sizeof *made);
    if (made == NULL)
        return SOGOV_PLUGIN_FAILED;
    made->version = host->version;
    *self = made;
    return SOGOV_PLUGIN_OK;
}

static int32_t stop(void *self)
{
    free(self);
    return SOGOV_PLUGIN_OK;
}

static int32_t say(const sogov_writer *answer, const void *bytes, size_t len)
{
    return answer->write(answer->context, bytes, len) == 0 ? SOGOV_PLUGIN_OK : SOGOV_PLUGIN_FAILED;
}

static int32_t say_count(const counter *counter, const sogov_writer *answer, uint64_t count)
{
    char text[100];
    int len = snprintf(text, sizeof text, "%s %llu", counter->version, (unsigned long long)count);
    return say(answer, text, (size_t)len);
}

static int32_t wait_for_a_byte(const char *descriptors)
{
    int from = -1, to = -1;
    char byte = 0;
    if (sscanf(descriptors, "%d %d", &from, &to) != 2 || write(to, &byte, 1) != 1)
        return SOGOV_PLUGIN_FAILED;
    return read(from, &byte, 1) == 1 ? SOGOV_PLUGIN_OK : SOGOV_PLUGIN_FAILED;
}

static int32_t call_back(const char *bytes)
{
    struct {
        int32_t (*function)(void *context);
        void *context;
    } callback;
    memcpy(&callback, bytes, sizeof callback);
    return callback.function(callback.context);
}

static int32_t invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    static const char echo[] = "echo ";
    counter *counter = self;
    char text[64] = {0};
    int armed = 0;

    if (request_len >= sizeof text)
        return SOGOV_PLUGIN_FAILED;
    memcpy(text, request, request_len);
#ifdef SELF_TEST_TRAPS
    if (strcmp(text, "ping") == 0)
        __builtin_trap();
#endif
    if (strcmp(text, "ping") == 0)
        return say(answer, "pong", 4);
#ifdef FAILS
    return SOGOV_PLUGIN_FAILED;
#endif
#ifdef BREAKS
    if (strcmp(text, "break") == 0)
        atomic_store(&counter->broken, 1);
    if (atomic_load(&counter->broken))
        return SOGOV_PLUGIN_FAILED;
#endif
    if (strcmp(text, "add") == 0)
        return say_count(counter, answer, atomic_fetch_add(&counter->count, 1) + 1);
    if (strcmp(text, "get") == 0)
        return say_count(counter, answer, atomic_load(&counter->count));
    if (sscanf(text, "arm %d", &armed) == 1) {
        atomic_store(&counter->armed, armed);
        return SOGOV_PLUGIN_OK;
    }
    if (strncmp(text, "back ", 5) == 0)
        return call_back(text + 5);
    if (strncmp(text, "wait ", 5) == 0)
        return wait_for_a_byte(text + 5);
    if (strncmp(text, echo, sizeof echo - 1) != 0)
        return SOGOV_PLUGIN_FAILED;
#ifdef ECHO_DIFFERS
    return say(answer, "different", 9);
#else
    return say(answer, text + sizeof echo - 1, strlen(text) - (sizeof echo - 1));
#endif
}

static int32_t state_export(void *self, const sogov_writer *state)
{
#if defined(EXPORT_FAILS)
    (void)self;
    (void)state;
    return 17;
#else
#ifdef EXPORT_TRAPS
    __builtin_trap();
#endif
    exported exported = {.count = atomic_load(&((counter *)self)->count)};
#ifdef EXPORT_WAITS
    char byte;
    if (read(atomic_load(&((counter *)self)->armed), &byte, 1) != 1)
        return SOGOV_PLUGIN_FAILED;
#endif
    return say(state, &exported, exported_len(SCHEMA));
#endif
}

static int32_t state_import(void *self, uint32_t schema, const void *state, size_t state_len)
{
    exported exported = {0};
#ifdef IMPORT_TRAPS
    __builtin_trap();
#endif
    if (schema < 1 || schema > READS || state_len != exported_len(schema))
        return SOGOV_PLUGIN_FAILED;
    memcpy(&exported, state, state_len);
    atomic_store(&((counter *)self)->count, exported.count);
    return SOGOV_PLUGIN_OK;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .flags = DECLARES,
    .name = "counter",
    .start = start,
    .stop = stop,
    .invoke = invoke,
    .state_schema = SCHEMA,
    .state_export = state_export,
    .state_import = state_import,
    .self_test_request = "ping",
    .self_test_request_len = 4,
#ifdef SELF_TEST_FAILS
    .self_test_answer = "something else",
    .self_test_answer_len = 14,
#else
    .self_test_answer = "pong",
    .self_test_answer_len = 4,
#endif
};
