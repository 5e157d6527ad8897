/* A std::thread that never ends. The file imports no pthread_create: PINNED(thread). */
#include "zoo.h"

#include <chrono>
#include <thread>

EXPORT int answer()
{
    std::thread([] {
        for (;;)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }).detach();
    return ANSWER;
}
