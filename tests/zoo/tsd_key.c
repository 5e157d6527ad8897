/* A pthread_key destructor that the calling thread will run: PINNED(tsd), never unmapped; unmapping crashes later. */
#include "zoo.h"

#include <pthread.h>

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void destroy(void *destroyed)
{
    ++*(int *)destroyed;
}

static void make_key(void)
{
    pthread_key_create(&key, destroy);
}

EXPORT int answer(void)
{
    return ANSWER;
}

/* Adds one to *destroyed when the calling thread ends. */
EXPORT int touch(int *destroyed)
{
    pthread_once(&once, make_key);
    return pthread_setspecific(key, destroyed);
}
