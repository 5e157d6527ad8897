/* verbs.c - every verb once for real. */
#define _POSIX_C_SOURCE 200809L
#include "abi_test.h"

#include <stdio.h>
#include <stdlib.h>

static void check_keys_and_messages(fixture *fixture);
static void check_files(fixture *fixture);
static void check_versions(fixture *fixture);
static void check_routing(fixture *fixture);
static void check_listing(fixture *fixture);
static void check_restart(fixture *fixture);

void test_verbs(fixture *fixture)
{
    check_keys_and_messages(fixture);
    check_files(fixture);
    check_versions(fixture);
    check_routing(fixture);
    check_listing(fixture);
    check_restart(fixture);
}

/* A key through every format it can be written in, and a signature by the one that comes back. */
static void check_keys_and_messages(fixture *fixture)
{
    static const struct {
        sogov_key_format format;
        const char *password;
        int is_private;
    } formats[] = {
        {SOGOV_KEY_FORMAT_SPKI_DER, NULL, 0},  {SOGOV_KEY_FORMAT_SPKI_PEM, NULL, 0},
        {SOGOV_KEY_FORMAT_PKCS8_DER, NULL, 1}, {SOGOV_KEY_FORMAT_PKCS8_PEM, NULL, 1},
        {SOGOV_KEY_FORMAT_PKCS8_PEM, "a pass phrase", 1},
    };
    uint8_t id[32], id_again[32];
    SUCCEEDS(sogov_key_id(fixture->key, id, E));
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const uint8_t *password = (const uint8_t *)formats[i].password;
        size_t password_len = formats[i].password == NULL ? 0 : strlen(formats[i].password);
        sogov_bytes file = SOGOV_BYTES_INIT, signature = SOGOV_BYTES_INIT;
        sogov_key *key = NULL;
        SUCCEEDS(sogov_key_export(fixture->key, formats[i].format, password, password_len, &file, E));
        if (formats[i].is_private)
            SUCCEEDS(sogov_key_load_private(file.data, file.len, password, password_len, &key, E));
        else
            SUCCEEDS(sogov_key_load_public(file.data, file.len, &key, E));
        SUCCEEDS(sogov_key_id(key, id_again, E));
        CHECK(memcmp(id, id_again, sizeof id) == 0);
        if (formats[i].is_private)
            SUCCEEDS(sogov_sign(key, (const uint8_t *)"payment", 7, NULL, &signature, E));
        else
            SUCCEEDS(sogov_sign(fixture->key, (const uint8_t *)"payment", 7, NULL, &signature, E));
        SUCCEEDS(sogov_verify(key, (const uint8_t *)"payment", 7, signature.data, signature.len, NULL, E));
        if (password != NULL) {
            REFUSED(SOGOV_STATUS_KEY_INVALID, "password",
                    sogov_key_load_private(file.data, file.len, (const uint8_t *)"another", 7, &(sogov_key *){NULL}, E));
            REFUSED(SOGOV_STATUS_KEY_INVALID, "password",
                    sogov_key_load_private(file.data, file.len, NULL, 0, &(sogov_key *){NULL}, E));
        }
        sogov_key_free(key);
        CHECK(sogov_bytes_free(&file) == SOGOV_STATUS_OK);
        CHECK(sogov_bytes_free(&signature) == SOGOV_STATUS_OK);
    }
}

static void change_one_byte(const char *path, long offset)
{
    FILE *file = fopen(path, "r+b");
    CHECK(file != NULL && fseek(file, offset, SEEK_SET) == 0);
    if (file == NULL)
        return;
    int byte = fgetc(file);
    CHECK(byte != EOF && fseek(file, offset, SEEK_SET) == 0 && fputc(byte ^ 1, file) != EOF);
    fclose(file);
}

static void check_files(fixture *fixture)
{
    const char *path = signed_plugin(fixture, fee_plugin(fixture, "v1"), "files", "v1");
    const char *plain = fee_plugin(fixture, "v1");
    uint8_t digest[32] = {0};
#define VERIFY(service, version, path)                                                                                \
    sogov_file_verify(fixture->engine, service, strlen(service), version, strlen(version), path, strlen(path), digest, \
                      E)
    SUCCEEDS(VERIFY("files", "v1", path));
    CHECK(memcmp(digest, (uint8_t[32]){0}, sizeof digest) != 0);
    SUCCEEDS(VERIFY("files", "", path));
    REFUSED(SOGOV_STATUS_WRONG_SERVICE, "other", VERIFY("other", "v1", path));
    REFUSED(SOGOV_STATUS_WRONG_SERVICE, "v2", VERIFY("files", "v2", path));
    REFUSED(SOGOV_STATUS_UNSIGNED, "libfee_v1.so", VERIFY("files", "v1", plain));
    REFUSED(SOGOV_STATUS_NOT_FOUND, "/nowhere", VERIFY("files", "v1", "/nowhere"));

    /* A second signature is welcome, the same one again is not; a stranger's alone is worth nothing. */
    SUCCEEDS(sogov_file_add_signature(fixture->stranger, path, strlen(path), NULL, 0, E));
    REFUSED(SOGOV_STATUS_BUSY, "", sogov_file_add_signature(fixture->key, path, strlen(path), NULL, 0, E));
    SUCCEEDS(VERIFY("files", "v1", path));
    sogov_file_facts facts = {.size = sizeof facts, .service = "files", .service_len = 5,
                              .version = "v1", .version_len = 2, .epoch = 1};
    const char *strange = path_of(fixture, "strange.so");
    SUCCEEDS(sogov_file_sign(fixture->stranger, plain, strlen(plain), strange, strlen(strange), &facts, NULL, E));
    REFUSED(SOGOV_STATUS_UNTRUSTED_KEY, "strange.so", VERIFY("files", "v1", strange));
    REFUSED(SOGOV_STATUS_BUSY, "strange.so",
            sogov_file_sign(fixture->key, strange, strlen(strange), NULL, 0, &facts, NULL, E));

    change_one_byte(path, 0x300);
    REFUSED(SOGOV_STATUS_MODIFIED, path, VERIFY("files", "v1", path));
    sogov_version_info info = SOGOV_VERSION_INFO_INIT;
    REFUSED(SOGOV_STATUS_MODIFIED, path,
            sogov_load_versioned(fixture->engine, SOGOV_TEXT("files"), NULL, 0, path, strlen(path), NULL, &info, E));
    CHECK(info.service[0] == '\0');
#undef VERIFY
}

static void check_versions(fixture *fixture)
{
    static const char request[] = "amount=1234.56 currency=CNY";
    sogov_engine *engine = fixture->engine;
    sogov_version_info info = SOGOV_VERSION_INFO_INIT;
    sogov_call_info call;
    char answer[128];

    CHECK(call_text(fixture->fee, request, answer, &call) == SOGOV_STATUS_OK);
    CHECK(strcmp(answer, "fee=6.17 currency=CNY tariff=v1") == 0 && strcmp(call.version, "v1") == 0);
    CHECK(call.reason == SOGOV_ROUTE_REASON_STABLE && call.plugin_status == SOGOV_PLUGIN_OK);

    SUCCEEDS(sogov_promote(engine, SOGOV_TEXT("fee"), SOGOV_TEXT("v2"), NULL, &info, E));
    CHECK(strcmp(info.version, "v2") == 0 && info.standing == SOGOV_STANDING_STABLE);
    CHECK(call_text(fixture->fee, request, answer, &call) == SOGOV_STATUS_OK);
    CHECK(strcmp(answer, "fee=5.56 currency=CNY tariff=v2") == 0 && strcmp(call.version, "v2") == 0);
    CHECK(call_text(fixture->fee, "nonsense", answer, &call) == SOGOV_STATUS_PLUGIN_FAILED);
    CHECK(answer[0] == '\0' && call.plugin_status == 2 && strcmp(call.version, "v2") == 0);

    SUCCEEDS(sogov_rollback(engine, SOGOV_TEXT("fee"), NULL, &info, E));
    CHECK(strcmp(info.version, "v1") == 0 && info.standing == SOGOV_STANDING_STABLE);
    CHECK(call_text(fixture->fee, request, answer, &call) == SOGOV_STATUS_OK && strcmp(call.version, "v1") == 0);
    REFUSED(SOGOV_STATUS_NOT_FOUND, "fee", sogov_rollback(engine, SOGOV_TEXT("fee"), NULL, &info, E));

    REFUSED(SOGOV_STATUS_BUSY, "fee@v1", sogov_unload(engine, SOGOV_TEXT("fee"), SOGOV_TEXT("v1"), NULL, E));
    SUCCEEDS(sogov_unload(engine, SOGOV_TEXT("fee"), SOGOV_TEXT("v2"), NULL, E));
    REFUSED(SOGOV_STATUS_NOT_FOUND, "fee@v2", sogov_unload(engine, SOGOV_TEXT("fee"), SOGOV_TEXT("v2"), NULL, E));
    CHECK(info_of(engine, "fee", "v2").version[0] == '\0');
    load_plugin(fixture, engine, fee_plugin(fixture, "v2"), "fee", "v2");
}

static void check_routing(fixture *fixture)
{
    static const char policy[] = "{\"version\": \"p1\", \"epoch\": 5, \"stable\": \"v1\","
                                 " \"weight\": {\"v1\": 50, \"v2\": 50}, \"rules\": [{\"id\": \"r\", \"priority\": 1,"
                                 " \"when\": {\"header\": \"x-env\", \"eq\": \"gray\"}, \"to\": \"v2\"}]}";
    SUCCEEDS(sogov_route_policy_apply(fixture->engine, SOGOV_TEXT("fee"), (const uint8_t *)policy, sizeof policy - 1,
                                      NULL, E));
    CHECK(info_of(fixture->engine, "fee", "v2").standing == SOGOV_STANDING_GRAY);
    unsigned gray = 0;
    for (unsigned user = 0; user < 200; user++) {
        char key[16], first[SOGOV_LABEL_SIZE], second[SOGOV_LABEL_SIZE];
        sogov_request request = {.size = sizeof request, .user_key = (const uint8_t *)key,
                                 .user_key_len = (size_t)snprintf(key, sizeof key, "user-%u", user)};
        sogov_lease lease = 0;
        SUCCEEDS(sogov_route(fixture->fee, &request, &lease, E));
        SUCCEEDS(sogov_lease_version(lease, first, E));
        SUCCEEDS(sogov_lease_release(lease, SOGOV_OUTCOME_NEUTRAL, E));
        SUCCEEDS(sogov_route(fixture->fee, &request, &lease, E));
        SUCCEEDS(sogov_lease_version(lease, second, E));
        SUCCEEDS(sogov_lease_release(lease, SOGOV_OUTCOME_NEUTRAL, E));
        CHECK(strcmp(first, second) == 0);
        gray += strcmp(first, "v2") == 0;
    }
    CHECK(gray > 60 && gray < 140);

    sogov_header header = {SOGOV_TEXT("X-Env"), (const uint8_t *)"gray", 4};
    sogov_request request = {.size = sizeof request, .headers = &header, .header_count = 1};
    sogov_call_info call = SOGOV_CALL_INFO_INIT;
    sogov_bytes answer = SOGOV_BYTES_INIT;
    SUCCEEDS(sogov_call(fixture->fee, &request, (const uint8_t *)"amount=1 currency=CNY", 21, &answer, &call, E));
    CHECK(call.reason == SOGOV_ROUTE_REASON_RULE && strcmp(call.version, "v2") == 0);

    /* Nothing that a call reads may lie in the buffer that it writes. */
    size_t len = answer.len;
    sogov_request in_buffer = {.size = sizeof in_buffer, .user_key = answer.data, .user_key_len = 1};
    REFUSED(SOGOV_STATUS_INVALID_ARGUMENT, "answer",
            sogov_call(fixture->fee, NULL, answer.data, len, &answer, NULL, E));
    REFUSED(SOGOV_STATUS_INVALID_ARGUMENT, "answer",
            sogov_call(fixture->fee, &in_buffer, (const uint8_t *)"x", 1, &answer, NULL, E));
    CHECK(sogov_bytes_free(&answer) == SOGOV_STATUS_OK);

    /* The rollback withdraws the gray version, and the policy does not come back. */
    SUCCEEDS(sogov_rollback(fixture->engine, SOGOV_TEXT("fee"), NULL, NULL, E));
    CHECK(info_of(fixture->engine, "fee", "v2").standing == SOGOV_STANDING_RETIRED);
    REFUSED(SOGOV_STATUS_ROUTE_POLICY_INVALID, "epoch",
            sogov_route_policy_apply(fixture->engine, SOGOV_TEXT("fee"), (const uint8_t *)policy, sizeof policy - 1,
                                     NULL, E));
}

/* Elements of the caller's size, larger or smaller than this release's, and less room than there are versions. */
static void check_listing(fixture *fixture)
{
    size_t count = 0;
    SUCCEEDS(sogov_version_list(fixture->engine, NULL, 0, NULL, 0, &count, E));
    size_t all = count;
    SUCCEEDS(sogov_version_list(fixture->engine, SOGOV_TEXT("fee"), NULL, 0, &count, E));
    CHECK(all == 3 && count == 2);

    sogov_version_info infos[2] = {SOGOV_VERSION_INFO_INIT, SOGOV_VERSION_INFO_INIT};
    infos[1].epoch = 77;
    SUCCEEDS(sogov_version_list(fixture->engine, SOGOV_TEXT("fee"), infos, 1, &count, E));
    CHECK(count == 2 && strcmp(infos[0].version, "v1") == 0 && infos[1].epoch == 77);

    enum { SMALL = offsetof(sogov_version_info, standing), LARGE = sizeof(sogov_version_info) + 40 };
    union {
        size_t size;
        char bytes[2 * LARGE];
    } room;
    memset(&room, 'x', sizeof room);
    room.size = SMALL;
    SUCCEEDS(sogov_version_list(fixture->engine, SOGOV_TEXT("fee"), (sogov_version_info *)(void *)&room, 2, &count, E));
    const size_t label = offsetof(sogov_version_info, version);
    CHECK(strcmp(room.bytes + label, "v1") == 0 && strcmp(room.bytes + SMALL + label, "v2") == 0);
    CHECK(room.bytes[2 * SMALL] == 'x');
    memset(&room, 'x', sizeof room);
    room.size = LARGE;
    SUCCEEDS(sogov_version_list(fixture->engine, SOGOV_TEXT("fee"), (sogov_version_info *)(void *)&room, 2, &count, E));
    CHECK(strcmp(room.bytes + label, "v1") == 0 && strcmp(room.bytes + LARGE + label, "v2") == 0);
    CHECK(room.bytes[LARGE - 1] == '\0' && room.bytes[2 * LARGE - 1] == '\0');
}

/* A second engine over the same state directory serves what the first one served. */
static void check_restart(fixture *fixture)
{
    const char *state = path_of(fixture, "state");
    sogov_engine_options options = {
        .size = sizeof options,
        .trust_directory = fixture->trust,
        .trust_directory_len = strlen(fixture->trust),
        .state_directory = state,
        .state_directory_len = strlen(state),
    };
    sogov_change_options durable = {.size = sizeof durable, .wait_durable = 1};
    sogov_engine *engine = NULL;
    SUCCEEDS(sogov_engine_open(&options, &engine, E));
    const char *path = signed_plugin(fixture, fee_plugin(fixture, "v2"), "restart", "v2");
    SUCCEEDS(sogov_load_versioned(engine, SOGOV_TEXT("restart"), NULL, 0, path, strlen(path), NULL, NULL, E));
    SUCCEEDS(sogov_promote(engine, SOGOV_TEXT("restart"), SOGOV_TEXT("v2"), &durable, NULL, E));
    CHECK(remove(path) == 0);
    sogov_engine_free(engine);

    SUCCEEDS(sogov_engine_open(&options, &engine, E));
    sogov_service *service = open_service(engine, "restart");
    sogov_call_info call;
    char answer[128];
    CHECK(call_text(service, "amount=100 currency=CNY", answer, &call) == SOGOV_STATUS_OK);
    CHECK(strcmp(answer, "fee=0.45 currency=CNY tariff=v2") == 0);
    sogov_engine_free(engine);
    CHECK(call_text(service, "amount=100 currency=CNY", answer, &call) == SOGOV_STATUS_CLOSED);
    CHECK(call.version[0] == '\0' && call.reason == SOGOV_ROUTE_REASON_NONE);
    sogov_service_free(service);
}
