/* symbolic.h - a library that looks for its own symbols in itself first. */
#ifndef SYMBOLIC_H
#define SYMBOLIC_H

/* Writes a copy of the shared object `source` with DF_SYMBOLIC, as if it had been linked with -Bsymbolic. Without it the
 * dynamic linker looks for the library's own functions in the program's libraries first, and the engine refuses a library
 * of which it would find some there. To be done before signing, as everything that changes a file. */
void copy_symbolic(const char *source, const char *target);

#endif
