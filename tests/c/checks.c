/* checks.c - counting what held and printing what did not. Any thread. */
#include "abi_test.h"

#include <stdatomic.h>
#include <stdio.h>

static atomic_uint made, failed, made_before;

void check(int holds, const char *file, int line, const char *what)
{
    atomic_fetch_add(&made, 1);
    if (holds)
        return;
    /* A storm can fail millions of times for one reason. */
    if (atomic_fetch_add(&failed, 1) < 100)
        fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
}

void check_refused(const char *file, int line, const char *what, sogov_status expected, const char *word,
                   sogov_status with_place, sogov_status without_place, sogov_error *refusal)
{
    const char *message = sogov_error_message(refusal);
    int holds = with_place == expected && without_place == expected && refusal != NULL &&
                sogov_error_status(refusal) == expected && message[0] != '\0' && strchr(message, '\n') == NULL &&
                strstr(message, word) != NULL;
    check(holds, file, line, what);
    if (!holds)
        fprintf(stderr, "    expected %s and \"%s\", found %s (%s without a place): \"%s\"\n",
                sogov_status_name((int32_t)expected), word, sogov_status_name((int32_t)with_place),
                sogov_status_name((int32_t)without_place), message);
    sogov_error_free(refusal);
}

void check_succeeded(const char *file, int line, const char *what, sogov_status status, sogov_error *refusal)
{
    int holds = status == SOGOV_STATUS_OK && refusal == NULL;
    check(holds, file, line, what);
    if (!holds)
        fprintf(stderr, "    expected success, found %s: \"%s\"\n", sogov_status_name((int32_t)status),
                sogov_error_message(refusal));
    sogov_error_free(refusal);
}

void end_of_part(const char *name)
{
    printf("%-10s %8u checks\n", name, atomic_load(&made) - atomic_load(&made_before));
    fflush(stdout);
    atomic_store(&made_before, atomic_load(&made));
}

int failed_checks(void)
{
    return (int)atomic_load(&failed);
}
