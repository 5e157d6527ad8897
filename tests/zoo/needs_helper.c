/* Needs libhelper.so, of which there are two versions: the second one is refused unless it gets a namespace of its own.
 * `count` counts in the helper. */
#include "zoo.h"

int helped_answer(void);
int helped_count(void);

EXPORT int answer(void)
{
    return helped_answer();
}

EXPORT int count(void)
{
    return helped_count();
}
