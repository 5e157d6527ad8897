/* governed.h - what the examples with third-party libraries share: a key and a trust directory of their own, a signature
 * beside a library that stays as it is, and its functions under a lease. Whatever fails ends the program with status 1 and
 * a line that says what it was. */
#ifndef GOVERNED_H
#define GOVERNED_H

#include "sogov.h"

/* Ends the program unless `status` is SOGOV_STATUS_OK. It takes the error variable's address, since C leaves open whether
 * the variable is read before or after the call beside it that fills it. */
void require(sogov_status status, sogov_error **error, const char *what);

/* Ends the program unless `holds`. */
void must(int holds, const char *what);

/* Makes trust/ in `directory`, an empty directory that only this user can write to: one new key, trusted for every
 * service. `sonames` is the inside of a JSON array: SONAMEs that system libraries have, which no plugin may have unless the
 * trust policy names them. The key is the caller's to free. */
sogov_key *make_trust_directory(const char *directory, const char *sonames);

/* Opens an engine over that trust directory, without root key ids: that is the development mode, which says so in every
 * listing. */
sogov_engine *open_governed(const char *directory, sogov_symbol_collisions collisions);

/* Where the system has the library of that SONAME. */
void find_library(const char *soname, char path[4096]);

/* Signs the library where it stands, writes the signature to a file in `directory`, and loads it as that version. It
 * serves nobody yet. */
void govern(sogov_engine *engine, const sogov_key *key, const char *directory, const char *service,
            const char *version, const char *library);

/* The same, where the load may be refused: what became of it. */
sogov_status try_govern(sogov_engine *engine, const sogov_key *key, const char *directory, const char *service,
                        const char *version, const char *library, sogov_error **error);

/* Puts the address of `name` into the function pointer at `function`. It may be called until the lease is released. */
void find_function(sogov_lease lease, const char *name, void *function);

#endif
