/* Inline static template data, exported as STB_GNU_UNIQUE: PINNED(unique), and two versions share the counter. */
#include "zoo.h"

template <typename T> struct Registry {
    static inline int calls = 0;
};

EXPORT int answer()
{
    return ANSWER;
}

EXPORT int count()
{
    return ++Registry<int>::calls;
}
