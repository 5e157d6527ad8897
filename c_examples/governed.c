#define _POSIX_C_SOURCE 200809L
#include "governed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what must hold -------------------------------------------------------------------------------------------- */

void require(sogov_status status, sogov_error **error, const char *what)
{
    if (status == SOGOV_STATUS_OK)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, sogov_status_name((int32_t)status), sogov_error_message(*error));
    sogov_error_free(*error);
    exit(EXIT_FAILURE);
}

void must(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "WRONG: %s\n", what);
    exit(EXIT_FAILURE);
}

/* ---- keys and trust -------------------------------------------------------------------------------------------- */

static void write_file(const char *directory, const char *name, const void *bytes, size_t len)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    must(file != NULL && fwrite(bytes, 1, len, file) == len && fclose(file) == 0, path);
}

static void make_directory(const char *directory, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    must(mkdir(path, 0700) == 0, path);
}

static void write_trust_document(const char *directory, const sogov_key *key, const char *sonames)
{
    uint8_t id[32];
    char hex[65];
    char document[1024];
    sogov_error *error = NULL;
    require(sogov_key_id(key, id, &error), &error, "key id");
    for (size_t i = 0; i < sizeof id; i++)
        snprintf(hex + 2 * i, 3, "%02x", id[i]);
    int len = snprintf(document, sizeof document,
                       "{\"schema\": 1, \"epoch\": 1,\n"
                       " \"keys\": [{\"id\": \"sm3:%s\", \"scheme\": \"sm2-sm3\", \"services\": [\"*\"]}],\n"
                       " \"services\": [{\"name\": \"*\","
                       " \"allow\": {\"sonames\": [%s]}}]}\n",
                       hex, sonames);
    must(len > 0 && (size_t)len < sizeof document, "the trust document has room");
    write_file(directory, "trust/trust.json", document, (size_t)len);
}

sogov_key *make_trust_directory(const char *directory, const char *sonames)
{
    make_directory(directory, "trust");
    make_directory(directory, "trust/keys");
    sogov_key *key = NULL;
    sogov_bytes pem = SOGOV_BYTES_INIT;
    sogov_error *error = NULL;
    require(sogov_key_generate(SOGOV_TEXT("sm2-sm3"), &key, &error), &error, "make a key");
    require(sogov_key_export(key, SOGOV_KEY_FORMAT_SPKI_PEM, NULL, 0, &pem, &error), &error, "export its public part");
    write_file(directory, "trust/keys/release.pem", pem.data, pem.len);
    write_trust_document(directory, key, sonames);
    sogov_bytes_free(&pem);
    return key;
}

sogov_engine *open_governed(const char *directory, sogov_symbol_collisions collisions)
{
    char trust[4096];
    snprintf(trust, sizeof trust, "%s/trust", directory);
    sogov_engine_options options = {
        .size = sizeof options,
        .trust_directory = trust,
        .trust_directory_len = strlen(trust),
        .symbol_collisions = (uint32_t)collisions,
    };
    sogov_engine *engine = NULL;
    sogov_error *error = NULL;
    require(sogov_engine_open(&options, &engine, &error), &error, "open the engine");
    return engine;
}

/* ---- a signature beside a library -------------------------------------------------------------------------------- */

void find_library(const char *soname, char path[4096])
{
    static const char *const directories[] = {"/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64",
                                              "/lib64", "/usr/lib", "/lib"};
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
        snprintf(path, 4096, "%s/%s", directories[i], soname);
        if (access(path, R_OK) == 0)
            return;
    }
    fprintf(stderr, "%s is not installed\n", soname);
    exit(EXIT_FAILURE);
}

static void signature_path(const char *directory, const char *service, const char *version, char path[4096])
{
    snprintf(path, 4096, "%s/%s-%s.sogsig", directory, service, version);
}

sogov_status try_govern(sogov_engine *engine, const sogov_key *key, const char *directory, const char *service,
                        const char *version, const char *library, sogov_error **error)
{
    char signature[4096];
    signature_path(directory, service, version, signature);
    sogov_file_facts facts = {
        .size = sizeof facts,
        .service = service,
        .service_len = strlen(service),
        .version = version,
        .version_len = strlen(version),
        .epoch = 1,
        .issuer = "governed.c",
        .issuer_len = strlen("governed.c"),
        .detached = 1,
    };
    sogov_change_options options = {
        .size = sizeof options,
        .signature_path = signature,
        .signature_path_len = strlen(signature),
    };
    require(sogov_file_sign(key, library, strlen(library), signature, strlen(signature), &facts, NULL, error), error,
            "sign");
    return sogov_load_versioned(engine, service, strlen(service), NULL, 0, library, strlen(library), &options, NULL,
                                error);
}

void govern(sogov_engine *engine, const sogov_key *key, const char *directory, const char *service,
            const char *version, const char *library)
{
    char signature[4096];
    signature_path(directory, service, version, signature);
    sogov_error *error = NULL;
    require(try_govern(engine, key, directory, service, version, library, &error), &error, "load");
    printf("%s: %s is signed by %s and loaded as %s\n", service, library, signature, version);
}

/* ---- functions under a lease ------------------------------------------------------------------------------------ */

/* ISO C has no cast from an object's address to a function's; POSIX says that both have one representation, so the bytes
 * are copied. */
void find_function(sogov_lease lease, const char *name, void *function)
{
    void *address = NULL;
    sogov_error *error = NULL;
    require(sogov_lease_symbol(lease, name, strlen(name), NULL, 0, &address, &error), &error, name);
    memcpy(function, &address, sizeof address);
}

