/* fixture.c - keys, a trust directory in development mode, signed plugins, an engine. */
#define _POSIX_C_SOURCE 200809L
#include "abi_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static void make_trust_directory(fixture *fixture);
static void free_one_of_each(fixture *fixture);

void fixture_open(fixture *fixture)
{
    SUCCEEDS(sogov_key_generate(SOGOV_TEXT("sm2-sm3"), &fixture->key, E));
    SUCCEEDS(sogov_key_generate(SOGOV_TEXT("sm2-sm3"), &fixture->stranger, E));
    make_trust_directory(fixture);
    fixture->engine = new_engine(fixture, NULL, NULL);
    load_plugin(fixture, fixture->engine, fee_plugin(fixture, "v1"), "fee", "v1");
    load_plugin(fixture, fixture->engine, fee_plugin(fixture, "v2"), "fee", "v2");
    promote(fixture->engine, "fee", "v1");
    fixture->fee = open_service(fixture->engine, "fee");
    free_one_of_each(fixture);
}

void fixture_close(fixture *fixture)
{
    sogov_service_free(fixture->fee);
    sogov_engine_free(fixture->engine);
    sogov_key_free(fixture->key);
    sogov_key_free(fixture->stranger);
}

sogov_engine *new_engine(const fixture *fixture, sogov_log_callback log, void *log_context)
{
    sogov_engine_options options = {
        .size = sizeof options,
        .trust_directory = fixture->trust,
        .trust_directory_len = strlen(fixture->trust),
        .log = log,
        .log_context = log_context,
        /* Few cycles: under valgrind, which looks for leaks in every process that is made. That takes seconds. */
        .preflight = fixture->cycles < 100 ? SOGOV_PREFLIGHT_OFF : SOGOV_PREFLIGHT_REQUIRED,
    };
    sogov_engine *engine = NULL;
    SUCCEEDS(sogov_engine_open(&options, &engine, E));
    return engine;
}

sogov_service *open_service(sogov_engine *engine, const char *name)
{
    sogov_service *service = NULL;
    SUCCEEDS(sogov_service_open(engine, name, strlen(name), &service, E));
    return service;
}

static const char *joined(const char *directory, const char *name, const char *ending)
{
    static char paths[8][4096];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s%s", directory, name, ending);
    return path;
}

const char *path_of(const fixture *fixture, const char *name)
{
    return joined(fixture->directory, name, "");
}

const char *fee_plugin(const fixture *fixture, const char *version)
{
    char name[64];
    snprintf(name, sizeof name, "libfee_%s", version);
    return joined(fixture->plugins, name, ".so");
}

const char *zoo_plugin(const fixture *fixture, const char *name)
{
    return joined(fixture->zoo, name, ".so");
}

const char *signed_plugin(const fixture *fixture, const char *source, const char *service, const char *version)
{
    char name[160];
    snprintf(name, sizeof name, "%s-%s", service, version);
    const char *target = joined(fixture->directory, name, ".so");
    sogov_file_facts facts = {
        .size = sizeof facts,
        .service = service,
        .service_len = strlen(service),
        .version = version,
        .version_len = strlen(version),
        .epoch = 1,
    };
    SUCCEEDS(sogov_file_sign(fixture->key, source, strlen(source), target, strlen(target), &facts, NULL, E));
    return target;
}

void load_plugin(const fixture *fixture, sogov_engine *engine, const char *source, const char *service,
                 const char *version)
{
    const char *path = signed_plugin(fixture, source, service, version);
    sogov_version_info info = SOGOV_VERSION_INFO_INIT;
    SUCCEEDS(sogov_load_versioned(engine, service, strlen(service), version, strlen(version), path, strlen(path), NULL,
                                  &info, E));
    CHECK(strcmp(info.service, service) == 0 && strcmp(info.version, version) == 0);
    CHECK(info.standing == SOGOV_STANDING_LOADED && info.development == 1 && info.epoch == 1);
}

void promote(sogov_engine *engine, const char *service, const char *version)
{
    SUCCEEDS(sogov_promote(engine, service, strlen(service), version, strlen(version), NULL, NULL, E));
}

sogov_version_info info_of(sogov_engine *engine, const char *service, const char *version)
{
    sogov_version_info infos[32] = {SOGOV_VERSION_INFO_INIT};
    size_t count = 0;
    SUCCEEDS(sogov_version_list(engine, service, strlen(service), infos, 32, &count, E));
    for (size_t i = 0; i < count && i < 32; i++)
        if (strcmp(infos[i].version, version) == 0)
            return infos[i];
    return (sogov_version_info)SOGOV_VERSION_INFO_INIT;
}

sogov_status call_text(const sogov_service *service, const char *request, char answer[128], sogov_call_info *info)
{
    sogov_bytes bytes = SOGOV_BYTES_INIT;
    *info = (sogov_call_info)SOGOV_CALL_INFO_INIT;
    sogov_status status = sogov_call(service, NULL, (const uint8_t *)request, strlen(request), &bytes, info, NULL);
    snprintf(answer, 128, "%.*s", (int)bytes.len, bytes.len > 0 ? (const char *)bytes.data : "");
    CHECK(sogov_bytes_free(&bytes) == SOGOV_STATUS_OK);
    return status;
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(bytes, 1, len, file) == len);
    if (file != NULL)
        fclose(file);
}

static void make_trust_directory(fixture *fixture)
{
    snprintf(fixture->trust, sizeof fixture->trust, "%s/trust", fixture->directory);
    CHECK(mkdir(fixture->trust, 0700) == 0);
    CHECK(mkdir(path_of(fixture, "trust/keys"), 0700) == 0);

    sogov_bytes pem = SOGOV_BYTES_INIT;
    SUCCEEDS(sogov_key_export(fixture->key, SOGOV_KEY_FORMAT_SPKI_PEM, NULL, 0, &pem, E));
    write_file(path_of(fixture, "trust/keys/release.pem"), pem.data, pem.len);
    CHECK(sogov_bytes_free(&pem) == SOGOV_STATUS_OK);

    uint8_t id[32];
    char hex[65];
    char document[512];
    SUCCEEDS(sogov_key_id(fixture->key, id, E));
    for (size_t i = 0; i < sizeof id; i++)
        snprintf(hex + 2 * i, 3, "%02x", id[i]);
    int len = snprintf(document, sizeof document,
                       "{\"schema\": 1, \"epoch\": 1, \"keys\": [{\"id\": \"sm3:%s\", \"scheme\": \"sm2-sm3\","
                       " \"services\": [\"*\"]}], \"services\": [{\"name\": \"*\"}]}",
                       hex);
    write_file(path_of(fixture, "trust/trust.json"), document, (size_t)len);
}

static void free_one_of_each(fixture *fixture)
{
    SUCCEEDS(sogov_engine_open(NULL, &fixture->freed_engine, E));
    fixture->freed_service = open_service(fixture->freed_engine, "any");
    SUCCEEDS(sogov_key_generate(SOGOV_TEXT("sm2-sm3"), &fixture->freed_key, E));
    sogov_engine_free(fixture->freed_engine);
    sogov_service_free(fixture->freed_service);
    sogov_key_free(fixture->freed_key);
}
