/* Exports a function of the C library's name and uses it: whatever the namespace, the C library's would be used. */
#include "zoo.h"

EXPORT int rand_r(unsigned int *seed);

EXPORT int rand_r(unsigned int *seed)
{
    return (int)*seed;
}

EXPORT int answer(void)
{
    unsigned int seed = 42;
    return rand_r(&seed);
}
