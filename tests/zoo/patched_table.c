/* Puts a function of its own into a slot of the program's relocation table, as hooking libraries do: PINNED(dependency);
 * unmapping crashes at the next call through the slot. */
#define _GNU_SOURCE
#include "zoo.h"

#include <link.h>
#include <stddef.h>
#include <sys/mman.h>

static void stray(void)
{
}

/* Patches the first slot for a function that the program itself never calls again once it runs. */
static int patch(struct dl_phdr_info *info, size_t size, void *patched)
{
    const ElfW(Dyn) *entry = NULL;
    const ElfW(Rela) *rela = NULL;
    const ElfW(Sym) *symbols = NULL;
    const char *strings = NULL;
    size_t bytes = 0;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            entry = (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    if (entry == NULL)
        return 1;
    for (; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_RELA)
            rela = (const ElfW(Rela) *)entry->d_un.d_ptr;
        if (entry->d_tag == DT_RELASZ)
            bytes = entry->d_un.d_val;
        if (entry->d_tag == DT_SYMTAB)
            symbols = (const ElfW(Sym) *)entry->d_un.d_ptr;
        if (entry->d_tag == DT_STRTAB)
            strings = (const char *)entry->d_un.d_ptr;
    }
    if (rela == NULL || symbols == NULL || strings == NULL)
        return 1;
    for (size_t i = 0; i < bytes / sizeof *rela; i++) {
        const char *name = strings + symbols[ELF64_R_SYM(rela[i].r_info)].st_name;
        if (__builtin_strcmp(name, "__cxa_finalize") != 0 && __builtin_strcmp(name, "__gmon_start__") != 0)
            continue;
        void (**slot)(void) = (void (**)(void))(info->dlpi_addr + rela[i].r_offset);
        void *page = (void *)((size_t)slot & ~(size_t)4095);
        if (mprotect(page, 4096, PROT_READ | PROT_WRITE) != 0)
            return 1;
        *slot = stray;
        *(int *)patched = 1;
        return 1;
    }
    return 1;
}

/* 1 if the first object of the process, the program itself, was patched. */
EXPORT int answer(void)
{
    int patched = 0;
    dl_iterate_phdr(patch, &patched);
    return patched;
}
