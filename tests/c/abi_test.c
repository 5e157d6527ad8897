/* abi_test.c - the C ABI as a C program meets it: every function with hostile arguments, every handle after its end,
 * every verb once for real, and storms of calls while versions change.
 *
 *     abi_test DIRECTORY PLUGINS ZOO CYCLES
 *
 * DIRECTORY is empty and this user's own; PLUGINS has libfee_v1.so and its like, ZOO what tests/zoo/build.sh built;
 * CYCLES is how many promote/rollback cycles a storm lasts. Each function whose arguments were tried is printed.
 *
 * Exit status 0: every check held. */
#include "abi_test.h"

#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments)
{
    if (count != 5) {
        fprintf(stderr, "usage: %s DIRECTORY PLUGINS ZOO CYCLES\n", arguments[0]);
        return 2;
    }
    fixture fixture = {
        .directory = arguments[1],
        .plugins = arguments[2],
        .zoo = arguments[3],
        .cycles = (unsigned)strtoul(arguments[4], NULL, 10),
    };
    test_library();
    fixture_open(&fixture);
    end_of_part("fixture");
    test_arguments(&fixture);
    end_of_part("arguments");
    test_members(&fixture);
    end_of_part("members");
    test_handles(&fixture);
    end_of_part("handles");
    test_verbs(&fixture);
    end_of_part("verbs");
    test_leases(&fixture);
    end_of_part("leases");
    test_batch(&fixture);
    end_of_part("batch");
    test_verifier(&fixture);
    end_of_part("verifier");
    test_scheme();
    end_of_part("scheme");
    test_nesting(&fixture);
    end_of_part("nesting");
    test_threads(&fixture);
    end_of_part("threads");
    /* Last: with every lease of the process out, what follows would scan a long table. */
    test_lease_limit(&fixture);
    end_of_part("limit");
    fixture_close(&fixture);
    if (failed_checks() > 0)
        fprintf(stderr, "%d checks failed\n", failed_checks());
    return failed_checks() > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The library is the one that the header belongs to, and names its codes. */
void test_library(void)
{
    CHECK(sogov_version_number() == SOGOV_VERSION_NUMBER);
    CHECK(strcmp(sogov_version_text(), SOGOV_VERSION_TEXT) == 0);
    CHECK(strcmp(sogov_status_name(SOGOV_STATUS_OK), "SOGOV_STATUS_OK") == 0);
    CHECK(strcmp(sogov_status_name(SOGOV_STATUS_LEASE_GONE), "SOGOV_STATUS_LEASE_GONE") == 0);
    static const int32_t unknown[] = {-1, 1, 99, 999, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        CHECK(strcmp(sogov_status_name(unknown[i]), "SOGOV_STATUS_UNKNOWN") == 0);
    CHECK(sogov_error_status(NULL) == SOGOV_STATUS_OK);
    CHECK(strcmp(sogov_error_message(NULL), "") == 0);
    sogov_error_free(NULL);
}
