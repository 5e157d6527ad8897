/*
 * host.c - the C side of the runtime bench: what a host that knows sogov.h alone does in its loops, and what it
 * would do without sogov.
 *
 * A loop does its work n times and returns the nanoseconds that took; it may run on several threads at once. What
 * cannot go wrong ends the program with a message if it does.
 */
#define _GNU_SOURCE /* PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP */
#include "sogov.h"
#include "sogov_plugin.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REQUEST_LEN 64

/* The second one tries each version in a child process before it loads it; the first one does not. */
static sogov_engine *engine, *careful;
/* One version; two versions, user weights and three header rules; two versions that are switched under load;
 * a second version that comes and goes. */
static sogov_service *single, *ruled, *switched, *cycled;

static const uint8_t request_bytes[REQUEST_LEN] = "amount=1234.56 currency=CNY channel=mobile";

static void check(sogov_status status, sogov_error *error);
static uint64_t now(void);

/* ---- set-up ---- */

/* `root_key_id` is 32 bytes. */
void host_open(const char *trust_directory, const uint8_t *root_key_id)
{
    sogov_engine_options options = {
        .size = sizeof options,
        .trust_directory = trust_directory,
        .trust_directory_len = strlen(trust_directory),
        .root_key_ids = root_key_id,
        .root_key_count = 1,
    };
    sogov_error *error = NULL;
    check(sogov_engine_open(&options, &careful, &error), error);
    options.preflight = SOGOV_PREFLIGHT_OFF;
    check(sogov_engine_open(&options, &engine, &error), error);
    check(sogov_service_open(engine, SOGOV_TEXT("single"), &single, &error), error);
    check(sogov_service_open(engine, SOGOV_TEXT("ruled"), &ruled, &error), error);
    check(sogov_service_open(engine, SOGOV_TEXT("switched"), &switched, &error), error);
    check(sogov_service_open(engine, SOGOV_TEXT("cycled"), &cycled, &error), error);
}

static void load(const sogov_engine *into, const char *service, const char *version, const char *path)
{
    sogov_error *error = NULL;
    check(sogov_load_versioned(into, service, strlen(service), version, strlen(version), path, strlen(path), NULL,
                               NULL, &error),
          error);
}

void host_load(const char *service, const char *version, const char *path)
{
    load(engine, service, version, path);
}

void host_promote(const char *service, const char *version)
{
    sogov_error *error = NULL;
    check(sogov_promote(engine, service, strlen(service), version, strlen(version), NULL, NULL, &error), error);
}

void host_apply(const char *service, const char *policy)
{
    sogov_error *error = NULL;
    check(sogov_route_policy_apply(engine, service, strlen(service), (const uint8_t *)policy, strlen(policy), NULL,
                                   &error),
          error);
}

/* ---- a lease, and what stands for it without sogov ---- */

static uint64_t route_and_release(const sogov_service *service, const sogov_request *request, uint64_t n)
{
    uint64_t begin = now();
    for (uint64_t i = 0; i < n; i++) {
        sogov_lease lease;
        check(sogov_route(service, request, &lease, NULL), NULL);
        check(sogov_lease_release(lease, SOGOV_OUTCOME_SUCCESS, NULL), NULL);
    }
    return now() - begin;
}

uint64_t host_route_release(uint64_t n)
{
    return route_and_release(single, NULL, n);
}

/* The user key has 20 bytes, and all three rules are looked at in vain: the bucket decides. */
uint64_t host_route_release_rules(uint64_t n)
{
#define HEADER(name, value) {name, sizeof(name) - 1, (const uint8_t *)(value), sizeof(value) - 1}
    const sogov_header headers[] = {
        HEADER("x-env", "production"),
        HEADER("x-channel", "mobile"),
        HEADER("x-region", "cn-east-2"),
    };
    const sogov_request request = {
        .size = sizeof request,
        .user_key = (const uint8_t *)"6222020200112233445x",
        .user_key_len = 20,
        .headers = headers,
        .header_count = 3,
    };
    return route_and_release(ruled, &request, n);
}

static void nothing(void)
{
}

uint64_t host_bare_call(uint64_t n)
{
    void (*volatile function)(void) = nothing;
    uint64_t begin = now();
    for (uint64_t i = 0; i < n; i++)
        function();
    return now() - begin;
}

static pthread_rwlock_t lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
/* What the lock guards: the version in force. */
static struct bare {
    const sogov_plugin *plugin;
    void *self;
} versions[2], *in_force = &versions[0];

uint64_t host_rwlock(uint64_t n)
{
    struct bare *volatile read;
    uint64_t begin = now();
    for (uint64_t i = 0; i < n; i++) {
        pthread_rwlock_rdlock(&lock);
        read = in_force;
        pthread_rwlock_unlock(&lock);
    }
    (void)read;
    return now() - begin;
}

/* ---- a whole call, and the same function through a bare pointer ---- */

uint64_t host_call(uint64_t n)
{
    sogov_bytes answer = SOGOV_BYTES_INIT;
    uint64_t begin = now();
    for (uint64_t i = 0; i < n; i++)
        check(sogov_call(single, NULL, request_bytes, REQUEST_LEN, &answer, NULL, NULL), NULL);
    uint64_t end = now();
    sogov_bytes_free(&answer);
    return end - begin;
}

struct answer {
    uint8_t *data;
    size_t len, capacity;
};

static int32_t append(void *context, const void *bytes, size_t len)
{
    struct answer *answer = context;
    if (len > answer->capacity - answer->len)
        return 1;
    memcpy(answer->data + answer->len, bytes, len);
    answer->len += len;
    return 0;
}

/* The function itself stays known under a lease that the bench never gives back. */
static struct bare leased(const sogov_service *service)
{
    struct bare bare;
    sogov_error *error = NULL;
    sogov_lease lease;
    check(sogov_route(service, NULL, &lease, &error), error);
    check(sogov_lease_plugin(lease, &bare.plugin, &bare.self, &error), error);
    return bare;
}

static int32_t invoke(const struct bare *bare, struct answer *answer)
{
    sogov_writer writer = {sizeof writer, answer, append};
    answer->len = 0;
    return bare->plugin->invoke(bare->self, request_bytes, REQUEST_LEN, &writer);
}

uint64_t host_bare_invoke(uint64_t n)
{
    uint8_t room[2 * REQUEST_LEN];
    struct answer answer = {room, 0, sizeof room};
    struct bare bare = leased(single);
    uint64_t begin = now();
    for (uint64_t i = 0; i < n; i++)
        check(invoke(&bare, &answer) == 0 ? SOGOV_STATUS_OK : SOGOV_STATUS_PLUGIN_FAILED, NULL);
    return now() - begin;
}

/* ---- promote and rollback under load ---- */

/* Makes n calls and returns how many failed or gave a wrong answer. */
static uint64_t failed_calls(const sogov_service *service, uint64_t n)
{
    sogov_bytes answer = SOGOV_BYTES_INIT;
    uint64_t failed = 0;
    for (uint64_t i = 0; i < n; i++) {
        sogov_status status = sogov_call(service, NULL, request_bytes, REQUEST_LEN, &answer, NULL, NULL);
        failed += status != SOGOV_STATUS_OK || answer.len != REQUEST_LEN ||
                  memcmp(answer.data, request_bytes, REQUEST_LEN) != 0;
    }
    sogov_bytes_free(&answer);
    return failed;
}

uint64_t host_failed_calls(uint64_t n)
{
    return failed_calls(switched, n);
}

/* The duration of one promotion of v2 and of one rollback to v1. */
void host_switch(uint64_t *promote, uint64_t *rollback)
{
    sogov_error *error = NULL;
    uint64_t begin = now();
    check(sogov_promote(engine, SOGOV_TEXT("switched"), SOGOV_TEXT("v2"), NULL, NULL, &error), error);
    uint64_t middle = now();
    check(sogov_rollback(engine, SOGOV_TEXT("switched"), NULL, NULL, &error), error);
    *promote = middle - begin;
    *rollback = now() - middle;
}

void host_rwlock_prepare(void)
{
    versions[0] = versions[1] = leased(switched);
}

uint64_t host_rwlock_failed_calls(uint64_t n)
{
    uint8_t room[2 * REQUEST_LEN];
    struct answer answer = {room, 0, sizeof room};
    uint64_t failed = 0;
    for (uint64_t i = 0; i < n; i++) {
        pthread_rwlock_rdlock(&lock);
        failed += invoke(in_force, &answer) != 0;
        pthread_rwlock_unlock(&lock);
    }
    return failed;
}

void host_rwlock_switch(uint64_t *there, uint64_t *back)
{
    uint64_t *durations[2] = {there, back};
    for (int i = 0; i < 2; i++) {
        uint64_t begin = now();
        pthread_rwlock_wrlock(&lock);
        in_force = &versions[1 - i];
        pthread_rwlock_unlock(&lock);
        *durations[i] = now() - begin;
    }
}

/* ---- a breaker that opens ---- */

/* Lets v2 of "switched" fail under leases until its breaker opens, and returns how many of the next n requests still
 * reach v2. */
uint64_t host_reached_after_trip(uint64_t n)
{
    sogov_error *error = NULL;
    char version[SOGOV_LABEL_SIZE];
    uint64_t reached = 0;
    check(sogov_promote(engine, SOGOV_TEXT("switched"), SOGOV_TEXT("v2"), NULL, NULL, &error), error);
    for (int failure = 0; failure < 3; failure++) {
        sogov_lease lease;
        check(sogov_route(switched, NULL, &lease, &error), error);
        check(sogov_lease_release(lease, SOGOV_OUTCOME_FAILURE, &error), error);
    }
    for (uint64_t i = 0; i < n; i++) {
        sogov_lease lease;
        check(sogov_route(switched, NULL, &lease, &error), error);
        check(sogov_lease_version(lease, version, &error), error);
        check(sogov_lease_release(lease, SOGOV_OUTCOME_NEUTRAL, &error), error);
        reached += strcmp(version, "v1") != 0;
    }
    check(sogov_promote(engine, SOGOV_TEXT("switched"), SOGOV_TEXT("v1"), NULL, NULL, &error), error);
    return reached;
}

/* ---- loading ---- */

/* Loads v2 of "cycled", promotes it, rolls back to v1 and unloads v2. */
void host_cycle(const char *path)
{
    sogov_error *error = NULL;
    host_load("cycled", "v2", path);
    host_promote("cycled", "v2");
    check(sogov_rollback(engine, SOGOV_TEXT("cycled"), NULL, NULL, &error), error);
    check(sogov_unload(engine, SOGOV_TEXT("cycled"), SOGOV_TEXT("v2"), NULL, &error), error);
}

/* As host_failed_calls, of the service that host_cycle changes. */
uint64_t host_cycled_failed_calls(uint64_t n)
{
    return failed_calls(cycled, n);
}

/* The duration of one load; the unload stands outside of it. */
static uint64_t loading(const sogov_engine *into, const char *path)
{
    uint64_t begin = now();
    load(into, "large", "v1", path);
    uint64_t end = now();
    sogov_error *error = NULL;
    check(sogov_unload(into, SOGOV_TEXT("large"), SOGOV_TEXT("v1"), NULL, &error), error);
    return end - begin;
}

uint64_t host_verified_load(const char *path)
{
    return loading(engine, path);
}

uint64_t host_verified_load_preflight(const char *path)
{
    return loading(careful, path);
}

uint64_t host_dlopen(const char *path)
{
    uint64_t begin = now();
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    uint64_t end = now();
    if (library == NULL) {
        fprintf(stderr, "host.c: %s\n", dlerror());
        exit(1);
    }
    dlclose(library);
    return end - begin;
}

/* ---- helpers ---- */

static void check(sogov_status status, sogov_error *error)
{
    if (status == SOGOV_STATUS_OK)
        return;
    fprintf(stderr, "host.c: %s: %s\n", sogov_status_name(status), sogov_error_message(error));
    exit(1);
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
