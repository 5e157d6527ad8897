/* host.c - see host.h. */
#define _POSIX_C_SOURCE 200809L
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void host_expect(sogov_status expected, sogov_status found, const char *file, int line, const char *call)
{
    if (found == expected)
        return;
    fprintf(stderr, "%s:%d: %s: expected %s, found %s\n", file, line, call, sogov_status_name(expected),
            sogov_status_name(found));
    abort();
}

void host_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* A plugin that asks its host for a sanitizer's functions cannot be loaded into a process without them. */
enum { PREFLIGHT = SOGOV_PREFLIGHT_OFF };
#else
enum { PREFLIGHT = SOGOV_PREFLIGHT_REQUIRED };
#endif

static const char *release_directory(void)
{
    const char *directory = getenv("SOGOV_HOSTS");
    if (directory == NULL) {
        fprintf(stderr, "SOGOV_HOSTS is not set: start this by run.sh\n");
        exit(2);
    }
    return directory;
}

sogov_engine *host_engine(const char *state_directory)
{
    char trust[4096];
    sogov_engine_options options = {
        .size = sizeof options,
        .trust_directory = trust,
        .trust_directory_len = (size_t)snprintf(trust, sizeof trust, "%s/trust", release_directory()),
        .state_directory = state_directory,
        .state_directory_len = state_directory == NULL ? 0 : strlen(state_directory),
        .preflight = PREFLIGHT,
        /* A storm leaves a child little of the machine. */
        .preflight_ms = 60000,
    };
    sogov_engine *engine = NULL;
    OK(sogov_engine_open(&options, &engine, NULL));
    return engine;
}

/* Prints the error, if there is one, and frees it. */
static sogov_status said(const char *verb, const char *version, sogov_status status, sogov_error *error)
{
    if (status != SOGOV_STATUS_OK)
        fprintf(stderr, "%s of %s: %s\n", verb, version, sogov_error_message(error));
    sogov_error_free(error);
    return status;
}

sogov_status host_load(sogov_engine *engine, const char *version)
{
    char path[4096];
    size_t len = (size_t)snprintf(path, sizeof path, "%s/stamp-%s.so", release_directory(), version);
    sogov_error *error = NULL;
    sogov_status status = sogov_load_versioned(engine, STAMP, version, strlen(version), path, len, NULL, NULL, &error);
    return said("load", version, status, error);
}

sogov_status host_promote(sogov_engine *engine, const char *version)
{
    return sogov_promote(engine, STAMP, version, strlen(version), NULL, NULL, NULL);
}

sogov_status host_unload(sogov_engine *engine, const char *version)
{
    sogov_error *error = NULL;
    sogov_change_options options = {.size = sizeof options, .drain_ms = 60000};
    sogov_status status = sogov_unload(engine, STAMP, version, strlen(version), &options, &error);
    return said("unload", version, status, error);
}

sogov_service *host_service(sogov_engine *engine)
{
    sogov_service *service = NULL;
    OK(sogov_service_open(engine, STAMP, &service, NULL));
    return service;
}

void host_call(const sogov_service *service, uint64_t number, sogov_bytes *answer)
{
    char request[64], expected[sizeof request + SOGOV_LABEL_SIZE + 1];
    size_t request_len = (size_t)snprintf(request, sizeof request, "request %llu", (unsigned long long)number);
    sogov_call_info info = SOGOV_CALL_INFO_INIT;
    OK(sogov_call(service, NULL, (const uint8_t *)request, request_len, answer, &info, NULL));
    size_t len = (size_t)snprintf(expected, sizeof expected, "%s:%s", info.version, request);
    HOLDS(answer->len == len && memcmp(answer->data, expected, len) == 0);
    HOLDS(info.plugin_status == 0 && info.reason == SOGOV_ROUTE_REASON_STABLE);
}

uint64_t host_random(uint64_t *state)
{
    uint64_t word = *state += 0x9e3779b97f4a7c15u;
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9u;
    word = (word ^ word >> 27) * 0x94d049bb133111ebu;
    return word ^ word >> 31;
}

uint64_t host_setting(const char *variable, uint64_t otherwise)
{
    const char *value = getenv(variable);
    return value == NULL || *value == '\0' ? otherwise : strtoull(value, NULL, 10);
}
