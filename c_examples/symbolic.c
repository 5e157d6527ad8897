#include "symbolic.h"
#include "governed.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    must(file != NULL && fseek(file, 0, SEEK_END) == 0, path);
    long end = ftell(file);
    must(end > 0, path);
    *len = (size_t)end;
    unsigned char *bytes = malloc(*len);
    rewind(file);
    must(bytes != NULL && fread(bytes, 1, *len, file) == *len && fclose(file) == 0, path);
    return bytes;
}

/* The bytes [offset, offset + len) of the file; the program ends where it has none. */
static unsigned char *range(unsigned char *bytes, size_t size, uint64_t offset, uint64_t len)
{
    must(offset <= size && len <= size - offset, "a well-formed ELF file");
    return bytes + offset;
}

static void set_flag(unsigned char *dynamic, size_t len)
{
    for (size_t at = 0; at + sizeof(Elf64_Dyn) <= len; at += sizeof(Elf64_Dyn)) {
        Elf64_Dyn entry;
        memcpy(&entry, dynamic + at, sizeof entry);
        if (entry.d_tag != DT_FLAGS)
            continue;
        entry.d_un.d_val |= DF_SYMBOLIC;
        memcpy(dynamic + at, &entry, sizeof entry);
        return;
    }
    must(0, "a dynamic section with DT_FLAGS");
}

void copy_symbolic(const char *source, const char *target)
{
    size_t len = 0;
    unsigned char *bytes = read_file(source, &len);
    Elf64_Ehdr header;
    memcpy(&header, range(bytes, len, 0, sizeof header), sizeof header);
    must(memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64, "a 64-bit ELF file");
    for (size_t i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr segment;
        memcpy(&segment, range(bytes, len, header.e_phoff + i * sizeof segment, sizeof segment), sizeof segment);
        if (segment.p_type == PT_DYNAMIC)
            set_flag(range(bytes, len, segment.p_offset, segment.p_filesz), segment.p_filesz);
    }
    FILE *file = fopen(target, "wb");
    must(file != NULL && fwrite(bytes, 1, len, file) == len && fclose(file) == 0, target);
    free(bytes);
}
