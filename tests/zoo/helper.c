/* libhelper.so, in two versions with one SONAME: see needs_helper.c. */
#include "zoo.h"

static int calls;

EXPORT int helped_answer(void)
{
    return ANSWER;
}

EXPORT int helped_count(void)
{
    return ++calls;
}
