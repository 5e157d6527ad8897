/*
 * fork_state.c - a worker that was forked while a change was still on its way to the disk frees its engine much later:
 * what the parent has written meanwhile must stay.
 *
 * The way to the disk is long here because this program holds the state directory's lock.
 */
#define _DEFAULT_SOURCE
#include "host.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEADLINE_S = 30 };

static void path_in_state(char path[4096], const char *name);
static void expect_durable(const char *version);

int main(void)
{
    char state[4096], lock_path[4096];
    path_in_state(state, "");
    path_in_state(lock_path, "/machine/lock");
    sogov_engine *engine = host_engine(state);
    const sogov_change_options durable = {.size = sizeof durable, .wait_durable = 1};
    OK(host_load(engine, "v1"));
    OK(host_load(engine, "v2"));
    OK(sogov_promote(engine, STAMP, SOGOV_TEXT("v1"), &durable, NULL, NULL));
    expect_durable("v1");

    int lock = open(lock_path, O_RDWR | O_CLOEXEC);
    HOLDS(lock >= 0 && flock(lock, LOCK_EX) == 0);
    OK(host_promote(engine, "v2"));
    int go_on[2];
    HOLDS(pipe(go_on) == 0);
    pid_t worker = fork();
    HOLDS(worker >= 0);
    if (worker == 0) {
        char byte;
        alarm(DEADLINE_S);
        close(go_on[1]);
        HOLDS(read(go_on[0], &byte, 1) == 0);
        sogov_engine_free(engine);
        _exit(0);
    }
    HOLDS(flock(lock, LOCK_UN) == 0);
    OK(sogov_rollback(engine, STAMP, &durable, NULL, NULL));
    expect_durable("v1");

    int status = 0;
    close(go_on[1]);
    HOLDS(waitpid(worker, &status, 0) == worker && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    expect_durable("v1");
    sogov_engine_free(engine);
    return 0;
}

static void path_in_state(char path[4096], const char *name)
{
    snprintf(path, 4096, "%s/state%s", getenv("SOGOV_HOSTS"), name);
}

/* The record names the stable version first. */
static void expect_durable(const char *version)
{
    char path[4096], record[4096] = "", expected[64];
    path_in_state(path, "/machine/stable/stamp.json");
    FILE *file = fopen(path, "r");
    HOLDS(file != NULL && fread(record, 1, sizeof record - 1, file) > 0);
    fclose(file);
    const char *stable = strstr(record, "\"stable\"");
    HOLDS(stable != NULL);
    snprintf(expected, sizeof expected, "\"version\":\"%s\"", version);
    char *history = strstr(record, "\"history\"");
    if (history > stable)
        *history = '\0';
    /* Blanks mean nothing in JSON. */
    char packed[4096], *to = packed;
    for (const char *from = stable; *from != '\0'; from++)
        if (*from != ' ' && *from != '\n')
            *to++ = *from;
    *to = '\0';
    if (strstr(packed, expected) == NULL) {
        fprintf(stderr, "fork_state.c: expected %s to be stable on the disk, found %s\n", version, packed);
        exit(1);
    }
}
