/*
 * storm.c - eight callers while versions are loaded, promoted, rolled back and unloaded, while threads end with leases
 * in their hands, and while children are forked. Every answer is checked; afterwards the process holds what it held
 * before.
 *
 *   SOGOV_STORM_CYCLES   versions that come and go (300)
 *   SOGOV_STORM_SECONDS  runs for so long instead
 *   SOGOV_STORM_FORKS    0: no children
 */
#define _POSIX_C_SOURCE 200809L
#include "census.h"
#include "host.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CALLERS = 8, CALLS_OF_A_THREAD = 500, CHILDREN_EVERY = 25, WARM_UP_CYCLES = 20, HANDED_OVER = 16 };

static const char *const labels[] = {"v1", "v2", "v3", "v4", "v5", "v6"};
enum { LABELS = sizeof labels / sizeof labels[0] };

typedef struct storm {
    sogov_engine *engine;
    sogov_service *service;
    atomic_int over;
    atomic_ullong calls, leases, threads, children;
    /* Leases whose threads have ended, for whoever comes by to release them; 0 where there is none. */
    atomic_ullong handed_over[HANDED_OVER];
} storm;

static void run(uint64_t cycles, uint64_t seconds);
static void *replace_callers(void *context);
static void change(storm *storm, uint64_t cycle);
static void fork_a_caller(storm *storm);
static uint64_t seconds_now(void);

int main(void)
{
    /* Allocators and libraries keep what they took first. */
    run(WARM_UP_CYCLES, 0);
    census before = census_take();
    run(host_setting("SOGOV_STORM_CYCLES", 300), host_setting("SOGOV_STORM_SECONDS", 0));
    census_expect(before, "storm.c");
    return 0;
}

static void run(uint64_t cycles, uint64_t seconds)
{
    storm storm = {.engine = host_engine(NULL)};
    OK(host_load(storm.engine, labels[0]));
    OK(host_promote(storm.engine, labels[0]));
    storm.service = host_service(storm.engine);

    pthread_t callers[CALLERS];
    for (size_t i = 0; i < CALLERS; i++)
        HOLDS(pthread_create(&callers[i], NULL, replace_callers, &storm) == 0);
    uint64_t begin = seconds_now(), cycle = 0;
    while (seconds == 0 ? cycle < cycles : seconds_now() - begin < seconds)
        change(&storm, cycle++);
    atomic_store(&storm.over, 1);
    for (size_t i = 0; i < CALLERS; i++)
        HOLDS(pthread_join(callers[i], NULL) == 0);
    for (size_t i = 0; i < HANDED_OVER; i++)
        if (storm.handed_over[i] != 0)
            OK(sogov_lease_release(storm.handed_over[i], SOGOV_OUTCOME_SUCCESS, NULL));

    sogov_engine_free(storm.engine);
    EXPECT(SOGOV_STATUS_CLOSED, sogov_route(storm.service, NULL, &(sogov_lease){0}, NULL));
    sogov_service_free(storm.service);
    printf("storm of C: %llu versions, %llu calls, %llu leases, %llu threads, %llu children\n",
           (unsigned long long)cycle, (unsigned long long)storm.calls, (unsigned long long)storm.leases,
           (unsigned long long)storm.threads, (unsigned long long)storm.children);
}

/* ---- callers ---- */

/* A lease of this thread that another one gives back; what it releases in turn may be the lease of a thread that is
 * no more. */
static void hand_over_a_lease(storm *storm, uint64_t choice)
{
    char version[SOGOV_LABEL_SIZE];
    sogov_lease lease = 0;
    OK(sogov_route(storm->service, NULL, &lease, NULL));
    OK(sogov_lease_version(lease, version, NULL));
    uint64_t other = atomic_exchange(&storm->handed_over[choice % HANDED_OVER], lease);
    atomic_fetch_add(&storm->leases, 1);
    if (other != 0) {
        OK(sogov_lease_version(other, version, NULL));
        OK(sogov_lease_release(other, SOGOV_OUTCOME_SUCCESS, NULL));
        EXPECT(SOGOV_STATUS_LEASE_GONE, sogov_lease_release(other, SOGOV_OUTCOME_SUCCESS, NULL));
    }
}

/* Calls for a while and ends without a farewell, mostly with a lease left behind. */
static void *call_and_end(void *context)
{
    storm *storm = context;
    sogov_bytes answer = SOGOV_BYTES_INIT;
    uint64_t seed = atomic_fetch_add(&storm->threads, 1);
    for (int i = 0; i < CALLS_OF_A_THREAD && !atomic_load(&storm->over); i++) {
        host_call(storm->service, host_random(&seed), &answer);
        atomic_fetch_add(&storm->calls, 1);
    }
    OK(sogov_bytes_free(&answer));
    hand_over_a_lease(storm, host_random(&seed));
    pthread_exit(NULL);
}

static void *replace_callers(void *context)
{
    storm *storm = context;
    while (!atomic_load(&storm->over)) {
        pthread_t caller;
        HOLDS(pthread_create(&caller, NULL, call_and_end, storm) == 0);
        HOLDS(pthread_join(caller, NULL) == 0);
    }
    return NULL;
}

/* ---- changes ---- */

/* Releases what threads left behind: the versions of those leases could not be unloaded. */
static void release_what_was_handed_over(storm *storm)
{
    for (size_t i = 0; i < HANDED_OVER; i++) {
        sogov_lease lease = atomic_exchange(&storm->handed_over[i], 0);
        if (lease != 0)
            OK(sogov_lease_release(lease, SOGOV_OUTCOME_NEUTRAL, NULL));
    }
}

static void await_a_call(storm *storm)
{
    uint64_t seen = atomic_load(&storm->calls);
    while (atomic_load(&storm->calls) == seen)
        sched_yield();
}

/* The next version comes, serves, is taken back, serves again; the one before goes. */
static void change(storm *storm, uint64_t cycle)
{
    const char *old = labels[cycle % LABELS], *new = labels[(cycle + 1) % LABELS];
    OK(host_load(storm->engine, new));
    OK(host_promote(storm->engine, new));
    await_a_call(storm);
    OK(sogov_rollback(storm->engine, STAMP, NULL, NULL, NULL));
    EXPECT(SOGOV_STATUS_BUSY, sogov_unload(storm->engine, STAMP, old, strlen(old), NULL, NULL));
    await_a_call(storm);
    OK(host_promote(storm->engine, new));
    if (cycle % CHILDREN_EVERY == 0)
        fork_a_caller(storm);
    release_what_was_handed_over(storm);
    OK(host_unload(storm->engine, old));
}

/* The child has one thread, calls, and finds its parent's leases void. */
static void fork_a_caller(storm *storm)
{
    if (!host_setting("SOGOV_STORM_FORKS", 1))
        return;
    sogov_lease inherited = 0;
    OK(sogov_route(storm->service, NULL, &inherited, NULL));
    pid_t child = fork();
    HOLDS(child >= 0);
    if (child == 0) {
        alarm(60); /* SIGALRM ends a child that hangs, and the parent reports it. */
        sogov_bytes answer = SOGOV_BYTES_INIT;
        for (uint64_t i = 0; i < CALLS_OF_A_THREAD; i++)
            host_call(storm->service, i, &answer);
        EXPECT(SOGOV_STATUS_LEASE_GONE, sogov_lease_release(inherited, SOGOV_OUTCOME_SUCCESS, NULL));
        _exit(0);
    }
    int status = 0;
    HOLDS(waitpid(child, &status, 0) == child);
    HOLDS(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    OK(sogov_lease_release(inherited, SOGOV_OUTCOME_SUCCESS, NULL));
    atomic_fetch_add(&storm->children, 1);
}

static uint64_t seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}
