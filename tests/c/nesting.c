/* nesting.c - calls that are made, or wait, inside of a plugin call. */
#define _POSIX_C_SOURCE 200809L
#include "abi_test.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void check_reentrance(fixture *fixture);
static void check_depth(fixture *fixture);
static void check_slow_call(fixture *fixture);
static void check_large_answer(fixture *fixture);

void test_nesting(fixture *fixture)
{
    check_reentrance(fixture);
    check_depth(fixture);
    check_slow_call(fixture);
    check_large_answer(fixture);
}

/* What a function that the plugin "reentrant" calls back gets. */
typedef struct inside {
    fixture *fixture;
    sogov_service *service;
    unsigned depth;
    unsigned deepest;
} inside;

/* Calls `function` with `context` from inside the plugin's invoke. */
static sogov_status call_back(const sogov_service *service, int32_t (*function)(void *context), void *context,
                              sogov_call_info *info)
{
    struct {
        int32_t (*function)(void *context);
        void *context;
    } request = {function, context};
    uint8_t input[sizeof request];
    sogov_bytes answer = SOGOV_BYTES_INIT;
    memcpy(input, &request, sizeof request);
    *info = (sogov_call_info)SOGOV_CALL_INFO_INIT;
    sogov_status status = sogov_call(service, NULL, input, sizeof input, &answer, info, NULL);
    CHECK(sogov_bytes_free(&answer) == SOGOV_STATUS_OK);
    return status;
}

/* Runs inside a call of v1: promotes v2, cannot unload v1, where it is, and rolls back. */
static int32_t change_versions(void *context)
{
    inside *inside = context;
    sogov_engine *engine = inside->fixture->engine;
    char answer[128];
    sogov_call_info info;
    REFUSED(SOGOV_STATUS_BUSY, "stable", sogov_unload(engine, SOGOV_TEXT("reentrant"), SOGOV_TEXT("v1"), NULL, E));
    promote(engine, "reentrant", "v2");
    REFUSED(SOGOV_STATUS_DEADLOCK, "reentrant@v1",
            sogov_unload(engine, SOGOV_TEXT("reentrant"), SOGOV_TEXT("v1"), NULL, E));
    CHECK(info_of(engine, "reentrant", "v1").in_flight == 1);
    /* Another service, from inside of this one. */
    CHECK(call_text(inside->fixture->fee, "amount=100 currency=CNY", answer, &info) == SOGOV_STATUS_OK);
    SUCCEEDS(sogov_rollback(engine, SOGOV_TEXT("reentrant"), NULL, NULL, E));
    SUCCEEDS(sogov_unload(engine, SOGOV_TEXT("reentrant"), SOGOV_TEXT("v2"), NULL, E));
    return 0;
}

static void check_reentrance(fixture *fixture)
{
    sogov_engine *engine = fixture->engine;
    load_plugin(fixture, engine, zoo_plugin(fixture, "reentrant"), "reentrant", "v1");
    load_plugin(fixture, engine, zoo_plugin(fixture, "reentrant"), "reentrant", "v2");
    promote(engine, "reentrant", "v1");
    sogov_call_info info;
    inside inside = {.fixture = fixture, .service = open_service(engine, "reentrant")};
    CHECK(call_back(inside.service, change_versions, &inside, &info) == SOGOV_STATUS_OK);
    CHECK(strcmp(info.version, "v1") == 0);
    CHECK(info_of(engine, "reentrant", "v1").in_flight == 0);
    sogov_service_free(inside.service);
}

/* Goes deeper until the library says that it is deep enough. */
static int32_t go_deeper(void *context)
{
    inside *inside = context;
    sogov_call_info info;
    inside->depth++;
    if (inside->depth > inside->deepest)
        inside->deepest = inside->depth;
    sogov_status status = call_back(inside->service, go_deeper, inside, &info);
    CHECK(status == SOGOV_STATUS_OK || status == SOGOV_STATUS_LIMIT_EXCEEDED);
    inside->depth--;
    return 0;
}

static void check_depth(fixture *fixture)
{
    sogov_call_info info;
    inside inside = {.fixture = fixture, .service = open_service(fixture->engine, "reentrant")};
    for (int times = 0; times < 2; times++) {
        CHECK(call_back(inside.service, go_deeper, &inside, &info) == SOGOV_STATUS_OK);
        CHECK(inside.deepest == 32 && inside.depth == 0);
    }
    CHECK(info_of(fixture->engine, "reentrant", "v1").in_flight == 0);
    CHECK(info_of(fixture->engine, "reentrant", "v1").failures == 0);
    sogov_service_free(inside.service);
}

typedef struct slow_call {
    sogov_service *service;
    char request[32];
    sogov_status status;
    char answer[128];
    sogov_call_info info;
} slow_call;

static void *call_slowly(void *context)
{
    slow_call *slow = context;
    slow->status = call_text(slow->service, slow->request, slow->answer, &slow->info);
    return NULL;
}

/* While a call waits inside of v1, v2 takes over and answers, v1 cannot be unloaded, and the call ends well. */
static void check_slow_call(fixture *fixture)
{
    sogov_engine *engine = fixture->engine;
    int go_on[2], entered[2];
    char byte;
    pthread_t thread;
    CHECK(pipe(go_on) == 0 && pipe(entered) == 0);
    load_plugin(fixture, engine, zoo_plugin(fixture, "slow"), "slow", "v1");
    load_plugin(fixture, engine, fee_plugin(fixture, "v1"), "slow", "v2");
    promote(engine, "slow", "v1");
    slow_call slow = {.service = open_service(engine, "slow")};
    snprintf(slow.request, sizeof slow.request, "%d %d", go_on[0], entered[1]);
    CHECK(pthread_create(&thread, NULL, call_slowly, &slow) == 0);
    CHECK(read(entered[0], &byte, 1) == 1);

    char answer[128];
    sogov_call_info info;
    sogov_change_options soon = {.size = sizeof soon, .drain_ms = 1};
    promote(engine, "slow", "v2");
    CHECK(call_text(slow.service, "amount=100 currency=CNY", answer, &info) == SOGOV_STATUS_OK);
    CHECK(strcmp(info.version, "v2") == 0);
    REFUSED(SOGOV_STATUS_BUSY, "1 in flight",
            sogov_unload(engine, SOGOV_TEXT("slow"), SOGOV_TEXT("v1"), &soon, E));
    CHECK(info_of(engine, "slow", "v1").in_flight == 1);
    CHECK(info_of(engine, "slow", "v1").standing == SOGOV_STANDING_RETIRED);
    /* The version stands as before: it can serve again, while the call is still inside. */
    SUCCEEDS(sogov_rollback(engine, SOGOV_TEXT("slow"), NULL, NULL, E));
    promote(engine, "slow", "v2");

    CHECK(write(go_on[1], "x", 1) == 1 && pthread_join(thread, NULL) == 0);
    CHECK(slow.status == SOGOV_STATUS_OK && strcmp(slow.answer, "done") == 0);
    CHECK(strcmp(slow.info.version, "v1") == 0);
    SUCCEEDS(sogov_unload(engine, SOGOV_TEXT("slow"), SOGOV_TEXT("v1"), NULL, E));
    sogov_service_free(slow.service);
    for (int end = 0; end < 2; end++) {
        close(go_on[end]);
        close(entered[end]);
    }
}

static void check_large_answer(fixture *fixture)
{
    load_plugin(fixture, fixture->engine, zoo_plugin(fixture, "big_answer"), "large", "v1");
    promote(fixture->engine, "large", "v1");
    sogov_service *service = open_service(fixture->engine, "large");
    sogov_bytes answer = SOGOV_BYTES_INIT;
    SUCCEEDS(sogov_call(service, NULL, (const uint8_t *)"3", 1, &answer, NULL, E));
    CHECK(answer.len == 3 << 20);
    CHECK(sogov_bytes_free(&answer) == SOGOV_STATUS_OK);
    sogov_service_free(service);
}
