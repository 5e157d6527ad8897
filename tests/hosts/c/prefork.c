/*
 * prefork.c - a pre-fork server: the parent opens the engine, loads and promotes; while its threads call, it forks
 * workers, which route and call, find the parent's leases void, and exit; meanwhile the parent goes on to change
 * versions.
 *
 *   prefork             workers free the engine before they exit
 *   prefork state       the engine has a state directory, which its thread is writing at the moment of the forks;
 *                       workers leave the engine alone
 *   prefork state free  both
 */
#define _POSIX_C_SOURCE 200809L
#include "host.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, WORKERS = 8, ROUNDS = 3, CALLS = 4000, DEADLINE_S = 30 };

static sogov_engine *engine;
static sogov_service *service;
static atomic_int over;
static int workers_free;

static void *call_until_over(void *unused);
static pid_t start_worker(sogov_lease inherited);
static void change_versions_until_all_are_done(pid_t workers[WORKERS]);

int main(int argc, char *argv[])
{
    char state[4096];
    int keeps_state = argc > 1 && strcmp(argv[1], "state") == 0;
    workers_free = !keeps_state || argc > 2;
    snprintf(state, sizeof state, "%s/state", getenv("SOGOV_HOSTS"));
    engine = host_engine(keeps_state ? state : NULL);
    OK(host_load(engine, "v1"));
    OK(host_load(engine, "v2"));
    OK(host_promote(engine, "v1"));
    service = host_service(engine);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        HOLDS(pthread_create(&threads[i], NULL, call_until_over, NULL) == 0);

    for (int round = 0; round < ROUNDS; round++) {
        sogov_lease inherited = 0;
        OK(sogov_route(service, NULL, &inherited, NULL));
        pid_t workers[WORKERS];
        for (size_t i = 0; i < WORKERS; i++)
            workers[i] = start_worker(inherited);
        change_versions_until_all_are_done(workers);
        /* What a child did to its copy of the lease was nothing to the parent. */
        OK(sogov_lease_release(inherited, SOGOV_OUTCOME_SUCCESS, NULL));
    }

    atomic_store(&over, 1);
    for (size_t i = 0; i < THREADS; i++)
        HOLDS(pthread_join(threads[i], NULL) == 0);
    sogov_engine_free(engine);
    sogov_service_free(service);
    printf("pre-fork: %d workers made %d calls each\n", ROUNDS * WORKERS, CALLS);
    return 0;
}

static void *call_until_over(void *unused)
{
    sogov_bytes answer = SOGOV_BYTES_INIT;
    for (uint64_t i = 0; !atomic_load(&over); i++)
        host_call(service, i, &answer);
    OK(sogov_bytes_free(&answer));
    return unused;
}

/* ---- a worker ---- */

static void *call_in_a_worker(void *unused)
{
    sogov_bytes answer = SOGOV_BYTES_INIT;
    for (uint64_t i = 0; i < CALLS / 2; i++)
        host_call(service, i, &answer);
    OK(sogov_bytes_free(&answer));
    return unused;
}

/* A worker's life up to its exit, which is the ordinary one: exit handlers and destructors run. */
static void work(sogov_lease inherited)
{
    char version[SOGOV_LABEL_SIZE];
    EXPECT(SOGOV_STATUS_LEASE_GONE, sogov_lease_version(inherited, version, NULL));
    EXPECT(SOGOV_STATUS_LEASE_GONE, sogov_lease_release(inherited, SOGOV_OUTCOME_SUCCESS, NULL));

    pthread_t second;
    HOLDS(pthread_create(&second, NULL, call_in_a_worker, NULL) == 0);
    call_in_a_worker(NULL);
    HOLDS(pthread_join(second, NULL) == 0);

    sogov_lease own = 0;
    OK(sogov_route(service, NULL, &own, NULL));
    OK(sogov_lease_version(own, version, NULL));
    HOLDS(strcmp(version, "v1") == 0);
    OK(sogov_lease_release(own, SOGOV_OUTCOME_SUCCESS, NULL));

    if (workers_free) {
        sogov_engine_free(engine);
        EXPECT(SOGOV_STATUS_CLOSED, sogov_route(service, NULL, &own, NULL));
        sogov_service_free(service);
    }
    exit(0);
}

static pid_t start_worker(sogov_lease inherited)
{
    fflush(NULL);
    pid_t worker = fork();
    HOLDS(worker >= 0);
    if (worker == 0) {
        alarm(DEADLINE_S); /* SIGALRM ends a worker that hangs, and the parent reports it. */
        work(inherited);
    }
    return worker;
}

static void change_versions_until_all_are_done(pid_t workers[WORKERS])
{
    for (size_t left = WORKERS; left > 0;) {
        OK(host_promote(engine, "v2"));
        OK(sogov_rollback(engine, STAMP, NULL, NULL, NULL));
        for (size_t i = 0; i < WORKERS; i++) {
            int status = 0;
            if (workers[i] == 0 || waitpid(workers[i], &status, WNOHANG) != workers[i])
                continue;
            HOLDS(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            workers[i] = 0;
            left--;
        }
    }
}
