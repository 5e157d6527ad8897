/* abi_test.h - what the parts of the ABI test share. */
#ifndef ABI_TEST_H
#define ABI_TEST_H

#include "sogov.h"
#include "sogov_plugin.h"

#include <stdint.h>
#include <string.h>

/* ---- checks.c ------------------------------------------------------------------------------------------------ */

/* Counts a check; a failed one is printed and remembered, and the program goes on. */
#define CHECK(condition) check((condition) != 0, __FILE__, __LINE__, #condition)
/* The call must be refused with this status and a message that contains `word`. It is written with E where the error
 * goes, and made twice: with a place for the error, and without. */
#define REFUSED(status, word, call)                                                                                   \
    do {                                                                                                              \
        sogov_error *refusal = NULL;                                                                                  \
        sogov_error **E = &refusal;                                                                                   \
        sogov_status with_place = (call);                                                                             \
        E = NULL;                                                                                                     \
        sogov_status without_place = (call);                                                                          \
        check_refused(__FILE__, __LINE__, #call, status, word, with_place, without_place, refusal);                   \
    } while (0)
/* The call must succeed and leave no error. */
#define SUCCEEDS(call)                                                                                                \
    do {                                                                                                              \
        sogov_error *refusal = NULL;                                                                                  \
        sogov_error **E = &refusal;                                                                                   \
        sogov_status status = (call);                                                                                 \
        check_succeeded(__FILE__, __LINE__, #call, status, refusal);                                                  \
    } while (0)

void check(int holds, const char *file, int line, const char *what);
/* `refusal` is taken. */
void check_refused(const char *file, int line, const char *what, sogov_status expected, const char *word,
                   sogov_status with_place, sogov_status without_place, sogov_error *refusal);
void check_succeeded(const char *file, int line, const char *what, sogov_status status, sogov_error *refusal);
/* Ends the part "name": prints how many checks it made. */
void end_of_part(const char *name);
int failed_checks(void);

/* ---- fixture.c: keys, a trust directory in development mode, signed plugins, an engine ------------------------ */

typedef struct fixture {
    /* A directory of this program's own; where the fee plugins are; where the zoo is. */
    const char *directory;
    const char *plugins;
    const char *zoo;
    /* Promote/rollback cycles of the storms. */
    unsigned cycles;

    char trust[4096];
    /* Signs plugins, is trusted for all services. */
    sogov_key *key;
    /* Signs too, and nobody trusts it. */
    sogov_key *stranger;
    /* With the service "fee": v1 is stable, v2 is loaded. */
    sogov_engine *engine;
    sogov_service *fee;
    /* Handles that were freed. */
    sogov_engine *freed_engine;
    sogov_service *freed_service;
    sogov_key *freed_key;
} fixture;

void fixture_open(fixture *fixture);
void fixture_close(fixture *fixture);

/* A new engine over the fixture's trust directory; NULL options: without a log. */
sogov_engine *new_engine(const fixture *fixture, sogov_log_callback log, void *log_context);
sogov_service *open_service(sogov_engine *engine, const char *name);
/* The path of a file in the fixture's directory; valid until the fourth next call. */
const char *path_of(const fixture *fixture, const char *name);
const char *fee_plugin(const fixture *fixture, const char *version);
const char *zoo_plugin(const fixture *fixture, const char *name);
/* Signs the plugin at `source` into the fixture's directory; the path is valid like that of path_of. */
const char *signed_plugin(const fixture *fixture, const char *source, const char *service, const char *version);
/* Signs and loads. */
void load_plugin(const fixture *fixture, sogov_engine *engine, const char *source, const char *service,
                 const char *version);
void promote(sogov_engine *engine, const char *service, const char *version);
/* What is known of a version; `service` is empty when it is not listed. */
sogov_version_info info_of(sogov_engine *engine, const char *service, const char *version);
/* One request; the answer is NUL-terminated, the version is in `info`. */
sogov_status call_text(const sogov_service *service, const char *request, char answer[128], sogov_call_info *info);

/* ---- the parts ------------------------------------------------------------------------------------------------- */

void test_library(void);
void test_arguments(fixture *fixture);
void test_members(fixture *fixture);
void test_handles(fixture *fixture);
void test_verbs(fixture *fixture);
void test_leases(fixture *fixture);
void test_batch(fixture *fixture);
void test_verifier(fixture *fixture);
void test_scheme(void);
void test_nesting(fixture *fixture);
void test_threads(fixture *fixture);
void test_lease_limit(fixture *fixture);

#endif /* ABI_TEST_H */
