/* Needs libhelper.so, of which there are two versions: refused unless the trust policy pins it by digest. */
#include "zoo.h"

int helped_answer(void);

EXPORT int answer(void)
{
    return helped_answer();
}
