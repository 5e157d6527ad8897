/* libhelper.so, in two versions with one SONAME: see needs_helper.c. */
#include "zoo.h"

EXPORT int helped_answer(void)
{
    return ANSWER;
}
