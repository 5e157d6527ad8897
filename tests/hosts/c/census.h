/* census.h - what a process holds: to be the same before and after a storm. */
#ifndef CENSUS_H
#define CENSUS_H

#include <stddef.h>

typedef struct census {
    /* Mappings of sealed memory files: plugins. */
    size_t plugins;
    /* All lines of /proc/self/maps. */
    size_t mappings;
    size_t descriptors;
    size_t threads;
} census;

census census_take(void);

/* Waits, with a deadline, until the process holds no more than `before`, and ends it with a listing otherwise: threads
 * and versions may take a moment to go. Of all mappings some more may be there, the allocator's and those of thread
 * stacks; under sanitizers, whose allocators keep what was freed, they are not compared. */
void census_expect(census before, const char *where);

#endif /* CENSUS_H */
