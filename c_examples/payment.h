/* payment.h - the parts of the payment host. payment_host.c tells the story. */
#ifndef PAYMENT_H
#define PAYMENT_H

#include "sogov.h"

#include <stdint.h>

/* ---- payment_tariff.c: what a fee must be ------------------------------------------------------------------- */

/* An amount in minor units of a currency (ISO 4217): 123456 of CNY is 1,234.56. */
typedef struct transaction {
    int64_t minor;
    unsigned currency;
} transaction;

enum { LINE_MAX_BYTES = 96 };

/* The transaction of that number; the same number always gives the same one. */
transaction transaction_of(uint64_t number);

/* The request line that the plugin "fee" takes, NUL-terminated. */
void transaction_request(const transaction *transaction, char line[LINE_MAX_BYTES]);

/* What a version must answer. EXPECT_FAILURE: the version is known to fail on this transaction. */
enum expectation { EXPECT_ANSWER, EXPECT_FAILURE, EXPECT_NOTHING_KNOWN };
enum expectation transaction_expected(const transaction *transaction, const char *version, char line[LINE_MAX_BYTES]);

/* ---- payment_traffic.c: calls, one by one and from many threads ---------------------------------------------- */

/* What calls came to. A call is lost when it neither got the right answer nor met a known defect. */
typedef struct tally {
    uint64_t calls;
    uint64_t right;
    uint64_t known_defect;
    uint64_t lost;
    /* Calls that began after the rollback had returned, and those of them that met the withdrawn version. */
    uint64_t after_rollback;
    uint64_t too_late;
} tally;

/* One thread's way to the service. */
typedef struct caller {
    const sogov_service *service;
    sogov_bytes answer;
    struct tally tally;
} caller;

/* Prices one transaction for a user. `environment` goes along as the header x-env; NULL sends none. The answer is
 * checked against the tariff of the version that `info` names, and counted. */
void caller_price(caller *caller, const char *user, const char *environment, const transaction *transaction,
                  sogov_call_info *info);
void caller_end(caller *caller);

/* Eight threads that call without a pause. */
typedef struct traffic traffic;

traffic *traffic_start(const sogov_service *service, const char *watched_version);
/* Waits for the first failed call of the watched version; 0 when none came within ten seconds. */
int traffic_wait_for_failure(traffic *traffic);
/* Tells the threads that the rollback has returned, lets each of them make some thousand calls more, and ends them. */
tally traffic_finish(traffic *traffic);

/* ---- payment_report.c: lines with times, and what must hold -------------------------------------------------- */

double now_ms(void);

/* Prints one line: milliseconds since the first line, a topic, a text. */
void say(const char *topic, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Remembers, and prints, that something is not as it must be. */
void must(int holds, const char *format, ...) __attribute__((format(printf, 2, 3)));
int everything_held(void);

/* Ends the program when a call failed that must succeed. */
void require(sogov_status status, sogov_error *error, const char *what);

#endif /* PAYMENT_H */
