/*
 * sogov_c.c - this library through its C interface, as a host uses it: what the interface costs over the calls in Rust,
 * and the asynchronous verifier, which only it has.
 */
#define _GNU_SOURCE
#include "driver.h"
#include <sched.h>
#include <sogov.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#define IN_FLIGHT 64
#define TURN_NANOSECONDS 50000000u
/* The part of the greatest load at which latency is measured, and how long. */
#define LOAD 0.7
#define LATENCY_SECONDS 1
#define LATENCY_PARTS 10
#define TICK_NANOSECONDS 50000u

static sogov_verification *items;
static sogov_status *results;

static void must(sogov_status status)
{
    require(status == SOGOV_STATUS_OK, sogov_status_name((int32_t)status));
}

static sogov_verification item(const struct test_case *of, sogov_key *key)
{
    return (sogov_verification){.key = key,
                                .message = of->message.data,
                                .message_len = of->message.len,
                                .signature = of->signature.data,
                                .signature_len = of->signature.len};
}

static void allocate(void)
{
    items = calloc(cases_len, sizeof *items);
    results = calloc(cases_len, sizeof *results);
    require(items != NULL && results != NULL, "no memory");
}

/* A case whose key cannot be read is refused before there is anything to verify. */
static void check(bool *good)
{
    allocate();
    size_t *places = calloc(cases_len, sizeof *places), len = 0;
    for (size_t i = 0; i < cases_len; i++) {
        sogov_key *key;
        if (sogov_key_load_public(cases[i].spki.data, cases[i].spki.len, &key, NULL) != SOGOV_STATUS_OK)
            continue;
        items[len] = item(&cases[i], key);
        places[len++] = i;
    }
    sogov_verify_batch(items, len, NULL, results, NULL);
    for (size_t i = 0; i < len; i++)
        good[places[i]] = results[i] == SOGOV_STATUS_OK;
    free(places);
}

static size_t sign(const struct bytes *message, uint8_t out[SIGNATURE_MAX])
{
    static sogov_key *key;
    if (key == NULL)
        must(sogov_key_load_private(pkcs8.data, pkcs8.len, NULL, 0, &key, NULL));
    sogov_signing signing = {.key = key, .message = message->data, .message_len = message->len};
    size_t len;
    must(sogov_sign_batch(&signing, 1, NULL, out, 64, &len, NULL));
    return len;
}

static void digest(const struct bytes *message, uint8_t out[32])
{
    must(sogov_digest(SOGOV_DIGEST_ALGORITHM_SM3, message->data, message->len, out, NULL));
}

static void prepare(void)
{
    if (items != NULL)
        return;
    allocate();
    for (size_t i = 0; i < cases_len; i++) {
        sogov_key *key;
        must(sogov_key_load_public(cases[i].spki.data, cases[i].spki.len, &key, NULL));
        must(sogov_key_prepare(key, NULL));
        items[i] = item(&cases[i], key);
    }
}

static uint64_t turn_verify_batch(void)
{
    must(sogov_verify_batch(items, cases_len, NULL, results, NULL));
    return cases_len;
}

/* A closed loop: whoever gets a result submits the next ticket, as a server does that goes on with a connection. */
static struct {
    sogov_verifier *verifier;
    atomic_bool stop;
    atomic_size_t done, in_flight;
} loop;

static void submit(uint64_t ticket)
{
    must(sogov_verifier_submit(loop.verifier, &items[ticket % cases_len], NULL, ticket, NULL));
}

static void go_on(void *context, const sogov_verification_result *of, size_t count)
{
    (void)context;
    atomic_fetch_add(&loop.done, count);
    for (size_t i = 0; i < count; i++) {
        must(of[i].status);
        if (atomic_load(&loop.stop))
            atomic_fetch_sub(&loop.in_flight, 1);
        else
            submit(of[i].ticket + IN_FLIGHT);
    }
}

static void open_loop_of_64(void)
{
    prepare();
    if (loop.verifier == NULL)
        must(sogov_verifier_open(&(sogov_verifier_options){.size = sizeof(sogov_verifier_options), .callback = go_on},
                                 &loop.verifier, NULL));
}

static uint64_t turn_verify_async(void)
{
    atomic_store(&loop.stop, false);
    atomic_store(&loop.done, 0);
    atomic_store(&loop.in_flight, IN_FLIGHT);
    for (uint64_t ticket = 0; ticket < IN_FLIGHT; ticket++)
        submit(ticket);
    nanosleep(&(struct timespec){.tv_nsec = TURN_NANOSECONDS}, NULL);
    atomic_store(&loop.stop, true);
    while (atomic_load(&loop.in_flight) > 0)
        sched_yield();
    return atomic_load(&loop.done);
}

/* An open loop: tickets are due at a steady rate, whatever became of those before; late submission counts as latency. Those of
 * a tick are handed in together, since a sleep for each would take the processor from what is measured. */
static struct {
    sogov_verifier *verifier;
    uint64_t begin, nanoseconds; /* of the first ticket; from one to the next */
    uint64_t *latencies;
    size_t tickets;
    atomic_size_t done;
} steady;

static uint64_t due(uint64_t ticket)
{
    return steady.begin + ticket * steady.nanoseconds;
}

static void note_latency(void *context, const sogov_verification_result *of, size_t count)
{
    (void)context;
    uint64_t now = nanoseconds(CLOCK_MONOTONIC);
    for (size_t i = 0; i < count; i++) {
        must(of[i].status);
        steady.latencies[of[i].ticket] = now - due(of[i].ticket);
    }
    atomic_fetch_add(&steady.done, count);
}

/* Finds the greatest load, and from it the rate. */
static void open_steady(void)
{
    open_loop_of_64();
    uint64_t begin = nanoseconds(CLOCK_MONOTONIC), done = 0;
    for (int i = 0; i < 8; i++)
        done += turn_verify_async();
    double peak = (double)done * 1e9 / (double)(nanoseconds(CLOCK_MONOTONIC) - begin);
    steady.nanoseconds = (uint64_t)(1e9 / (LOAD * peak));
    steady.tickets = (size_t)(LOAD * peak * LATENCY_SECONDS);
    steady.latencies = realloc(steady.latencies, steady.tickets * sizeof *steady.latencies);
    require(steady.latencies != NULL, "no memory");
    if (steady.verifier != NULL)
        return;
    /* Sleeps end when they should, not 50 us later. */
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    must(sogov_verifier_open(&(sogov_verifier_options){.size = sizeof(sogov_verifier_options), .callback = note_latency},
                             &steady.verifier, NULL));
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The units are nanoseconds: the latency that 1 in 100 tickets exceeds in a tenth of a second; of these, the median. A machine that
 * stops for some milliseconds once in a second, as virtual ones do, spoils one of them. */
static uint64_t turn_verify_async_p99(void)
{
    atomic_store(&steady.done, 0);
    steady.begin = nanoseconds(CLOCK_MONOTONIC);
    for (uint64_t ticket = 0; ticket < steady.tickets; ticket++) {
        if (nanoseconds(CLOCK_MONOTONIC) < due(ticket)) {
            uint64_t at = due(ticket) + TICK_NANOSECONDS;
            struct timespec then = {.tv_sec = (time_t)(at / 1000000000u), .tv_nsec = (long)(at % 1000000000u)};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL);
        }
        while (sogov_verifier_submit(steady.verifier, &items[ticket % cases_len], NULL, ticket, NULL) ==
               SOGOV_STATUS_BUSY)
            sched_yield();
    }
    while (atomic_load(&steady.done) < steady.tickets)
        sched_yield();
    uint64_t parts[LATENCY_PARTS];
    const size_t each = steady.tickets / LATENCY_PARTS;
    for (size_t i = 0; i < LATENCY_PARTS; i++) {
        uint64_t *part = steady.latencies + i * each;
        qsort(part, each, sizeof *part, by_value);
        parts[i] = part[each * 99 / 100];
    }
    qsort(parts, LATENCY_PARTS, sizeof *parts, by_value);
    return parts[LATENCY_PARTS / 2];
}

static const struct operation operations[] = {
    {"verify_batch", prepare, turn_verify_batch},
    {"verify_async", open_loop_of_64, turn_verify_async},
    {"verify_async_p99", open_steady, turn_verify_async_p99},
    {NULL, NULL, NULL},
};

static const struct peer peer = {"sogov, C interface", "raw", NULL, sogov_version_text, check, sign, digest, operations};
