/* apart.h - which image of the process an address lies in, and whether one image is bound to another. */
#ifndef APART_H
#define APART_H

#include <stddef.h>
#include <stdint.h>

/* The addresses of a mapped image, from its first segment to the end of its last one. */
typedef struct image {
    uintptr_t start;
    uintptr_t end;
} image;

/* The image that `address` lies in; {0, 0} where it lies in none. */
image image_at(uintptr_t address);

/* How many words of the writable data of `from` are addresses in `to`. Whatever the dynamic linker binds in an image, be it
 * a call, a variable or an entry of a table, it writes there: so 0 says that no symbol of `from` was bound to `to`. While
 * this runs no other thread may be inside of `from`. */
size_t words_into(image from, image to);

#endif
