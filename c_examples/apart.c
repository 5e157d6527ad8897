#define _GNU_SOURCE /* dl_iterate_phdr */
#include "apart.h"

#include <link.h>
#include <string.h>

/* ---- the images -------------------------------------------------------------------------------------------------- */

static image extent(const struct dl_phdr_info *object)
{
    image found = {UINTPTR_MAX, 0};
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD)
            continue;
        uintptr_t start = object->dlpi_addr + segment->p_vaddr;
        found.start = start < found.start ? start : found.start;
        found.end = start + segment->p_memsz > found.end ? start + segment->p_memsz : found.end;
    }
    return found;
}

typedef struct lookup {
    uintptr_t address;
    image found;
} lookup;

static int look(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size;
    lookup *lookup = context;
    image here = extent(object);
    if (lookup->address < here.start || lookup->address >= here.end)
        return 0;
    lookup->found = here;
    return 1;
}

image image_at(uintptr_t address)
{
    lookup lookup = {address, {0, 0}};
    dl_iterate_phdr(look, &lookup);
    return lookup.found;
}

/* ---- their data -------------------------------------------------------------------------------------------------- */

typedef struct count {
    image from;
    image to;
    size_t words;
} count;

static size_t words_of_segment(uintptr_t start, uintptr_t end, image to)
{
    size_t words = 0;
    start = (start + sizeof start - 1) & ~(uintptr_t)(sizeof start - 1);
    for (; start + sizeof start <= end; start += sizeof start) {
        uintptr_t word;
        memcpy(&word, (const void *)start, sizeof word);
        words += word >= to.start && word < to.end;
    }
    return words;
}

static int count_words(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size;
    count *count = context;
    if (extent(object).start != count->from.start)
        return 0;
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W))
            count->words += words_of_segment(start, start + segment->p_memsz, count->to);
    }
    return 1;
}

size_t words_into(image from, image to)
{
    count count = {from, to, 0};
    dl_iterate_phdr(count_words, &count);
    return count.words;
}
