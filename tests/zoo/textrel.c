/* A relocation inside of the code (DT_TEXTREL): refused before any of its code runs. */
#include "zoo.h"

static int value = ANSWER;

/* A pointer to `value` among the instructions, for the loader to fill in. */
__asm__(".text\n.balign 8\npointer: .quad target\n.set target, textrel_value\n");

extern int *const pointer __attribute__((visibility("hidden")));
extern int textrel_value __attribute__((alias("value"), visibility("hidden")));

EXPORT int answer(void)
{
    return *pointer;
}
