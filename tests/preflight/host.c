/*
 * host.c - a C host that loads plugins which end or block whoever loads them, and must not notice.
 *
 * host <mode> <trust directory> <directory of signed plugins> <name>...
 *
 * Prints "<name> <status> <message>" for each plugin, in this order, and fails where the host was touched: a signal, a
 * child, a descriptor. After each one `good` is loaded and unloaded. A name with '~' in front has a short deadline.
 */
#define _GNU_SOURCE
#include "sogov.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEMAND(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);                          \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

enum { THREADS = 8 };

static volatile sig_atomic_t signals;
static atomic_bool done;
static atomic_ulong calls;

static void count(int signal)
{
    (void)signal;
    signals++;
}

static void print_line(void *context, sogov_log_level level, const char *message, size_t message_len)
{
    (void)context;
    if (level == SOGOV_LOG_LEVEL_WARNING)
        printf("log %.*s\n", (int)message_len, message);
}

static sogov_engine *open_engine(const char *trust, uint32_t deadline)
{
    sogov_engine_options options = {
        .size = sizeof options,
        .trust_directory = trust,
        .trust_directory_len = strlen(trust),
        .log = print_line,
        .preflight_ms = deadline,
    };
    sogov_engine *engine = NULL;
    DEMAND(sogov_engine_open(&options, &engine, NULL) == SOGOV_STATUS_OK);
    return engine;
}

static sogov_status load(sogov_engine *engine, const char *service, const char *directory, const char *name,
                         sogov_error **error)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/%s-%s.so", directory, service, name);
    return sogov_load_versioned(engine, service, strlen(service), name, strlen(name), path, (size_t)len, NULL, NULL,
                                error);
}

/* The open descriptors with what they refer to. */
static void descriptors(char *text, size_t size)
{
    size_t used = 0;
    DIR *directory = opendir("/proc/self/fd");
    DEMAND(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char target[256];
        ssize_t len = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
        if (len > 0 && atoi(entry->d_name) != dirfd(directory))
            used += (size_t)snprintf(text + used, size - used, "%s %.*s\n", entry->d_name, (int)len, target);
        DEMAND(used < size);
    }
    closedir(directory);
}

static void try(sogov_engine *engine, const char *directory, const char *name)
{
    static char before[16384], after[16384];
    descriptors(before, sizeof before);
    sogov_error *error = NULL;
    sogov_status status = load(engine, "zoo", directory, name, &error);
    printf("%s %s %s\n", name, sogov_status_name(status), error != NULL ? sogov_error_message(error) : "");
    sogov_error_free(error);
    DEMAND(signals == 0);
    sigset_t pending;
    DEMAND(sigpending(&pending) == 0 && !sigismember(&pending, SIGCHLD) && !sigismember(&pending, SIGTERM));
    /* This process is a subreaper: whatever a preflight left behind would be its child. */
    DEMAND(waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD);
    if (status != SOGOV_STATUS_OK) {
        descriptors(after, sizeof after);
        DEMAND(strcmp(before, after) == 0);
    }
    DEMAND(load(engine, "zoo", directory, "good", NULL) == SOGOV_STATUS_OK);
    DEMAND(sogov_unload(engine, SOGOV_TEXT("zoo"), SOGOV_TEXT("good"), NULL, NULL) == SOGOV_STATUS_OK);
}

static void *serve(void *context)
{
    sogov_service *service = context;
    sogov_request request = {.size = sizeof request};
    sogov_bytes answer = SOGOV_BYTES_INIT;
    while (!atomic_load(&done)) {
        void *piece = malloc(64 + atomic_fetch_add(&calls, 1) % 100000);
        DEMAND(piece != NULL);
        DEMAND(sogov_call(service, &request, (const uint8_t *)"x", 1, &answer, NULL, NULL) == SOGOV_STATUS_OK);
        free(piece);
    }
    sogov_bytes_free(&answer);
    return NULL;
}

static void limit_descriptors(rlim_t limit)
{
    struct rlimit now;
    DEMAND(getrlimit(RLIMIT_NOFILE, &now) == 0);
    now.rlim_cur = limit;
    DEMAND(setrlimit(RLIMIT_NOFILE, &now) == 0);
}

/* Has the kernel answer as one without Landlock, to this process and those that it makes. */
static void hide_landlock(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    DEMAND(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    DEMAND(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

int main(int argc, char **argv)
{
    DEMAND(argc > 3);
    const char *mode = argv[1], *trust = argv[2], *directory = argv[3];
    DEMAND(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
    struct sigaction counting = {.sa_handler = count};
    for (int signal = 1; signal < 32; signal++)
        if (signal != SIGKILL && signal != SIGSTOP && signal != SIGSEGV && signal != SIGABRT)
            DEMAND(sigaction(signal, &counting, NULL) == 0);
    sogov_engine *engine = open_engine(trust, 60000), *hasty = open_engine(trust, 1000);

    pthread_t threads[THREADS];
    size_t started = 0;
    sogov_service *service = NULL;
    if (strcmp(mode, "threads") == 0) {
        DEMAND(load(engine, "calls", directory, "v1", NULL) == SOGOV_STATUS_OK);
        DEMAND(sogov_promote(engine, SOGOV_TEXT("calls"), SOGOV_TEXT("v1"), NULL, NULL, NULL) == SOGOV_STATUS_OK);
        DEMAND(sogov_service_open(engine, SOGOV_TEXT("calls"), &service, NULL) == SOGOV_STATUS_OK);
        for (; started < THREADS; started++)
            DEMAND(pthread_create(&threads[started], NULL, serve, service) == 0);
    } else if (strcmp(mode, "blocked") == 0) {
        sigset_t all;
        sigfillset(&all);
        DEMAND(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
    } else if (strcmp(mode, "ignored") == 0) {
        DEMAND(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    } else if (strcmp(mode, "few-descriptors") == 0) {
        limit_descriptors(32);
    } else if (strcmp(mode, "no-landlock") == 0) {
        hide_landlock();
        try(engine, directory, "sandbox");
    } else if (strcmp(mode, "no-standard-descriptors") == 0) {
        /* Descriptors 0 and 2 are free: what the library opens lands there. */
        DEMAND(close(0) == 0 && close(2) == 0);
    } else {
        DEMAND(strcmp(mode, "plain") == 0);
    }

    for (int i = 4; i < argc; i++)
        try(argv[i][0] == '~' ? hasty : engine, directory, argv[i] + (argv[i][0] == '~'));

    if (strcmp(mode, "few-descriptors") == 0) {
        int filler[64];
        size_t count = 0;
        while (count < 64 && (filler[count] = dup(1)) >= 0)
            count++;
        sogov_error *error = NULL;
        sogov_status status = load(engine, "zoo", directory, "good", &error);
        printf("no descriptor left: %s\n", sogov_status_name(status));
        sogov_error_free(error);
        DEMAND(status == SOGOV_STATUS_IO);
        while (count > 0)
            close(filler[--count]);
        DEMAND(load(engine, "zoo", directory, "good", NULL) == SOGOV_STATUS_OK);
    }

    atomic_store(&done, true);
    for (size_t i = 0; i < started; i++)
        DEMAND(pthread_join(threads[i], NULL) == 0);
    DEMAND(started == 0 || atomic_load(&calls) > 0);
    sogov_service_free(service);
    sogov_engine_free(engine);
    sogov_engine_free(hasty);
    puts("untouched");
    return 0;
}
