/* No hazard (level 0): two builds live side by side, each with its own answer and counter; unmapped at unload. */
#include "zoo.h"

static int calls;

EXPORT int answer(void)
{
    return ANSWER;
}

EXPORT int count(void)
{
    return ++calls;
}
