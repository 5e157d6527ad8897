/* answer@V1 returns 1, answer@@V2 returns 2: a look-up finds V2, with "V1" it finds V1, with "V3" none. */
#include "zoo.h"

__attribute__((symver("answer@V1"))) EXPORT int answer_v1(void)
{
    return 1;
}

__attribute__((symver("answer@@V2"))) EXPORT int answer_v2(void)
{
    return 2;
}
