/* A constructor that reaches beyond the image: preflight refuses in time, the host is untouched. */
#define _GNU_SOURCE
#include "zoo.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(OVERFLOWS)
static int deeper(volatile char *above)
{
    volatile char page[4096];
    page[0] = 1;
    return above != NULL && *above == 0 ? 0 : deeper(page) + page[0];
}
#endif

__attribute__((constructor)) static void construct(void)
{
#if defined(EXECS)
    execl("/bin/true", "true", (char *)NULL);
#elif defined(WRITES_OK)
    for (int fd = 0; fd < 1024; fd++)
        if (write(fd, "ok", 2) < 0)
            continue;
    _exit(0);
#elif defined(FORKS)
    if (fork() == 0)
        for (;;)
            pause();
#elif defined(SPAWNS)
    if (system("sleep 1000 &") != 0)
        abort();
#elif defined(EATS)
    for (;;) {
        char *piece = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (piece == MAP_FAILED)
            break;
        memset(piece, 1, 8 << 20);
    }
#elif defined(SPINS)
    for (volatile int i = 0;; i++)
        ;
#elif defined(SIGNALS_PARENT)
    kill(getppid(), SIGTERM);
#elif defined(SIGNALS_GROUP)
    kill(0, SIGTERM);
#elif defined(OVERFLOWS)
    deeper(NULL);
#elif defined(BLOCKS_SIGNALS)
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    execl("/bin/true", "true", (char *)NULL);
#else
#error "build.sh chooses the accident"
#endif
}

EXPORT int answer(void)
{
    return ANSWER;
}
