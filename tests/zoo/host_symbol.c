/* Exports helper(), as the host may: the host's would replace it. Refused, or the plugin keeps its own. */
#include "zoo.h"

EXPORT int helper(void)
{
    return ANSWER;
}

/* Through the PLT, as for any exported function: the first `helper` in the search order answers. */
EXPORT int answer(void)
{
    return helper();
}
