/* A function that nobody defines, linked lazily: refused at load (RTLD_NOW); lazily, the host dies at the call. */
#include "zoo.h"

int nobody_defines_this(void);

EXPORT int answer(void)
{
    return ANSWER;
}

EXPORT int count(void)
{
    return nobody_defines_this();
}
