/* census.c - reads /proc/self. */
#define _POSIX_C_SOURCE 200809L
#include "census.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { ALLOCATOR_MAPPINGS = 1 << 20 };
#else
enum { ALLOCATOR_MAPPINGS = 48 };
#endif
enum { DEADLINE_S = 20 };

static size_t entries(const char *directory)
{
    size_t count = 0;
    DIR *open = opendir(directory);
    if (open == NULL) {
        perror(directory);
        exit(1);
    }
    while (readdir(open) != NULL)
        count++;
    closedir(open);
    return count - 2;
}

static void read_maps(census *census, FILE *copy)
{
    char line[4096];
    FILE *maps = fopen("/proc/self/maps", "r");
    if (maps == NULL) {
        perror("/proc/self/maps");
        exit(1);
    }
    while (fgets(line, sizeof line, maps) != NULL) {
        census->mappings++;
        census->plugins += strstr(line, "/memfd:") != NULL;
        if (copy != NULL)
            fputs(line, copy);
    }
    fclose(maps);
}

census census_take(void)
{
    /* The directory that is being read is open itself. */
    census census = {.descriptors = entries("/proc/self/fd") - 1, .threads = entries("/proc/self/task")};
    read_maps(&census, NULL);
    return census;
}

static int no_more_than(census after, census before)
{
    return after.plugins <= before.plugins && after.mappings <= before.mappings + ALLOCATOR_MAPPINGS &&
           after.descriptors <= before.descriptors && after.threads <= before.threads;
}

void census_expect(census before, const char *where)
{
    const struct timespec moment = {.tv_nsec = 10 * 1000 * 1000};
    for (int tries = 0; tries < DEADLINE_S * 100; tries++) {
        if (no_more_than(census_take(), before))
            return;
        nanosleep(&moment, NULL);
    }
    census after = census_take(), printed = {0};
    read_maps(&printed, stderr);
    fprintf(stderr,
            "%s: expected what the process held before, found more: plugin mappings %zu, then %zu; descriptors %zu, "
            "then %zu; threads %zu, then %zu; mappings %zu, then %zu\n",
            where, before.plugins, after.plugins, before.descriptors, after.descriptors, before.threads, after.threads,
            before.mappings, after.mappings);
    exit(1);
}
