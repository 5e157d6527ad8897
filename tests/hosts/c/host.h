/* host.h - what the C host programs share: an engine over the release of run.sh, and calls whose answers are checked. */
#ifndef HOST_H
#define HOST_H

#include "sogov.h"

#include <stdint.h>

#define STAMP SOGOV_TEXT("stamp")

/* Ends the process with the place and the error when a call is not answered with `expected`. */
#define EXPECT(expected, call) host_expect((expected), (call), __FILE__, __LINE__, #call)
#define OK(call) EXPECT(SOGOV_STATUS_OK, call)
void host_expect(sogov_status expected, sogov_status found, const char *file, int line, const char *call);

/* Ends the process when `condition` does not hold. */
#define HOLDS(condition) ((condition) ? (void)0 : host_fail(__FILE__, __LINE__, #condition))
_Noreturn void host_fail(const char *file, int line, const char *what);

/* An engine over $SOGOV_HOSTS/trust; with `state_directory`, or NULL. */
sogov_engine *host_engine(const char *state_directory);
/* Loads $SOGOV_HOSTS/stamp-VERSION.so. */
sogov_status host_load(sogov_engine *engine, const char *version);
sogov_status host_promote(sogov_engine *engine, const char *version);
sogov_status host_unload(sogov_engine *engine, const char *version);
sogov_service *host_service(sogov_engine *engine);

/* One call of the service stamp whose answer must be that of the version which the call names. `number` makes the
 * request. `answer` is used again and again. */
void host_call(const sogov_service *service, uint64_t number, sogov_bytes *answer);

/* The next of a sequence of numbers for a test's choices (splitmix64). */
uint64_t host_random(uint64_t *state);

/* The number in an environment variable, or `otherwise`. */
uint64_t host_setting(const char *variable, uint64_t otherwise);

#endif /* HOST_H */
