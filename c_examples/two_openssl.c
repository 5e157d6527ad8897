/* two_openssl.c - OpenSSL 1.1.1 and OpenSSL 3 as two versions of one service in one process. Both export EVP_Digest and
 * thousands of other names; each call goes to the one that the request asks for, and neither ever uses a function of the
 * other.
 *
 *     two_openssl DIRECTORY LIBCRYPTO_1_1
 *
 * DIRECTORY is an empty directory that only this user can write to; LIBCRYPTO_1_1 is a file, which tools/fetch_openssl.sh
 * gets (OpenSSL 1.1.1 has no maintainers any more: it is here as what an update would replace). OpenSSL 3 is the system's.
 *
 * Compiled with HOST_OPENSSL, the program is linked against the system's OpenSSL itself. Then the process has three: the
 * host's, and the two that are governed. Debian's libcrypto is not linked with -Bsymbolic, so beside the host's it would
 * use that one's functions in the place of its own. An engine refuses it, unless it is told that a plugin's own come first.
 *
 * Exit status 0: every answer was as it must be. */
#include "apart.h"
#include "governed.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef HOST_OPENSSL
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#endif

enum { THREADS = 4, CALLS = 100000, DIGEST = 32, LONGEST = 4096 };

/* The versions, by their labels, and what each says of itself. */
static const char *const labels[2] = {"1.1.1l", "3"};
static const char *const names[2] = {"OpenSSL 1.1.1l ", "OpenSSL 3."};

/* The functions that both have, of one of them. Pointers to their types, EVP_MD and ENGINE, are only handed back here. */
typedef struct openssl {
    const char *(*version)(int what);
    unsigned char *(*sha256)(const unsigned char *data, size_t len, unsigned char *digest);
    int (*evp_digest)(const void *data, size_t len, unsigned char *digest, unsigned *size, const void *md, void *engine);
    const void *(*evp_sha256)(void);
} openssl;

#ifdef HOST_OPENSSL
static void show_refusal(const sogov_key *key, const char *directory);
#endif
static void load_both(sogov_engine *engine, const sogov_key *key, const char *directory, const char *old_library);
static void call_from_threads(sogov_engine *engine);
static void look_for_bindings(sogov_engine *engine);
static void list_versions(sogov_engine *engine);

int main(int count, char **arguments)
{
    if (count != 3) {
        fprintf(stderr, "usage: %s DIRECTORY LIBCRYPTO_1_1\n", arguments[0]);
        return 2;
    }
    const char *directory = arguments[1];
    /* The system's library keeps its SONAME. */
    sogov_key *key = make_trust_directory(directory, "\"libcrypto.so.3\"");
#ifdef HOST_OPENSSL
    show_refusal(key, directory);
    sogov_engine *engine = open_governed(directory, SOGOV_SYMBOL_COLLISIONS_OWN_FIRST);
#else
    sogov_engine *engine = open_governed(directory, SOGOV_SYMBOL_COLLISIONS_REFUSE);
#endif
    load_both(engine, key, directory, arguments[2]);
    call_from_threads(engine);
    look_for_bindings(engine);
    list_versions(engine);
    sogov_engine_free(engine);
    sogov_key_free(key);
    return EXIT_SUCCESS;
}

/* ---- two versions ------------------------------------------------------------------------------------------------ */

#ifdef HOST_OPENSSL
static void show_refusal(const sogov_key *key, const char *directory)
{
    char library[4096];
    sogov_error *error = NULL;
    sogov_engine *engine = open_governed(directory, SOGOV_SYMBOL_COLLISIONS_REFUSE);
    find_library("libcrypto.so.3", library);
    sogov_status status = try_govern(engine, key, directory, "crypto", labels[1], library, &error);
    must(status == SOGOV_STATUS_IMAGE_REJECTED, "a library that would use the host's functions is refused");
    printf("refused: %s\n", sogov_error_message(error));
    sogov_error_free(error);
    sogov_engine_free(engine);
}
#endif

/* OpenSSL 3 serves by default; who says so in a header gets the old one. */
static void load_both(sogov_engine *engine, const sogov_key *key, const char *directory, const char *old_library)
{
    char new_library[4096];
    sogov_error *error = NULL;
    find_library("libcrypto.so.3", new_library);
    govern(engine, key, directory, "crypto", labels[0], old_library);
    govern(engine, key, directory, "crypto", labels[1], new_library);
    static const char policy[] = "{\"version\": \"both\", \"stable\": \"3\", \"weight\": {\"3\": 1, \"1.1.1l\": 0},"
                                 " \"rules\": [{\"id\": \"old\", \"priority\": 1,"
                                 " \"when\": {\"header\": \"openssl\", \"eq\": \"1.1.1l\"}, \"to\": \"1.1.1l\"}]}";
    require(sogov_route_policy_apply(engine, SOGOV_TEXT("crypto"), (const uint8_t *)policy, strlen(policy), NULL,
                                     &error),
            &error, "apply the route policy");
}

static sogov_lease take_lease(const sogov_service *service, const char *label)
{
    const sogov_header header = {
        .name = "openssl",
        .name_len = strlen("openssl"),
        .value = (const uint8_t *)label,
        .value_len = strlen(label),
    };
    const sogov_request request = {.size = sizeof request, .headers = &header, .header_count = 1};
    sogov_lease lease = 0;
    sogov_error *error = NULL;
    require(sogov_route(service, &request, &lease, &error), &error, "route");
    return lease;
}

static void give_back(sogov_lease lease)
{
    sogov_error *error = NULL;
    require(sogov_lease_release(lease, SOGOV_OUTCOME_SUCCESS, &error), &error, "release");
}

/* Good until the lease is released. */
static openssl functions_of(sogov_lease lease)
{
    openssl found;
    find_function(lease, "OpenSSL_version", &found.version);
    find_function(lease, "SHA256", &found.sha256);
    find_function(lease, "EVP_Digest", &found.evp_digest);
    find_function(lease, "EVP_sha256", &found.evp_sha256);
    return found;
}

/* ---- 100,000 calls ----------------------------------------------------------------------------------------------- */

/* What one OpenSSL makes of the message, in two ways. */
static void digest(const openssl *openssl, const char *name, const unsigned char *message, size_t len,
                   unsigned char out[DIGEST])
{
    unsigned char other[DIGEST];
    unsigned size = 0;
    must(strncmp(openssl->version(0), name, strlen(name)) == 0, "the version that was asked for answers");
    must(openssl->sha256(message, len, out) == out, "SHA256");
    must(openssl->evp_digest(message, len, other, &size, openssl->evp_sha256(), NULL) == 1 && size == DIGEST,
         "EVP_Digest");
    must(memcmp(out, other, DIGEST) == 0, "SHA256 and EVP_Digest: one digest");
}

#ifdef HOST_OPENSSL
static const void *host_evp_sha256(void)
{
    return EVP_sha256();
}

static int host_evp_digest(const void *data, size_t len, unsigned char *digest, unsigned *size, const void *md,
                           void *engine)
{
    return EVP_Digest(data, len, digest, size, md, engine);
}

static const openssl host = {OpenSSL_version, SHA256, host_evp_digest, host_evp_sha256};
#endif

/* The digests of one message by all who are here. The two leases are held at the same time. */
static void call_both(const sogov_service *service, const unsigned char *message, size_t len,
                      unsigned char digests[2][DIGEST])
{
    sogov_lease leases[2];
    for (int i = 0; i < 2; i++)
        leases[i] = take_lease(service, labels[i]);
    for (int i = 0; i < 2; i++) {
        openssl openssl = functions_of(leases[i]);
        digest(&openssl, names[i], message, len, digests[i]);
    }
    for (int i = 0; i < 2; i++)
        give_back(leases[i]);
    must(memcmp(digests[0], digests[1], DIGEST) == 0, "OpenSSL 1.1.1 and 3: one digest");
#ifdef HOST_OPENSSL
    unsigned char own[DIGEST];
    digest(&host, names[1], message, len, own);
    must(memcmp(digests[0], own, DIGEST) == 0, "the host's own OpenSSL: the same digest");
#endif
}

static void *call_in_turn(void *context)
{
    const sogov_service *service = context;
    unsigned char message[LONGEST], digests[2][DIGEST];
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (unsigned char)("amount=12.34;"[i % 13]);
    for (size_t round = 0; round < CALLS / THREADS / 2; round++) {
        memcpy(message, &round, sizeof round);
        call_both(service, message, round % sizeof message, digests);
    }
    return NULL;
}

static void call_from_threads(sogov_engine *engine)
{
    /* FIPS 180-4, the example of one block. */
    static const unsigned char abc[DIGEST] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
        0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
    };
    sogov_service *service = NULL;
    sogov_error *error = NULL;
    pthread_t threads[THREADS];
    unsigned char digests[2][DIGEST];
    require(sogov_service_open(engine, SOGOV_TEXT("crypto"), &service, &error), &error, "open the service");
    for (int i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], NULL, call_in_turn, service) == 0, "a thread");
    for (int i = 0; i < THREADS; i++)
        must(pthread_join(threads[i], NULL) == 0, "the thread's end");
    call_both(service, (const unsigned char *)"abc", 3, digests);
    must(memcmp(digests[0], abc, DIGEST) == 0, "SHA-256 of \"abc\"");
    sogov_service_free(service);
}

/* ---- apart ------------------------------------------------------------------------------------------------------- */

enum { IMAGES = 3 };

/* The images of all that are here, by a function of each. */
static size_t find_images(sogov_engine *engine, image images[IMAGES])
{
    size_t count = 0;
    sogov_service *service = NULL;
    sogov_error *error = NULL;
    require(sogov_service_open(engine, SOGOV_TEXT("crypto"), &service, &error), &error, "open the service");
    for (; count < 2; count++) {
        sogov_lease lease = take_lease(service, labels[count]);
        openssl openssl = functions_of(lease);
        images[count] = image_at((uintptr_t)openssl.version);
        printf("%s: %s at %#lx\n", labels[count], openssl.version(0), (unsigned long)images[count].start);
        give_back(lease);
    }
    sogov_service_free(service);
#ifdef HOST_OPENSSL
    images[count] = image_at((uintptr_t)host.version);
    printf("the host's own: %s at %#lx\n", host.version(0), (unsigned long)images[count].start);
    count++;
#endif
    return count;
}

static void look_for_bindings(sogov_engine *engine)
{
    image images[IMAGES];
    size_t count = find_images(engine, images);
    for (size_t from = 0; from < count; from++) {
        for (size_t to = 0; to < count; to++) {
            size_t words = words_into(images[from], images[to]);
            if (from == to)
                must(words > 1000, "the bindings of an OpenSSL to itself are found");
            else
                must(words == 0, "no symbol of one OpenSSL is bound to another one");
        }
    }
    printf("none of the %zu is bound to another\n", count);
}

static void list_versions(sogov_engine *engine)
{
    sogov_version_info infos[4] = {SOGOV_VERSION_INFO_INIT};
    size_t count = 0;
    sogov_error *error = NULL;
    require(sogov_version_list(engine, NULL, 0, infos, 4, &count, &error), &error, "list the versions");
    must(count == 2, "two versions");
    for (size_t i = 0; i < count; i++) {
        /* Half of the calls, the one for "abc", and the look at the images. */
        must(infos[i].calls == CALLS / 2 + 2 && infos[i].failures == 0 && infos[i].in_flight == 0, "every call counts");
        printf("%s@%s: %llu calls\n", infos[i].service, infos[i].version, (unsigned long long)infos[i].calls);
    }
}
