/* leases.c - what leases keep, where they may be released, and what numbers that are none come to. */
#define _POSIX_C_SOURCE 200809L
#include "abi_test.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define GONE SOGOV_STATUS_LEASE_GONE

static void check_symbols(fixture *fixture);
static void check_descriptor(fixture *fixture);
static void check_release(fixture *fixture);
static void check_fork(fixture *fixture);

void test_leases(fixture *fixture)
{
    check_symbols(fixture);
    check_descriptor(fixture);
    check_release(fixture);
    check_fork(fixture);
}

static sogov_lease route(const sogov_service *service)
{
    sogov_lease lease = 0;
    SUCCEEDS(sogov_route(service, NULL, &lease, E));
    CHECK(lease != 0);
    return lease;
}

static int call_symbol(sogov_lease lease, const char *name, const char *version)
{
    void *address = NULL;
    int (*function)(void) = NULL;
    size_t version_len = version == NULL ? 0 : strlen(version);
    SUCCEEDS(sogov_lease_symbol(lease, name, strlen(name), version, version_len, &address, E));
    memcpy(&function, &address, sizeof address);
    return function == NULL ? -1 : function();
}

/* Symbol versions, and two versions of one library whose statics do not touch each other. */
static void check_symbols(fixture *fixture)
{
    sogov_service *versioned = open_service(fixture->engine, "versioned");
    sogov_lease lease = route(versioned);
    CHECK(call_symbol(lease, "answer", NULL) == 2);
    CHECK(call_symbol(lease, "answer", "V1") == 1);
    CHECK(call_symbol(lease, "answer", "V2") == 2);
    void *address = NULL;
    REFUSED(SOGOV_STATUS_NOT_FOUND, "answer@V3",
            sogov_lease_symbol(lease, SOGOV_TEXT("answer"), SOGOV_TEXT("V3"), &address, E));
    REFUSED(SOGOV_STATUS_NOT_FOUND, "absent",
            sogov_lease_symbol(lease, SOGOV_TEXT("absent"), NULL, 0, &address, E));
    CHECK(address == NULL);
    SUCCEEDS(sogov_lease_release(lease, SOGOV_OUTCOME_SUCCESS, E));
    sogov_service_free(versioned);

    load_plugin(fixture, fixture->engine, zoo_plugin(fixture, "plain_v1"), "plain", "v1");
    load_plugin(fixture, fixture->engine, zoo_plugin(fixture, "plain_v2"), "plain", "v2");
    sogov_service *plain = open_service(fixture->engine, "plain");
    promote(fixture->engine, "plain", "v1");
    sogov_lease v1 = route(plain);
    promote(fixture->engine, "plain", "v2");
    sogov_lease v2 = route(plain);
    CHECK(call_symbol(v1, "answer", NULL) == 1 && call_symbol(v2, "answer", NULL) == 2);
    int first = call_symbol(v1, "count", NULL);
    CHECK(call_symbol(v1, "count", NULL) == first + 1);
    CHECK(call_symbol(v2, "count", NULL) == first);
    SUCCEEDS(sogov_lease_release(v1, SOGOV_OUTCOME_SUCCESS, E));
    SUCCEEDS(sogov_lease_release(v2, SOGOV_OUTCOME_SUCCESS, E));

    char answer[128];
    sogov_call_info call;
    CHECK(call_text(plain, "x", answer, &call) == SOGOV_STATUS_UNSUPPORTED && strcmp(call.version, "v2") == 0);
    sogov_service_free(plain);
}

static int32_t append(void *context, const void *bytes, size_t len)
{
    char *answer = context;
    if (strlen(answer) + len >= 128)
        return 1;
    strncat(answer, bytes, len);
    return 0;
}

static void check_descriptor(fixture *fixture)
{
    const struct sogov_plugin *plugin = NULL;
    void *self = NULL;
    char answer[128] = "";
    sogov_lease lease = route(fixture->fee);
    SUCCEEDS(sogov_lease_plugin(lease, &plugin, &self, E));
    CHECK(plugin != NULL && plugin->abi == SOGOV_PLUGIN_ABI && strcmp(plugin->name, "fee") == 0);
    if (plugin != NULL) {
        sogov_writer writer = {sizeof writer, answer, append};
        CHECK(plugin->health(self) == SOGOV_PLUGIN_OK);
        CHECK(plugin->invoke(self, "amount=100 currency=CNY", 23, &writer) == SOGOV_PLUGIN_OK);
    }
    CHECK(strcmp(answer, "fee=0.50 currency=CNY tariff=v1") == 0);
    SUCCEEDS(sogov_lease_release(lease, SOGOV_OUTCOME_SUCCESS, E));
    REFUSED(GONE, "lease", sogov_lease_plugin(lease, &plugin, &self, E));

    /* What the plugin imports is not the plugin's own. */
    void *address = NULL;
    lease = route(fixture->fee);
    REFUSED(SOGOV_STATUS_NOT_FOUND, "malloc",
            sogov_lease_symbol(lease, SOGOV_TEXT("malloc"), NULL, 0, &address, E));
    SUCCEEDS(sogov_lease_release(lease, SOGOV_OUTCOME_NEUTRAL, E));

    sogov_service *versioned = open_service(fixture->engine, "versioned");
    lease = route(versioned);
    REFUSED(SOGOV_STATUS_UNSUPPORTED, "level-1", sogov_lease_plugin(lease, &plugin, &self, E));
    SUCCEEDS(sogov_lease_release(lease, SOGOV_OUTCOME_NEUTRAL, E));
    sogov_service_free(versioned);
}

static void *release_failed(void *lease)
{
    SUCCEEDS(sogov_lease_release(*(sogov_lease *)lease, SOGOV_OUTCOME_FAILURE, E));
    return NULL;
}

static void check_release(fixture *fixture)
{
    sogov_version_info before = info_of(fixture->engine, "fee", "v1");
    sogov_lease lease = route(fixture->fee);
    CHECK(info_of(fixture->engine, "fee", "v1").in_flight == before.in_flight + 1);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, release_failed, &lease) == 0 && pthread_join(thread, NULL) == 0);
    sogov_version_info after = info_of(fixture->engine, "fee", "v1");
    CHECK(after.in_flight == before.in_flight && after.calls == before.calls + 1 &&
          after.failures == before.failures + 1);
    for (int times = 0; times < 3; times++)
        REFUSED(GONE, "lease", sogov_lease_release(lease, SOGOV_OUTCOME_SUCCESS, E));
    /* The number does not come to life again with the next lease, which may sit in the same place. */
    sogov_lease next = route(fixture->fee);
    CHECK(next != lease);
    REFUSED(GONE, "lease", sogov_lease_release(lease, SOGOV_OUTCOME_SUCCESS, E));
    SUCCEEDS(sogov_lease_release(next, SOGOV_OUTCOME_NEUTRAL, E));

    uint64_t number = 88172645463325252u;
    for (int i = 0; i < 10000; i++) {
        /* xorshift64 (Marsaglia 2003). */
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        CHECK(sogov_lease_release(number, SOGOV_OUTCOME_SUCCESS, NULL) == GONE);
    }
    for (uint64_t small = 0; small < 1000; small++)
        CHECK(sogov_lease_release(small, SOGOV_OUTCOME_SUCCESS, NULL) == GONE);
    CHECK(info_of(fixture->engine, "fee", "v1").calls == after.calls);
}

/* Up to the limit of leases in flight, and back. */
void test_lease_limit(fixture *fixture)
{
    enum { LIMIT = 65536 };
    sogov_lease *leases = calloc(LIMIT, sizeof *leases);
    CHECK(leases != NULL);
    if (leases == NULL)
        return;
    unsigned taken = 0;
    while (taken < LIMIT && sogov_route(fixture->fee, NULL, &leases[taken], NULL) == SOGOV_STATUS_OK)
        taken++;
    CHECK(taken == LIMIT);
    REFUSED(SOGOV_STATUS_LIMIT_EXCEEDED, "65,536", sogov_route(fixture->fee, NULL, &(sogov_lease){0}, E));
    CHECK(info_of(fixture->engine, "fee", "v1").in_flight == LIMIT);

    sogov_change_options soon = {.size = sizeof soon, .drain_ms = 1};
    promote(fixture->engine, "fee", "v2");
    REFUSED(SOGOV_STATUS_BUSY, "65536 in flight",
            sogov_unload(fixture->engine, SOGOV_TEXT("fee"), SOGOV_TEXT("v1"), &soon, E));
    SUCCEEDS(sogov_rollback(fixture->engine, SOGOV_TEXT("fee"), NULL, NULL, E));
    for (unsigned i = 0; i < taken; i++)
        CHECK(sogov_lease_release(leases[i], SOGOV_OUTCOME_NEUTRAL, NULL) == SOGOV_STATUS_OK);
    CHECK(info_of(fixture->engine, "fee", "v1").in_flight == 0);
    free(leases);
}

/* In the child of a fork routing goes on, and the parent's leases are void there; the parent still has them. */
static void check_fork(fixture *fixture)
{
    sogov_lease lease = route(fixture->fee);
    pid_t child = fork();
    if (child == 0) {
        sogov_lease own = 0;
        int void_here = sogov_lease_release(lease, SOGOV_OUTCOME_SUCCESS, NULL) == GONE;
        int routes = sogov_route(fixture->fee, NULL, &own, NULL) == SOGOV_STATUS_OK &&
                     sogov_lease_release(own, SOGOV_OUTCOME_SUCCESS, NULL) == SOGOV_STATUS_OK;
        _exit(void_here && routes ? 0 : 1);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    SUCCEEDS(sogov_lease_release(lease, SOGOV_OUTCOME_SUCCESS, E));
}
