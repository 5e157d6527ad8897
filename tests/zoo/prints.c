/* Writes to a stream: in a namespace of its own nobody flushes that at the end, so it is refused there. */
#include "zoo.h"

#include <stdio.h>

EXPORT int answer(void)
{
    return printf("printed by a plugin\n") > 0 ? 42 : 0;
}
