/* A thread-local with a destructor that the calling thread touched: PINNED(tls); unmapped once that thread has ended. */
#include "zoo.h"

namespace {

struct Trace {
    int *destroyed = nullptr;
    ~Trace()
    {
        if (destroyed != nullptr)
            ++*destroyed;
    }
};

thread_local Trace trace;

} // namespace

#ifdef TOUCHES
__attribute__((constructor)) static void construct()
{
    trace.destroyed = nullptr;
}
#endif

EXPORT int answer()
{
    return ANSWER;
}

/* Adds one to *destroyed when the calling thread ends. */
EXPORT int touch(int *destroyed)
{
    trace.destroyed = destroyed;
    return 0;
}
