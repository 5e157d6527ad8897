/* verifier.c - verifying in the background: every ticket one result, by polling and by callback, to the end. */
#define _POSIX_C_SOURCE 200809L
#include "abi_test.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define INVALID SOGOV_STATUS_INVALID_ARGUMENT
#define CLOSED SOGOV_STATUS_CLOSED
#define NOT_VALID SOGOV_STATUS_SIGNATURE_INVALID

enum { SUBMITTERS = 4, MOST_TICKETS = 4000, MESSAGE_SIZE = 40 };

static void check_polling(fixture *fixture);
static void check_callbacks(fixture *fixture);
static void check_back_pressure(fixture *fixture);
static void check_event_fd(fixture *fixture);
static void check_refusals(fixture *fixture);
static void check_ends(fixture *fixture);
#ifndef __SANITIZE_ADDRESS__
static void check_fork(fixture *fixture);
#endif

void test_verifier(fixture *fixture)
{
    check_polling(fixture);
    check_callbacks(fixture);
    check_back_pressure(fixture);
    check_event_fd(fixture);
    check_refusals(fixture);
    check_ends(fixture);
    /* The allocator of AddressSanitizer does not take its own locks at a fork: a child may wait for one for ever. */
#ifndef __SANITIZE_ADDRESS__
    check_fork(fixture);
#endif
}

/* What the threads of a storm share. A ticket is its place in `results`; each place is written once. */
typedef struct storm {
    sogov_verifier *verifier;
    sogov_key *key;
    uint8_t signature[64];
    unsigned tickets_each;
    atomic_uint next_submitter;
    atomic_uint accepted, answered, in_callbacks;
    _Atomic(sogov_status) results[MOST_TICKETS];
    atomic_uint times[MOST_TICKETS];
} storm;

static const char PAYMENT[] = "payment";

static storm *new_storm(fixture *fixture, const sogov_verifier_options *options)
{
    storm *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    sogov_signing order = {fixture->key, (const uint8_t *)PAYMENT, sizeof PAYMENT, NULL, 0};
    SUCCEEDS(sogov_sign_batch(&order, 1, NULL, s->signature, sizeof s->signature, NULL, E));
    s->key = fixture->key;
    s->tickets_each = fixture->cycles < 100 ? 30 : MOST_TICKETS / SUBMITTERS;
    SUCCEEDS(sogov_verifier_open(options, &s->verifier, E));
    return s;
}

static void note_results(void *context, const sogov_verification_result *results, size_t count)
{
    storm *s = context;
    CHECK(count > 0);
    for (size_t i = 0; i < count; i++) {
        CHECK(results[i].ticket < MOST_TICKETS);
        atomic_store(&s->results[results[i].ticket], results[i].status);
        atomic_fetch_add(&s->times[results[i].ticket], 1);
        atomic_fetch_add(&s->answered, 1);
    }
}

static int is_bad(uint64_t ticket)
{
    return ticket % 3 == 1;
}

/* Hands in one ticket out of memory that is overwritten right after, by a key whose handle is freed right after. */
static sogov_status submit_once(storm *s, uint64_t ticket)
{
    uint8_t message[sizeof PAYMENT], signature[64];
    sogov_key *key = NULL;
    memcpy(message, PAYMENT, sizeof message);
    memcpy(signature, s->signature, sizeof signature);
    CHECK(sogov_key_public(s->key, &key, NULL) == SOGOV_STATUS_OK);
    sogov_verification item = {key, message, sizeof message, signature, sizeof signature, NULL, 0};
    if (is_bad(ticket) && ticket % 2 == 0)
        item.signature_len--;
    else if (is_bad(ticket))
        message[0] ^= 1;
    sogov_status status = sogov_verifier_submit(s->verifier, &item, NULL, ticket, NULL);
    memset(message, 0xee, sizeof message);
    memset(signature, 0xee, sizeof signature);
    memset(&item, 0, sizeof item);
    sogov_key_free(key);
    return status;
}

static void *submit_many(void *context)
{
    storm *s = context;
    unsigned first = atomic_fetch_add(&s->next_submitter, 1) * s->tickets_each;
    for (unsigned i = 0; i < s->tickets_each; i++) {
        sogov_status status = submit_once(s, first + i);
        while (status == SOGOV_STATUS_BUSY) {
            sched_yield();
            status = submit_once(s, first + i);
        }
        if (status == CLOSED)
            break;
        CHECK(status == SOGOV_STATUS_OK);
        atomic_fetch_add(&s->accepted, 1);
    }
    return NULL;
}

static void *poll_to_the_end(void *context)
{
    storm *s = context;
    sogov_verification_result results[17];
    size_t count = 0;
    sogov_status status;
    while ((status = sogov_verifier_poll(s->verifier, results, 17, -1, &count, NULL)) == SOGOV_STATUS_OK)
        note_results(s, results, count);
    CHECK(status == CLOSED);
    return NULL;
}

/* Each ticket that was accepted has one result, and that is right. */
static void check_results(storm *s)
{
    unsigned answered = 0;
    for (size_t ticket = 0; ticket < MOST_TICKETS; ticket++) {
        unsigned times = atomic_load(&s->times[ticket]);
        CHECK(times <= 1);
        answered += times;
        CHECK(times == 0 || atomic_load(&s->results[ticket]) == (is_bad(ticket) ? NOT_VALID : SOGOV_STATUS_OK));
    }
    CHECK(answered == atomic_load(&s->accepted));
    CHECK(answered == atomic_load(&s->answered));
}

static void run_submitters(storm *s, void (*meanwhile)(storm *))
{
    pthread_t threads[SUBMITTERS];
    for (size_t i = 0; i < SUBMITTERS; i++)
        CHECK(pthread_create(&threads[i], NULL, submit_many, s) == 0);
    if (meanwhile != NULL)
        meanwhile(s);
    for (size_t i = 0; i < SUBMITTERS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static void close_midway(storm *s)
{
    while (atomic_load(&s->accepted) < s->tickets_each / 2)
        sched_yield();
    SUCCEEDS(sogov_verifier_close(s->verifier, E));
}

/* Submitters and pollers at once: to the last ticket, and with a closing in the middle. */
static void check_polling(fixture *fixture)
{
    sogov_verifier_options options = {.size = sizeof options, .threads = 2, .capacity = 100};
    for (int midway = 0; midway < 2; midway++) {
        storm *s = new_storm(fixture, &options);
        pthread_t pollers[2];
        for (size_t i = 0; i < 2; i++)
            CHECK(pthread_create(&pollers[i], NULL, poll_to_the_end, s) == 0);
        run_submitters(s, midway ? close_midway : NULL);
        SUCCEEDS(sogov_verifier_close(s->verifier, E));
        for (size_t i = 0; i < 2; i++)
            CHECK(pthread_join(pollers[i], NULL) == 0);
        CHECK(midway || atomic_load(&s->accepted) == SUBMITTERS * s->tickets_each);
        check_results(s);
        CHECK(sogov_verifier_free(s->verifier) == 0);
        free(s);
    }
}

/* When free returns, every ticket was told of. */
static void check_callbacks(fixture *fixture)
{
    storm *s = NULL;
    sogov_verifier_options options = {.size = sizeof options, .capacity = 64, .callback = note_results};
    for (int midway = 0; midway < 2; midway++) {
        s = new_storm(fixture, NULL);
        sogov_verifier_free(s->verifier);
        options.callback_context = s;
        SUCCEEDS(sogov_verifier_open(&options, &s->verifier, E));
        run_submitters(s, midway ? close_midway : NULL);
        CHECK(sogov_verifier_free(s->verifier) == 0);
        CHECK(midway || atomic_load(&s->accepted) == SUBMITTERS * s->tickets_each);
        check_results(s);
        free(s);
    }
}

/* What was not polled is in flight; what is dropped is counted. */
static void check_back_pressure(fixture *fixture)
{
    sogov_verifier_options options = {.size = sizeof options, .threads = 1, .capacity = 3};
    storm *s = new_storm(fixture, &options);
    sogov_verification item = {s->key, (const uint8_t *)PAYMENT, sizeof PAYMENT, s->signature, 64, NULL, 0};
    sogov_verification_result result = {0};
    size_t count = 0;
    for (uint64_t ticket = 0; ticket < 3; ticket++)
        SUCCEEDS(sogov_verifier_submit(s->verifier, &item, NULL, UINT64_MAX - ticket, E));
    REFUSED(SOGOV_STATUS_BUSY, "3 tickets", sogov_verifier_submit(s->verifier, &item, NULL, 7, E));
    SUCCEEDS(sogov_verifier_poll(s->verifier, &result, 1, 60 * 1000 * 1000, &count, E));
    CHECK(count == 1 && result.ticket >= UINT64_MAX - 2 && result.status == SOGOV_STATUS_OK);
    SUCCEEDS(sogov_verifier_submit(s->verifier, &item, NULL, 7, E));
    REFUSED(SOGOV_STATUS_BUSY, "3 tickets", sogov_verifier_submit(s->verifier, &item, NULL, 8, E));
    CHECK(sogov_verifier_free(s->verifier) == 3);
    CHECK(sogov_verifier_free(s->verifier) == 0);
    free(s);
}

static int is_readable(int fd, int timeout_ms)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    return poll(&polled, 1, timeout_ms) == 1 && (polled.revents & POLLIN) != 0;
}

static void check_event_fd(fixture *fixture)
{
    storm *s = new_storm(fixture, NULL);
    sogov_verification_result results[8];
    size_t count = 0;
    int32_t fd = -1, again = -2;
    SUCCEEDS(sogov_verifier_event_fd(s->verifier, &fd, E));
    SUCCEEDS(sogov_verifier_event_fd(s->verifier, &again, E));
    CHECK(fd >= 0 && again == fd && !is_readable(fd, 0));
    for (uint64_t ticket = 0; ticket < 5; ticket++)
        CHECK(submit_once(s, ticket) == SOGOV_STATUS_OK);
    for (size_t polled = 0; polled < 5; polled += count) {
        CHECK(is_readable(fd, 60 * 1000));
        SUCCEEDS(sogov_verifier_poll(s->verifier, results, 2, 0, &count, E));
        CHECK(count == 1 || count == 2);
    }
    CHECK(!is_readable(fd, 0));
    SUCCEEDS(sogov_verifier_poll(s->verifier, results, 8, 0, &count, E));
    CHECK(count == 0);
    SUCCEEDS(sogov_verifier_poll(s->verifier, results, 8, 10, &count, E));
    CHECK(count == 0);
    SUCCEEDS(sogov_verifier_close(s->verifier, E));
    CHECK(is_readable(fd, 0));
    REFUSED(CLOSED, "every answer was polled", sogov_verifier_poll(s->verifier, results, 8, 0, &count, E));
    CHECK(is_readable(fd, 0));
    CHECK(sogov_verifier_free(s->verifier) == 0);
    free(s);
}

static void check_refusals(fixture *fixture)
{
    sogov_verifier *verifier = NULL;
#define OPEN(...) sogov_verifier_open(&(sogov_verifier_options){.size = sizeof(sogov_verifier_options), __VA_ARGS__}, \
                                      &verifier, E)
    REFUSED(INVALID, "threads", OPEN(.threads = 1025));
    REFUSED(INVALID, "threads", OPEN(.threads = UINT32_MAX));
    REFUSED(INVALID, "capacity", OPEN(.capacity = (1 << 20) + 1));
    REFUSED(INVALID, "capacity", OPEN(.capacity = SIZE_MAX));
    REFUSED(INVALID, "max_wait_us", OPEN(.max_wait_us = 1000001));
    CHECK(verifier == NULL);

    storm *s = new_storm(fixture, NULL);
    sogov_verification item = {s->key, (const uint8_t *)PAYMENT, sizeof PAYMENT, s->signature, 64, NULL, 0};
    sogov_verification_result result;
    size_t count = 9;
#define SUBMIT(...) sogov_verifier_submit(s->verifier, &(sogov_verification){__VA_ARGS__}, NULL, 1, E)
    REFUSED(INVALID, "key", SUBMIT(NULL, NULL, 0, s->signature, 64, NULL, 0));
    REFUSED(CLOSED, "key", SUBMIT(fixture->freed_key, NULL, 0, s->signature, 64, NULL, 0));
    REFUSED(INVALID, "message", SUBMIT(s->key, NULL, 1, s->signature, 64, NULL, 0));
    REFUSED(INVALID, "message", SUBMIT(s->key, s->signature, SIZE_MAX, s->signature, 64, NULL, 0));
    REFUSED(INVALID, "signature", SUBMIT(s->key, NULL, 0, NULL, 64, NULL, 0));
    REFUSED(INVALID, "user_id", SUBMIT(s->key, NULL, 0, s->signature, 64, NULL, 1));
#undef SUBMIT
    REFUSED(INVALID, "encoding",
            sogov_verifier_submit(s->verifier, &item,
                                  &(sogov_signature_options){.size = sizeof(sogov_signature_options), .encoding = 9},
                                  1, E));
    REFUSED(INVALID, "results", sogov_verifier_poll(s->verifier, &result, 0, 0, &count, E));
    REFUSED(INVALID, "results", sogov_verifier_poll(s->verifier, NULL, 1, 0, &count, E));
    CHECK(count == 9);
    /* What was refused has no result. */
    SUCCEEDS(sogov_verifier_close(s->verifier, E));
    SUCCEEDS(sogov_verifier_close(s->verifier, E));
    REFUSED(CLOSED, "no more tickets", sogov_verifier_submit(s->verifier, &item, NULL, 1, E));
    REFUSED(CLOSED, "polled", sogov_verifier_poll(s->verifier, &result, 1, -1, &count, E));
    CHECK(sogov_verifier_free(s->verifier) == 0);
    REFUSED(CLOSED, "freed", sogov_verifier_submit(s->verifier, &item, NULL, 1, E));

    SUCCEEDS(OPEN(.callback = note_results, .callback_context = s));
#undef OPEN
    int32_t fd;
    REFUSED(INVALID, "callback", sogov_verifier_poll(verifier, &result, 1, 0, &count, E));
    REFUSED(INVALID, "callback", sogov_verifier_event_fd(verifier, &fd, E));
    CHECK(sogov_verifier_free(verifier) == 0);
    free(s);
}

static void close_inside(void *context, const sogov_verification_result *results, size_t count)
{
    storm *s = context;
    (void)results;
    REFUSED(SOGOV_STATUS_DEADLOCK, "callback", sogov_verifier_close(s->verifier, E));
    atomic_fetch_add(&s->answered, (unsigned)count);
}

static void free_inside(void *context, const sogov_verification_result *results, size_t count)
{
    storm *s = context;
    (void)results;
    CHECK(sogov_verifier_free(s->verifier) == 0);
    REFUSED(CLOSED, "freed", sogov_verifier_close(s->verifier, E));
    atomic_fetch_add(&s->answered, (unsigned)count);
}

/* Ends from inside of a callback, and under a poller that waits. */
static void check_ends(fixture *fixture)
{
    static const sogov_verifier_callback callbacks[] = {close_inside, free_inside};
    for (size_t i = 0; i < 2; i++) {
        storm *s = new_storm(fixture, NULL);
        sogov_verifier_free(s->verifier);
        SUCCEEDS(sogov_verifier_open(&(sogov_verifier_options){.size = sizeof(sogov_verifier_options),
                                                               .callback = callbacks[i],
                                                               .callback_context = s},
                                     &s->verifier, E));
        CHECK(submit_once(s, 0) == SOGOV_STATUS_OK);
        while (atomic_load(&s->answered) == 0)
            sched_yield();
        CHECK(sogov_verifier_free(s->verifier) == 0);
        free(s);
    }
    storm *s = new_storm(fixture, NULL);
    pthread_t poller;
    CHECK(pthread_create(&poller, NULL, poll_to_the_end, s) == 0);
    CHECK(sogov_verifier_free(s->verifier) == 0);
    CHECK(pthread_join(poller, NULL) == 0);
    free(s);
}

#ifndef __SANITIZE_ADDRESS__
/* In the child nothing waits for threads that it does not have; the parent's verifier goes on. */
static void check_fork(fixture *fixture)
{
    storm *s = new_storm(fixture, NULL);
    int verdict[2];
    CHECK(pipe(verdict) == 0);
    pid_t child = fork();
    if (child == 0) {
        int failed = failed_checks();
        sogov_verification item = {s->key, NULL, 0, s->signature, 64, NULL, 0};
        sogov_verification_result result;
        size_t count;
        int32_t fd;
        REFUSED(SOGOV_STATUS_UNSUPPORTED, "fork", sogov_verifier_submit(s->verifier, &item, NULL, 1, E));
        REFUSED(SOGOV_STATUS_UNSUPPORTED, "fork", sogov_verifier_poll(s->verifier, &result, 1, -1, &count, E));
        REFUSED(SOGOV_STATUS_UNSUPPORTED, "fork", sogov_verifier_event_fd(s->verifier, &fd, E));
        REFUSED(SOGOV_STATUS_UNSUPPORTED, "fork", sogov_verifier_close(s->verifier, E));
        CHECK(sogov_verifier_free(s->verifier) == 0);
        /* One of its own works. */
        SUCCEEDS(sogov_verifier_open(NULL, &s->verifier, E));
        CHECK(submit_once(s, 0) == SOGOV_STATUS_OK);
        SUCCEEDS(sogov_verifier_poll(s->verifier, &result, 1, -1, &count, E));
        CHECK(count == 1 && result.status == SOGOV_STATUS_OK && sogov_verifier_free(s->verifier) == 0);
        /* By a pipe: the exit code is valgrind's, for whom what the parent's threads held is lost here. */
        char good = failed_checks() == failed;
        _exit(write(verdict[1], &good, 1) != 1);
    }
    char good = 0;
    close(verdict[1]);
    CHECK(child > 0 && waitpid(child, NULL, 0) == child);
    CHECK(read(verdict[0], &good, 1) == 1 && good);
    close(verdict[0]);
    CHECK(submit_once(s, 0) == SOGOV_STATUS_OK);
    SUCCEEDS(sogov_verifier_close(s->verifier, E));
    CHECK(sogov_verifier_free(s->verifier) == 1);
    free(s);
}
#endif
