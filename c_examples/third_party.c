/* third_party.c - libraries that nobody wrote for sogov, governed all the same: Debian's libz.so.1 and
 * libsqlite3.so.0 stay as the distribution ships them, get a signature file each, and are called through leases.
 *
 *     third_party DIRECTORY
 *
 * DIRECTORY is an empty directory that only this user can write to. The program makes its own keys and trust directory
 * there and opens the engine without root key ids: that is the development mode, which says so in every listing.
 *
 * Exit status 0: every answer was as it must be. */
#include "governed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void serve(sogov_engine *engine, const sogov_key *key, const char *directory, const char *service,
                  const char *soname);
static void use_zlib(sogov_engine *engine);
static void use_sqlite(sogov_engine *engine);
static void list_versions(sogov_engine *engine);

int main(int count, char **arguments)
{
    if (count != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", arguments[0]);
        return 2;
    }
    const char *directory = arguments[1];
    sogov_key *key = make_trust_directory(directory, "\"libz.so.1\", \"libsqlite3.so.0\"");
    sogov_engine *engine = open_governed(directory, SOGOV_SYMBOL_COLLISIONS_REFUSE);
    serve(engine, key, directory, "zlib", "libz.so.1");
    serve(engine, key, directory, "sqlite", "libsqlite3.so.0");
    use_zlib(engine);
    use_sqlite(engine);
    list_versions(engine);
    sogov_engine_free(engine);
    sogov_key_free(key);
    return EXIT_SUCCESS;
}

/* Has the system's library of that SONAME serve as the version "debian". */
static void serve(sogov_engine *engine, const sogov_key *key, const char *directory, const char *service,
                  const char *soname)
{
    char library[4096];
    sogov_error *error = NULL;
    find_library(soname, library);
    govern(engine, key, directory, service, "debian", library);
    require(sogov_promote(engine, service, strlen(service), SOGOV_TEXT("debian"), NULL, NULL, &error), &error,
            "promote");
}

/* ---- calls under a lease ----------------------------------------------------------------------------------------- */

static sogov_lease take_lease(sogov_engine *engine, const char *name)
{
    sogov_service *service = NULL;
    sogov_lease lease = 0;
    sogov_error *error = NULL;
    require(sogov_service_open(engine, name, strlen(name), &service, &error), &error, "open the service");
    require(sogov_route(service, NULL, &lease, &error), &error, "route");
    /* The lease lives on without the handle that it was taken through. */
    sogov_service_free(service);
    return lease;
}

static void give_back(sogov_lease lease)
{
    sogov_error *error = NULL;
    require(sogov_lease_release(lease, SOGOV_OUTCOME_SUCCESS, &error), &error, "release");
}

static void use_zlib(sogov_engine *engine)
{
    const char *(*version)(void);
    unsigned long (*crc32)(unsigned long, const unsigned char *, unsigned);
    int (*compress)(unsigned char *, unsigned long *, const unsigned char *, unsigned long);
    int (*uncompress)(unsigned char *, unsigned long *, const unsigned char *, unsigned long);

    sogov_lease lease = take_lease(engine, "zlib");
    find_function(lease, "zlibVersion", &version);
    find_function(lease, "crc32", &crc32);
    find_function(lease, "compress", &compress);
    find_function(lease, "uncompress", &uncompress);

    unsigned long sum = crc32(0, (const unsigned char *)"123456789", 9);
    unsigned char ledger[10000], packed[11000], unpacked[10000];
    unsigned long packed_len = sizeof packed;
    unsigned long unpacked_len = sizeof unpacked;
    for (size_t i = 0; i < sizeof ledger; i++)
        ledger[i] = (unsigned char)("amount=12.34;"[i % 13]);
    must(compress(packed, &packed_len, ledger, sizeof ledger) == 0, "zlib: compress");
    must(uncompress(unpacked, &unpacked_len, packed, packed_len) == 0, "zlib: uncompress");
    must(unpacked_len == sizeof ledger && memcmp(ledger, unpacked, sizeof ledger) == 0, "zlib: the same bytes again");
    must(sum == 0xcbf43926UL, "zlib: the check value of CRC-32");
    printf("zlib %s: crc32 %08lx; %zu bytes to %lu and back\n", version(), sum, sizeof ledger, packed_len);
    give_back(lease);
}

/* A row callback of sqlite3_exec: copies the first column. */
static int copy_first_column(void *to, int columns, char **values, char **names)
{
    (void)names;
    if (columns > 0 && values[0] != NULL)
        snprintf(to, 32, "%s", values[0]);
    return 0;
}

static void use_sqlite(sogov_engine *engine)
{
    struct sqlite3;
    const char *(*version)(void);
    int (*open_database)(const char *, struct sqlite3 **);
    int (*execute)(struct sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **);
    int (*close_database)(struct sqlite3 *);

    sogov_lease lease = take_lease(engine, "sqlite");
    find_function(lease, "sqlite3_libversion", &version);
    find_function(lease, "sqlite3_open", &open_database);
    find_function(lease, "sqlite3_exec", &execute);
    find_function(lease, "sqlite3_close", &close_database);

    struct sqlite3 *database = NULL;
    char sum[32] = "";
    must(open_database(":memory:", &database) == 0, "sqlite: open");
    must(execute(database,
                 "create table fee (minor integer not null);"
                 "insert into fee values (617), (556), (10);"
                 "select sum(minor) from fee;",
                 copy_first_column, sum, NULL) == 0,
         "sqlite: execute");
    must(close_database(database) == 0, "sqlite: close");
    must(strcmp(sum, "1183") == 0, "sqlite: the sum");
    printf("sqlite %s: the fees sum up to %s\n", version(), sum);
    give_back(lease);
}

static void list_versions(sogov_engine *engine)
{
    sogov_version_info infos[8] = {SOGOV_VERSION_INFO_INIT};
    size_t count = 0;
    sogov_error *error = NULL;
    require(sogov_version_list(engine, NULL, 0, infos, 8, &count, &error), &error, "list the versions");
    must(count == 2, "two versions");
    for (size_t i = 0; i < count; i++) {
        must(infos[i].standing == SOGOV_STANDING_STABLE && infos[i].calls == 1 && infos[i].in_flight == 0,
             "one call each, none in flight");
        printf("%s@%s: digest %02x%02x%02x%02x..., %llu call%s\n", infos[i].service, infos[i].version,
               infos[i].digest[0], infos[i].digest[1], infos[i].digest[2], infos[i].digest[3],
               (unsigned long long)infos[i].calls,
               infos[i].development ? "; DEVELOPMENT MODE: trust.json is not signed by a root key" : "");
    }
}
