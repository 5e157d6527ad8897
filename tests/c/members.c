/* members.c - what hostile values do inside of structs, documents, keys and signatures. */
#include "abi_test.h"

#include <stdlib.h>

#define INVALID SOGOV_STATUS_INVALID_ARGUMENT

static void check_engine_options(fixture *fixture);
static void check_change_options(fixture *fixture);
static void check_requests(fixture *fixture);
static void check_facts(fixture *fixture);
static void check_signature_options(fixture *fixture);
static void check_labels(fixture *fixture);
static void check_policies(fixture *fixture);
static void check_keys(fixture *fixture);
static void check_signatures(fixture *fixture);

void test_members(fixture *fixture)
{
    check_engine_options(fixture);
    check_change_options(fixture);
    check_requests(fixture);
    check_facts(fixture);
    check_signature_options(fixture);
    check_labels(fixture);
    check_policies(fixture);
    check_keys(fixture);
    check_signatures(fixture);
}

static void check_engine_options(fixture *fixture)
{
    static const uint8_t root_ids[65 * 32];
    sogov_engine *engine = NULL;
#define OPEN(...)                                                                                                     \
    sogov_engine_open(&(sogov_engine_options){.size = sizeof(sogov_engine_options), __VA_ARGS__}, &engine, E)
    REFUSED(INVALID, "trust_directory", OPEN(.trust_directory_len = 5));
    REFUSED(INVALID, "trust_directory", OPEN(.trust_directory = "\xff", .trust_directory_len = 1));
    REFUSED(SOGOV_STATUS_NOT_FOUND, "/nowhere", OPEN(.trust_directory = "/nowhere", .trust_directory_len = 8));
    REFUSED(INVALID, "state_directory", OPEN(.state_directory_len = 5));
    REFUSED(INVALID, "state_directory", OPEN(.state_directory = "a\0b", .state_directory_len = 3));
    REFUSED(INVALID, "root_key_ids", OPEN(.root_key_count = 1));
    REFUSED(INVALID, "root_key_ids", OPEN(.root_key_count = SIZE_MAX));
    REFUSED(INVALID, "root_key_ids", OPEN(.root_key_ids = root_ids, .root_key_count = 65));
    REFUSED(INVALID, "contain_crashes", OPEN(.contain_crashes = 2));
    REFUSED(INVALID, "root_threshold", OPEN(.root_key_ids = root_ids, .root_key_count = 2, .root_threshold = 2));
    /* Roots are given, and trust.json has no signature. */
    REFUSED(SOGOV_STATUS_TRUST_INVALID, "trust.json.sogsig",
            OPEN(.trust_directory = fixture->trust, .trust_directory_len = strlen(fixture->trust),
                 .root_key_ids = root_ids, .root_key_count = 1));
#undef OPEN
    CHECK(engine == NULL);
}

static void check_change_options(fixture *fixture)
{
    const char *path = path_of(fixture, "unsigned.so");
#define PROMOTE(...)                                                                                                  \
    sogov_promote(fixture->engine, SOGOV_TEXT("fee"), SOGOV_TEXT("absent"),                                           \
                  &(sogov_change_options){.size = sizeof(sogov_change_options), __VA_ARGS__}, NULL, E)
#define LOAD(...)                                                                                                     \
    sogov_load_versioned(fixture->engine, SOGOV_TEXT("fee"), SOGOV_TEXT("new"), path, strlen(path),                   \
                         &(sogov_change_options){.size = sizeof(sogov_change_options), __VA_ARGS__}, NULL, E)
    REFUSED(INVALID, "actor", PROMOTE(.actor_len = 1));
    REFUSED(INVALID, "actor", PROMOTE(.actor = "\xff", .actor_len = 1));
    REFUSED(INVALID, "reason", PROMOTE(.reason_len = SIZE_MAX));
    REFUSED(INVALID, "reason", PROMOTE(.reason = "a\0b", .reason_len = 3));
    REFUSED(INVALID, "wait_durable", PROMOTE(.wait_durable = 2));
    REFUSED(INVALID, "signature_path", LOAD(.signature_path_len = 1));
    REFUSED(INVALID, "isolated", LOAD(.isolated = 2));
    REFUSED(INVALID, "sbom_path", LOAD(.sbom_path_len = 1));
    REFUSED(SOGOV_STATUS_NOT_FOUND, "/nowhere", LOAD(.sbom_path = "/nowhere", .sbom_path_len = 8));
    REFUSED(SOGOV_STATUS_NOT_FOUND, "/nowhere", LOAD(.signature_path = "/nowhere", .signature_path_len = 8));
#undef PROMOTE
#undef LOAD
    REFUSED(INVALID, "infos", sogov_version_list(fixture->engine, NULL, 0, NULL, 3, &(size_t){0}, E));
}

static void check_requests(fixture *fixture)
{
    static sogov_header headers[65];
    sogov_lease lease = 0;
#define ROUTE(...) sogov_route(fixture->fee, &(sogov_request){.size = sizeof(sogov_request), __VA_ARGS__}, &lease, E)
    REFUSED(INVALID, "user_key", ROUTE(.user_key_len = 1));
    REFUSED(INVALID, "user_key", ROUTE(.user_key = (const uint8_t *)"x", .user_key_len = SIZE_MAX));
    REFUSED(INVALID, "headers", ROUTE(.header_count = 1));
    REFUSED(INVALID, "headers", ROUTE(.headers = headers, .header_count = 65));
    REFUSED(INVALID, "headers", ROUTE(.headers = headers, .header_count = SIZE_MAX));
    headers[63] = (sogov_header){.name_len = 1};
    REFUSED(INVALID, "header name", ROUTE(.headers = headers, .header_count = 64));
    headers[63] = (sogov_header){.value_len = SIZE_MAX};
    REFUSED(INVALID, "header value", ROUTE(.headers = headers, .header_count = 64));
    CHECK(lease == 0);
    /* Any bytes are a user key and a header's value, and empty headers are headers. */
    headers[63] = (sogov_header){SOGOV_TEXT("x-\xff\0"), (const uint8_t *)"\0\xff", 2};
    SUCCEEDS(ROUTE(.user_key = (const uint8_t *)"\0\xff", .user_key_len = 2, .headers = headers, .header_count = 64));
    SUCCEEDS(sogov_lease_release(lease, SOGOV_OUTCOME_NEUTRAL, E));
#undef ROUTE
}

static void check_facts(fixture *fixture)
{
    const char *source = path_of(fixture, "unsigned.so");
    const char *target = path_of(fixture, "refused.so");
    static const uint8_t user_id[8192];
#define SIGN(...)                                                                                                     \
    sogov_file_sign(fixture->key, source, strlen(source), target, strlen(target),                                     \
                    &(sogov_file_facts){.size = sizeof(sogov_file_facts), __VA_ARGS__}, NULL, E)
#define FEE .service = "fee", .service_len = 3
    REFUSED(INVALID, "service", SIGN(.service_len = 3));
    REFUSED(INVALID, "service", SIGN(.version = "v1", .version_len = 2));
    REFUSED(INVALID, "version", SIGN(FEE));
    REFUSED(INVALID, "service", SIGN(.service = "\xff", .service_len = 1));
    REFUSED(INVALID, "version", SIGN(FEE, .version_len = 1));
    REFUSED(INVALID, "name", SIGN(FEE, .name = "\xff", .name_len = 1));
    REFUSED(INVALID, "semver", SIGN(FEE, .semver_len = SIZE_MAX));
    REFUSED(INVALID, "issuer", SIGN(FEE, .issuer = "\0", .issuer_len = 1));
    REFUSED(INVALID, "user_id", SIGN(FEE, .user_id_len = 1));
    REFUSED(INVALID, "user id", SIGN(FEE, .user_id = user_id, .user_id_len = sizeof user_id));
    REFUSED(INVALID, "detached", SIGN(FEE, .detached = 2));
    REFUSED(INVALID, "sbom_path", SIGN(FEE, .version = "v1", .version_len = 2, .sbom_path_len = 1));
    REFUSED(SOGOV_STATUS_NOT_FOUND, "/nowhere",
            SIGN(FEE, .version = "v1", .version_len = 2, .sbom_path = "/nowhere", .sbom_path_len = 8));
    REFUSED(SOGOV_STATUS_SBOM_INVALID, source,
            SIGN(FEE, .version = "v1", .version_len = 2, .sbom_path = source, .sbom_path_len = strlen(source)));
#undef SIGN
    sogov_file_facts facts = {.size = sizeof facts, FEE};
    sogov_key *public_key = NULL;
    SUCCEEDS(sogov_key_public(fixture->key, &public_key, E));
    REFUSED(INVALID, "private",
            sogov_file_sign(public_key, source, strlen(source), target, strlen(target), &facts, NULL, E));
    REFUSED(SOGOV_STATUS_NOT_FOUND, "/nowhere",
            sogov_file_sign(fixture->key, SOGOV_TEXT("/nowhere"), target, strlen(target), &facts, NULL, E));
    REFUSED(SOGOV_STATUS_UNSIGNED, "unsigned.so",
            sogov_file_add_signature(fixture->key, source, strlen(source), NULL, 0, E));
    sogov_key_free(public_key);
#undef FEE
}

static void check_signature_options(fixture *fixture)
{
    static const uint8_t user_id[8192];
    sogov_bytes signature = SOGOV_BYTES_INIT;
#define SIGN(...)                                                                                                     \
    sogov_sign(fixture->key, (const uint8_t *)"m", 1,                                                                 \
               &(sogov_signature_options){.size = sizeof(sogov_signature_options), __VA_ARGS__}, &signature, E)
    REFUSED(INVALID, "user_id", SIGN(.user_id_len = 1));
    REFUSED(INVALID, "user id", SIGN(.user_id = user_id, .user_id_len = sizeof user_id));
    REFUSED(INVALID, "encoding", SIGN(.encoding = 2));
    REFUSED(INVALID, "encoding", SIGN(.encoding = UINT32_MAX));
    CHECK(signature.len == 0);
    SUCCEEDS(SIGN(.user_id = user_id, .user_id_len = sizeof user_id - 1));
    CHECK(signature.len == 64);
#undef SIGN
    CHECK(sogov_bytes_free(&signature) == SOGOV_STATUS_OK);
}

/* Names stand in paths, logs and memory maps: nothing but plain characters gets in. */
static void check_labels(fixture *fixture)
{
    static const char *const bad[] = {
        ".", "..", ".v1", "a/b", "../v1", "a b", "v1\n", "\xc3\xa9", "%s%n",
        "12345678901234567890123456789012345678901234567890123456789012345",
    };
    sogov_service *service = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REFUSED(INVALID, "service", sogov_service_open(fixture->engine, bad[i], strlen(bad[i]), &service, E));
        REFUSED(INVALID, "version",
                sogov_load_versioned(fixture->engine, SOGOV_TEXT("fee"), bad[i], strlen(bad[i]), SOGOV_TEXT("/x"), NULL,
                                     NULL, E));
    }
    CHECK(service == NULL);
    REFUSED(SOGOV_STATUS_NOT_FOUND, "/no\\nwhere",
            sogov_file_verify(fixture->engine, SOGOV_TEXT("fee"), NULL, 0, SOGOV_TEXT("/no\nwhere"), NULL, E));
    char longest[64];
    memset(longest, 'x', sizeof longest);
    SUCCEEDS(sogov_service_open(fixture->engine, longest, sizeof longest, &service, E));
    sogov_service_free(service);
}

static void check_policies(fixture *fixture)
{
    static const struct {
        const char *document;
        const char *word;
    } bad[] = {
        {"", ""},
        {"null", ""},
        {"{}", "version"},
        {"\xff", ""},
        {"{\"version\": \"p\", \"stable\": \"v9\"}", "v9"},
        {"{\"version\": \"p\", \"stable\": \"v1\", \"weight\": {\"v1\": -1, \"v2\": 1}}", "weight"},
        {"{\"version\": \"p\", \"stable\": \"v1\", \"no_such_field\": 1}", "no_such_field"},
        {"{\"version\": \"p\", \"stable\": \"v1\"} {}", ""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        REFUSED(SOGOV_STATUS_ROUTE_POLICY_INVALID, bad[i].word,
                sogov_route_policy_apply(fixture->engine, SOGOV_TEXT("fee"), (const uint8_t *)bad[i].document,
                                         strlen(bad[i].document), NULL, E));
    /* Too large, and too deep. */
    const size_t large = (1 << 20) + 1;
    uint8_t *document = malloc(large);
    CHECK(document != NULL);
    if (document != NULL)
        memset(document, '[', large);
    REFUSED(SOGOV_STATUS_ROUTE_POLICY_INVALID, "",
            sogov_route_policy_apply(fixture->engine, SOGOV_TEXT("fee"), document, large, NULL, E));
    REFUSED(SOGOV_STATUS_ROUTE_POLICY_INVALID, "",
            sogov_route_policy_apply(fixture->engine, SOGOV_TEXT("fee"), document, large - 1, NULL, E));
    free(document);
    CHECK(info_of(fixture->engine, "fee", "v1").standing == SOGOV_STANDING_STABLE);
}

/* Every prefix of a key file is refused, and so is a key file with one byte changed or with bytes behind it. */
static void check_keys(fixture *fixture)
{
    sogov_bytes der = SOGOV_BYTES_INIT;
    sogov_key *key = NULL;
    SUCCEEDS(sogov_key_export(fixture->key, SOGOV_KEY_FORMAT_SPKI_DER, NULL, 0, &der, E));
    for (size_t len = 0; len < der.len; len++)
        REFUSED(SOGOV_STATUS_KEY_INVALID, "", sogov_key_load_public(der.data, len, &key, E));
    uint8_t changed[256] = {0};
    memcpy(changed, der.data, der.len);
    REFUSED(SOGOV_STATUS_KEY_INVALID, "", sogov_key_load_public(changed, der.len + 1, &key, E));
    changed[der.len - 1] ^= 1;
    REFUSED(SOGOV_STATUS_KEY_INVALID, "", sogov_key_load_public(changed, der.len, &key, E));
    REFUSED(SOGOV_STATUS_KEY_INVALID, "", sogov_key_load_private(der.data, der.len, NULL, 0, &key, E));

    SUCCEEDS(sogov_key_export(fixture->key, SOGOV_KEY_FORMAT_PKCS8_DER, NULL, 0, &der, E));
    for (size_t len = 0; len < der.len; len++)
        REFUSED(SOGOV_STATUS_KEY_INVALID, "", sogov_key_load_private(der.data, len, NULL, 0, &key, E));
    REFUSED(SOGOV_STATUS_KEY_INVALID, "", sogov_key_load_public(der.data, der.len, &key, E));
    static uint8_t huge[(64 << 10) + 1];
    REFUSED(SOGOV_STATUS_KEY_INVALID, "", sogov_key_load_private(huge, sizeof huge, NULL, 0, &key, E));
    CHECK(key == NULL);
    CHECK(sogov_bytes_free(&der) == SOGOV_STATUS_OK);

    REFUSED(INVALID, "password",
            sogov_key_export(fixture->key, SOGOV_KEY_FORMAT_PKCS8_DER, (const uint8_t *)"x", 1, &der, E));
    static const char *const ids[] = {"sm3:", "sm3:00", "sm2:00", "sm3:0011223344556677889900112233445566778899001122334455667788990011g"};
    uint8_t id[32];
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        REFUSED(INVALID, "key id", sogov_key_id_parse(ids[i], strlen(ids[i]), id, E));
}

/* Signatures of any length, changed signatures, other messages and other keys are all SIGNATURE_INVALID. */
static void check_signatures(fixture *fixture)
{
    sogov_signature_options der = {.size = sizeof der, .encoding = SOGOV_SIGNATURE_ENCODING_DER};
    sogov_signature_options *const encodings[] = {NULL, &der};
    const uint8_t *m = (const uint8_t *)"message";
    for (size_t e = 0; e < 2; e++) {
        sogov_bytes signature = SOGOV_BYTES_INIT;
        SUCCEEDS(sogov_sign(fixture->key, m, 7, encodings[e], &signature, E));
        SUCCEEDS(sogov_verify(fixture->key, m, 7, signature.data, signature.len, encodings[e], E));
#define WRONG(key, len, bytes, bytes_len)                                                                             \
    REFUSED(SOGOV_STATUS_SIGNATURE_INVALID, "", sogov_verify(key, m, len, bytes, bytes_len, encodings[e], E))
        WRONG(fixture->key, 6, signature.data, signature.len);
        WRONG(fixture->stranger, 7, signature.data, signature.len);
        WRONG(fixture->key, 7, signature.data, signature.len - 1);
        uint8_t changed[128] = {0};
        memcpy(changed, signature.data, signature.len);
        WRONG(fixture->key, 7, changed, signature.len + 1);
        WRONG(fixture->key, 7, changed, sizeof changed);
        WRONG(fixture->key, 7, changed + 64, 64);
        changed[signature.len - 1] ^= 1;
        WRONG(fixture->key, 7, changed, signature.len);
        CHECK(sogov_bytes_free(&signature) == SOGOV_STATUS_OK);
    }
    sogov_bytes signature = SOGOV_BYTES_INIT;
    sogov_key *public_key = NULL;
    SUCCEEDS(sogov_key_public(fixture->key, &public_key, E));
    REFUSED(INVALID, "private", sogov_sign(public_key, m, 7, NULL, &signature, E));
    sogov_key_free(public_key);
}
