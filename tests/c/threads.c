/* threads.c - many threads: calls and leases while versions change, changes from several sides, the log from
 * everywhere, handles freed while they are in use. */
#define _POSIX_C_SOURCE 200809L
#include "abi_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

enum { THREADS = 8 };

static void storm(fixture *fixture);
static void change_from_all_sides(fixture *fixture);
static void close_under_load(fixture *fixture);

void test_threads(fixture *fixture)
{
    storm(fixture);
    change_from_all_sides(fixture);
    close_under_load(fixture);
}

typedef struct shared {
    fixture *fixture;
    sogov_engine *engine;
    sogov_service *service;
    atomic_int stop;
    atomic_ullong calls;
} shared;

static void run_threads(void *(*body)(void *), void *context, void (*meanwhile)(shared *), shared *shared)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, body, context) == 0);
    if (meanwhile != NULL)
        meanwhile(shared);
    for (size_t i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

/* One call through sogov_call: right is the answer of the version that the call names. */
static int call_once(shared *shared, sogov_bytes *answer)
{
    char expected[64];
    sogov_call_info info = SOGOV_CALL_INFO_INIT;
    sogov_status status =
        sogov_call(shared->service, NULL, (const uint8_t *)"amount=1 currency=CNY", 21, answer, &info, NULL);
    int len = snprintf(expected, sizeof expected, "fee=%s currency=CNY tariff=%s",
                       strcmp(info.version, "v1") == 0 ? "0.10" : "0.20", info.version);
    return status == SOGOV_STATUS_OK && answer->len == (size_t)len && memcmp(answer->data, expected, (size_t)len) == 0;
}

/* One lease and what can be done under it. */
static int lease_once(shared *shared)
{
    sogov_lease lease = 0;
    const struct sogov_plugin *plugin = NULL;
    void *self = NULL;
    return sogov_route(shared->service, NULL, &lease, NULL) == SOGOV_STATUS_OK &&
           sogov_lease_plugin(lease, &plugin, &self, NULL) == SOGOV_STATUS_OK &&
           plugin->health(self) == SOGOV_PLUGIN_OK &&
           sogov_lease_release(lease, SOGOV_OUTCOME_SUCCESS, NULL) == SOGOV_STATUS_OK &&
           sogov_lease_release(lease, SOGOV_OUTCOME_SUCCESS, NULL) == SOGOV_STATUS_LEASE_GONE;
}

static void *call_and_lease(void *context)
{
    shared *shared = context;
    sogov_bytes answer = SOGOV_BYTES_INIT;
    while (!atomic_load(&shared->stop)) {
        CHECK(call_once(shared, &answer));
        CHECK(lease_once(shared));
        atomic_fetch_add(&shared->calls, 2);
    }
    CHECK(sogov_bytes_free(&answer) == SOGOV_STATUS_OK);
    return NULL;
}

/* Every eighth time: lets some call end, so that changes do not rush by between two calls. */
static void await_a_call(shared *shared, unsigned cycle)
{
    unsigned long long seen = atomic_load(&shared->calls);
    if (cycle % 8 != 0)
        return;
    while (atomic_load(&shared->calls) == seen)
        sched_yield();
}

static void promote_and_roll_back(shared *shared)
{
    for (unsigned cycle = 0; cycle < shared->fixture->cycles; cycle++) {
        CHECK(sogov_promote(shared->engine, SOGOV_TEXT("storm"), SOGOV_TEXT("v2"), NULL, NULL, NULL) ==
              SOGOV_STATUS_OK);
        await_a_call(shared, cycle);
        CHECK(sogov_rollback(shared->engine, SOGOV_TEXT("storm"), NULL, NULL, NULL) == SOGOV_STATUS_OK);
        await_a_call(shared, cycle);
    }
    atomic_store(&shared->stop, 1);
}

/* Not one call fails, and every one is counted for one of the versions. */
static void storm(fixture *fixture)
{
    shared shared = {.fixture = fixture, .engine = new_engine(fixture, NULL, NULL)};
    load_plugin(fixture, shared.engine, fee_plugin(fixture, "v1"), "storm", "v1");
    load_plugin(fixture, shared.engine, fee_plugin(fixture, "v2"), "storm", "v2");
    promote(shared.engine, "storm", "v1");
    shared.service = open_service(shared.engine, "storm");
    run_threads(call_and_lease, &shared, promote_and_roll_back, &shared);

    sogov_version_info v1 = info_of(shared.engine, "storm", "v1");
    sogov_version_info v2 = info_of(shared.engine, "storm", "v2");
    CHECK(v1.calls + v2.calls == atomic_load(&shared.calls));
    CHECK(v1.failures + v2.failures == 0 && v1.in_flight + v2.in_flight == 0);
    printf("storm: %llu calls and leases over %u cycles\n", atomic_load(&shared.calls), fixture->cycles);
    sogov_service_free(shared.service);
    sogov_engine_free(shared.engine);
}

typedef struct log_lines {
    atomic_uint lines;
    atomic_uint malformed;
    /* Set once the engine is there: the callback uses it, as it may. */
    _Atomic(sogov_engine *) engine;
} log_lines;

static void count_line(void *context, sogov_log_level level, const char *message, size_t message_len)
{
    log_lines *lines = context;
    atomic_fetch_add(&lines->lines, 1);
    if (level < SOGOV_LOG_LEVEL_ERROR || level > SOGOV_LOG_LEVEL_INFO || message_len == 0 ||
        memchr(message, '\n', message_len) != NULL || memchr(message, '\0', message_len) != NULL)
        atomic_fetch_add(&lines->malformed, 1);
    sogov_engine *engine = atomic_load(&lines->engine);
    size_t count = 0;
    if (engine != NULL)
        sogov_version_list(engine, NULL, 0, NULL, 0, &count, NULL);
}

/* Loads, promotes, calls, rolls back and unloads beside the others, who do the same to the same service. */
static void *change_versions(void *context)
{
    static atomic_uint next;
    shared *shared = context;
    sogov_bytes answer = SOGOV_BYTES_INIT;
    char label[16], path[4096];
    int len = snprintf(label, sizeof label, "v%u", atomic_fetch_add(&next, 1));
    snprintf(path, sizeof path, "%s/sides-%s.so", shared->fixture->directory, label);
    for (unsigned round = 0; round < 5; round++) {
        sogov_change_options change = {.size = sizeof change, .actor = "a\nb", .actor_len = 3};
        sogov_error *error = NULL;
        sogov_status loaded = sogov_load_versioned(shared->engine, SOGOV_TEXT("sides"), label, (size_t)len, path,
                                                   strlen(path), &change, NULL, &error);
        if (loaded != SOGOV_STATUS_OK && loaded != SOGOV_STATUS_BUSY)
            fprintf(stderr, "%s: %s\n", label, sogov_error_message(error));
        CHECK(loaded == SOGOV_STATUS_OK || loaded == SOGOV_STATUS_BUSY);
        sogov_error_free(error);
        /* Somebody else's change may have unloaded it in between. */
        sogov_promote(shared->engine, SOGOV_TEXT("sides"), label, (size_t)len, &change, NULL, NULL);
        sogov_call_info info = SOGOV_CALL_INFO_INIT;
        CHECK(sogov_call(shared->service, NULL, (const uint8_t *)"amount=1 currency=CNY", 21, &answer, &info, NULL) ==
              SOGOV_STATUS_OK);
        sogov_rollback(shared->engine, SOGOV_TEXT("sides"), &change, NULL, NULL);
        sogov_unload(shared->engine, SOGOV_TEXT("sides"), label, (size_t)len, &change, NULL);
    }
    CHECK(sogov_bytes_free(&answer) == SOGOV_STATUS_OK);
    return NULL;
}

static void change_from_all_sides(fixture *fixture)
{
    log_lines lines = {.engine = NULL};
    shared shared = {.fixture = fixture, .engine = new_engine(fixture, count_line, &lines)};
    atomic_store(&lines.engine, shared.engine);
    for (unsigned i = 0; i < THREADS; i++) {
        char label[16];
        snprintf(label, sizeof label, "v%u", i);
        signed_plugin(fixture, fee_plugin(fixture, "v1"), "sides", label);
    }
    load_plugin(fixture, shared.engine, fee_plugin(fixture, "v2"), "sides", "base");
    promote(shared.engine, "sides", "base");
    shared.service = open_service(shared.engine, "sides");
    run_threads(change_versions, &shared, NULL, &shared);
    CHECK(atomic_load(&lines.lines) >= THREADS * 5 && atomic_load(&lines.malformed) == 0);
    sogov_service_free(shared.service);
    sogov_engine_free(shared.engine);
}

/* Each thread has its own handles on the one service; they are used until the engine ends. */
static void *call_until_closed(void *context)
{
    shared *shared = context;
    sogov_service *service = NULL;
    sogov_bytes answer = SOGOV_BYTES_INIT;
    sogov_status status = sogov_service_open(shared->engine, SOGOV_TEXT("closing"), &service, NULL);
    CHECK(status == SOGOV_STATUS_OK || status == SOGOV_STATUS_CLOSED);
    atomic_fetch_add(&shared->calls, 1);
    while (status == SOGOV_STATUS_OK)
        status = sogov_call(service, NULL, (const uint8_t *)"amount=1 currency=CNY", 21, &answer, NULL, NULL);
    CHECK(status == SOGOV_STATUS_CLOSED);
    CHECK(sogov_bytes_free(&answer) == SOGOV_STATUS_OK);
    sogov_service_free(service);
    return NULL;
}

static void close_when_all_call(shared *shared)
{
    while (atomic_load(&shared->calls) < THREADS)
        sogov_version_list(shared->engine, NULL, 0, NULL, 0, &(size_t){0}, NULL);
    sogov_engine_free(shared->engine);
}

static void close_under_load(fixture *fixture)
{
    shared shared = {.fixture = fixture, .engine = new_engine(fixture, NULL, NULL)};
    load_plugin(fixture, shared.engine, fee_plugin(fixture, "v1"), "closing", "v1");
    promote(shared.engine, "closing", "v1");
    run_threads(call_until_closed, &shared, close_when_all_call, &shared);
    REFUSED(SOGOV_STATUS_CLOSED, "engine", sogov_version_list(shared.engine, NULL, 0, NULL, 0, &(size_t){0}, E));
}
