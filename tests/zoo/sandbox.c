/*
 * Looks around in a preflight: `start` answers the number of the first thing that is not as docs/plugin-guide.md says.
 * In the host it answers 0. A thread that it leaves running must not hold anything up.
 */
#define _GNU_SOURCE
#include "zoo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK(number, condition)                                                                                       \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return (number);                                                                                           \
    } while (0)

static void *wait_for_ever(void *nothing)
{
    for (;;)
        pause();
    return nothing;
}

static int refused(long answer)
{
    return answer < 0 && (errno == EACCES || errno == EPERM);
}

static int descriptors(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        return -1;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    /* `.`, `..` and the directory itself do not count. */
    return count - 3;
}

static int32_t look_around(void)
{
    char name[] = "/tmp/sogov-zoo-must-not-exist";
    CHECK(10, refused(open(name, O_WRONLY | O_CREAT, 0600)));
    CHECK(11, refused(mkdir(name, 0700)));
    CHECK(12, refused(chmod(name, 0600)));
    /* A system call filter alone does not see which file it is. */
    int landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
    CHECK(14, (open("/dev/null", O_WRONLY) >= 0) == landlock);
    CHECK(15, open("/proc/self/status", O_RDONLY) >= 0);
    CHECK(20, refused(socket(AF_INET, SOCK_STREAM, 0)));
    CHECK(21, refused(socket(AF_UNIX, SOCK_STREAM, 0)));
    CHECK(30, kill(getpid(), 0) == 0);
    CHECK(31, getsid(0) == getpid());
    struct sigaction action;
    sigset_t mask;
    for (int signal = 1; signal < 32; signal++) {
        if (signal == SIGSYS)
            continue;
        CHECK(40, sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
        CHECK(41, pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0 && sigismember(&mask, signal) == 0);
    }
    struct rlimit limit;
    CHECK(80, getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
    int memory = memfd_create("zoo", 0);
    CHECK(81, memory >= 0 && ftruncate(memory, 4096) == 0 && close(memory) == 0);
    CHECK(90, getenv("PATH") != NULL);
    CHECK(91, getenv("LD_PRELOAD") == NULL);
    /* Three standard ones, the report, and the two opened above. */
    CHECK(100, descriptors() == 5 + landlock);
    return SOGOV_PLUGIN_OK;
}

static int32_t start(const sogov_plugin_host *host, void **self)
{
    (void)self;
    pthread_t thread;
    CHECK(1, host->size >= offsetof(sogov_plugin_host, flags) + sizeof host->flags);
    CHECK(2, strcmp(host->service, "zoo") == 0);
    CHECK(3, pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
    return (host->flags & SOGOV_PLUGIN_HOST_PREFLIGHT) != 0 ? look_around() : SOGOV_PLUGIN_OK;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "sandbox",
    .start = start,
};
