/*
 * release.c - the release team of the host tests: makes a key, a trust directory that names it (in the development
 * mode: without root keys), and signed copies of plugins.
 *
 *   release DIRECTORY SERVICE VERSION PLUGIN [SERVICE VERSION PLUGIN]...
 *
 * writes DIRECTORY/trust and DIRECTORY/SERVICE-VERSION.so.
 */
#define _POSIX_C_SOURCE 200809L
#include "sogov.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void make_trust_directory(const char *directory, const sogov_key *key);
static void sign(const char *directory, const sogov_key *key, char *const named[3]);
static void check(sogov_status status, sogov_error *error);

int main(int argc, char *argv[])
{
    if (argc < 5 || (argc - 2) % 3 != 0) {
        fprintf(stderr, "usage: %s DIRECTORY SERVICE VERSION PLUGIN [SERVICE VERSION PLUGIN]...\n", argv[0]);
        return 2;
    }
    sogov_key *key = NULL;
    sogov_error *error = NULL;
    sogov_status made = sogov_key_generate(SOGOV_TEXT("sm2-sm3"), &key, &error);
    check(made, error);
    make_trust_directory(argv[1], key);
    for (int i = 2; i < argc; i += 3)
        sign(argv[1], key, &argv[i]);
    sogov_key_free(key);
    return 0;
}

static void write_file(const char *directory, const char *name, const void *bytes, size_t len)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, len, file) != len || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void make_directory(const char *directory, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    if (mkdir(path, 0700) != 0) {
        perror(path);
        exit(1);
    }
}

static void make_trust_directory(const char *directory, const sogov_key *key)
{
    sogov_error *error = NULL;
    sogov_bytes pem = SOGOV_BYTES_INIT;
    sogov_status done = sogov_key_export(key, SOGOV_KEY_FORMAT_SPKI_PEM, NULL, 0, &pem, &error);
    check(done, error);
    uint8_t id[32];
    done = sogov_key_id(key, id, &error);
    check(done, error);
    char hex[2 * sizeof id + 1];
    for (size_t i = 0; i < sizeof id; i++)
        snprintf(hex + 2 * i, 3, "%02x", id[i]);
    char document[512];
    int len = snprintf(document, sizeof document,
                       "{\"schema\": 1, \"epoch\": 1, \"keys\": [{\"id\": \"sm3:%s\", \"scheme\": \"sm2-sm3\","
                       " \"services\": [\"*\"]}]}",
                       hex);
    make_directory(directory, "trust");
    make_directory(directory, "trust/keys");
    write_file(directory, "trust/keys/release.pem", pem.data, pem.len);
    write_file(directory, "trust/trust.json", document, (size_t)len);
    sogov_bytes_free(&pem);
}

static void sign(const char *directory, const sogov_key *key, char *const named[3])
{
    const char *service = named[0], *version = named[1], *plugin = named[2];
    char target[4096];
    snprintf(target, sizeof target, "%s/%s-%s.so", directory, service, version);
    sogov_file_facts facts = {
        .size = sizeof facts,
        .service = service,
        .service_len = strlen(service),
        .version = version,
        .version_len = strlen(version),
        .epoch = 1,
    };
    sogov_error *error = NULL;
    sogov_status done =
        sogov_file_sign(key, plugin, strlen(plugin), target, strlen(target), &facts, NULL, &error);
    check(done, error);
}

static void check(sogov_status status, sogov_error *error)
{
    if (status == SOGOV_STATUS_OK)
        return;
    fprintf(stderr, "release: %s: %s\n", sogov_status_name(status), sogov_error_message(error));
    exit(1);
}
