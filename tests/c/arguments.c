/* arguments.c - every function that takes arguments, each argument in turn replaced by hostile ones.
 *
 * A row of the table is a call that does nothing lasting, and the status it answers when all its arguments are good.
 * What is tried on an argument follows from its kind. Each try is made with and without a place for the error. */
#include "abi_test.h"

#include <stdio.h>
#include <stdlib.h>

enum kind {
    /* A handle: NULL, and one that was freed. */
    HANDLE,
    /* A text and its length. */
    TEXT,
    /* Bytes and their length. */
    BYTES,
    /* An options struct, which begins with its size. */
    OPTIONS,
    /* Room for a result. */
    PLACE,
    /* The same, or NULL. */
    PLACE_OR_NULL,
    /* Room for a struct of the caller's size, or NULL. */
    INFO_OR_NULL,
    /* A sogov_bytes. */
    BUFFER,
    /* A number out of an enumeration. */
    CHOICE,
    LEASE,
};

typedef struct argument {
    enum kind kind;
    /* As messages name it. */
    const char *name;
    /* The good value: pointer, and length, number or size of the struct. */
    const void *at;
    size_t len;
    /* A handle of this kind that was freed. */
    const void *freed;
    /* What the call answers when the argument is (NULL, 0), or an options struct that holds its size alone. */
    sogov_status empty;
} argument;

typedef struct value {
    const void *at;
    size_t len;
} value;

typedef sogov_status thunk(const value *with, sogov_error **error);

typedef struct function {
    const char *name;
    thunk *call;
    /* When every argument is good. */
    sogov_status status;
    argument arguments[8];
} function;

/* Where the functions put what they make; emptied after every call. */
static struct results {
    sogov_engine *engine;
    sogov_service *service;
    sogov_key *key;
    sogov_lease lease;
    sogov_bytes bytes;
    uint8_t digest[32];
    uint8_t signature[64];
    sogov_status status;
    sogov_verifier *verifier;
    sogov_verification_result result;
    int32_t fd;
    uint32_t custody;
    char label[SOGOV_LABEL_SIZE];
    void *address;
    const struct sogov_plugin *plugin;
    sogov_recipient *recipient;
    sogov_recipient_key *recipient_key;
    sogov_package_standing standing;
    size_t count;
    sogov_process_info process;
    sogov_audit_position head;
    uint64_t time;
} results;

static void check_function(const function *function);

/* ---- the table ------------------------------------------------------------------------------------------------- */

/* Pointers to const become plain ones here only because one table serves all functions. */
#define AT(index) ((void *)(uintptr_t)with[index].at)
#define TEXT_AT(index) with[index].at, with[index].len

static sogov_status call_audit_head(const value *with, sogov_error **error)
{
    return sogov_audit_head(AT(0), (uint32_t)with[1].len, AT(2), error);
}
static sogov_status call_audit_verify(const value *with, sogov_error **error)
{
    const sogov_key *key = AT(1);
    return sogov_audit_verify(TEXT_AT(0), &key, 1, NULL, AT(2), error);
}
static sogov_status call_call(const value *with, sogov_error **error)
{
    return sogov_call(AT(0), AT(1), TEXT_AT(2), AT(3), AT(4), error);
}
static sogov_status call_digest(const value *with, sogov_error **error)
{
    return sogov_digest((uint32_t)with[0].len, TEXT_AT(1), AT(2), error);
}
static sogov_status call_engine_open(const value *with, sogov_error **error)
{
    return sogov_engine_open(AT(0), AT(1), error);
}
static sogov_status call_load_versioned(const value *with, sogov_error **error)
{
    return sogov_load_versioned(AT(0), TEXT_AT(1), TEXT_AT(2), TEXT_AT(3), AT(4), AT(5), error);
}
static sogov_status call_update(const value *with, sogov_error **error)
{
    return sogov_update(AT(0), TEXT_AT(1), TEXT_AT(2), TEXT_AT(3), AT(4), AT(5), error);
}
static sogov_status call_route_policy_apply(const value *with, sogov_error **error)
{
    return sogov_route_policy_apply(AT(0), TEXT_AT(1), TEXT_AT(2), AT(3), error);
}
static sogov_status call_promote(const value *with, sogov_error **error)
{
    return sogov_promote(AT(0), TEXT_AT(1), TEXT_AT(2), AT(3), AT(4), error);
}
static sogov_status call_rollback(const value *with, sogov_error **error)
{
    return sogov_rollback(AT(0), TEXT_AT(1), AT(2), AT(3), error);
}
static sogov_status call_unload(const value *with, sogov_error **error)
{
    return sogov_unload(AT(0), TEXT_AT(1), TEXT_AT(2), AT(3), error);
}
static sogov_status call_file_sign(const value *with, sogov_error **error)
{
    return sogov_file_sign(AT(0), TEXT_AT(1), TEXT_AT(2), AT(3), AT(4), error);
}
static sogov_status call_file_add_signature(const value *with, sogov_error **error)
{
    return sogov_file_add_signature(AT(0), TEXT_AT(1), TEXT_AT(2), error);
}
static sogov_status call_file_verify(const value *with, sogov_error **error)
{
    return sogov_file_verify(AT(0), TEXT_AT(1), TEXT_AT(2), TEXT_AT(3), AT(4), error);
}
static sogov_status call_key_generate(const value *with, sogov_error **error)
{
    return sogov_key_generate(TEXT_AT(0), AT(1), error);
}
static sogov_status call_key_load_private(const value *with, sogov_error **error)
{
    return sogov_key_load_private(TEXT_AT(0), TEXT_AT(1), AT(2), error);
}
static sogov_status call_recipient_read(const value *with, sogov_error **error)
{
    return sogov_recipient_read(TEXT_AT(0), AT(1), error);
}
static sogov_status call_recipient_key_read(const value *with, sogov_error **error)
{
    return sogov_recipient_key_read(TEXT_AT(0), TEXT_AT(1), TEXT_AT(2), AT(3), error);
}
static sogov_status call_pack(const value *with, sogov_error **error)
{
    return sogov_pack(AT(0), TEXT_AT(1), AT(2), error);
}
static sogov_status call_install(const value *with, sogov_error **error)
{
    return sogov_install(AT(0), TEXT_AT(1), AT(2), AT(3), AT(4), error);
}
static sogov_status call_package_check(const value *with, sogov_error **error)
{
    return sogov_package_check(AT(0), TEXT_AT(1), AT(2), error);
}
static sogov_status call_key_load_public(const value *with, sogov_error **error)
{
    return sogov_key_load_public(TEXT_AT(0), AT(1), error);
}
static sogov_status call_key_load_raw(const value *with, sogov_error **error)
{
    return sogov_key_load_raw(TEXT_AT(0), TEXT_AT(1), TEXT_AT(2), AT(3), error);
}
static sogov_status call_scheme_register(const value *with, sogov_error **error)
{
    return sogov_scheme_register(TEXT_AT(0), AT(1), error);
}
static sogov_status call_scheme_unregister(const value *with, sogov_error **error)
{
    return sogov_scheme_unregister(TEXT_AT(0), error);
}
static sogov_status call_key_open(const value *with, sogov_error **error)
{
    return sogov_key_open(TEXT_AT(0), AT(1), error);
}
static sogov_status call_key_custody(const value *with, sogov_error **error)
{
    return sogov_key_custody(AT(0), AT(1), error);
}
static sogov_status call_key_memory_policy(const value *with, sogov_error **error)
{
    return sogov_key_memory_policy((uint32_t)with[0].len, error);
}
static sogov_status call_key_public(const value *with, sogov_error **error)
{
    return sogov_key_public(AT(0), AT(1), error);
}
static sogov_status call_key_id(const value *with, sogov_error **error)
{
    return sogov_key_id(AT(0), AT(1), error);
}
static sogov_status call_key_id_parse(const value *with, sogov_error **error)
{
    return sogov_key_id_parse(TEXT_AT(0), AT(1), error);
}
static sogov_status call_key_export(const value *with, sogov_error **error)
{
    return sogov_key_export(AT(0), (uint32_t)with[1].len, TEXT_AT(2), AT(3), error);
}
static sogov_status call_lease_symbol(const value *with, sogov_error **error)
{
    return sogov_lease_symbol(with[0].len, TEXT_AT(1), TEXT_AT(2), AT(3), error);
}
static sogov_status call_lease_plugin(const value *with, sogov_error **error)
{
    return sogov_lease_plugin(with[0].len, AT(1), AT(2), error);
}
static sogov_status call_lease_version(const value *with, sogov_error **error)
{
    return sogov_lease_version(with[0].len, AT(1), error);
}
static sogov_status call_lease_release(const value *with, sogov_error **error)
{
    return sogov_lease_release(with[0].len, (uint32_t)with[1].len, error);
}
static sogov_status call_service_open(const value *with, sogov_error **error)
{
    return sogov_service_open(AT(0), TEXT_AT(1), AT(2), error);
}
static sogov_status call_route(const value *with, sogov_error **error)
{
    return sogov_route(AT(0), AT(1), AT(2), error);
}
static sogov_status call_sign(const value *with, sogov_error **error)
{
    return sogov_sign(AT(0), TEXT_AT(1), AT(2), AT(3), error);
}
static sogov_status call_verify(const value *with, sogov_error **error)
{
    return sogov_verify(AT(0), TEXT_AT(1), TEXT_AT(2), AT(3), error);
}
/* Room for one result, where there is at most one item. */
static sogov_status call_verify_batch(const value *with, sogov_error **error)
{
    return sogov_verify_batch(AT(0), with[0].len, AT(1), with[0].len > 1 ? NULL : &results.status, error);
}
static sogov_status call_sign_batch(const value *with, sogov_error **error)
{
    return sogov_sign_batch(AT(0), with[0].len, AT(1), AT(2), 64, &results.count, error);
}
static sogov_status call_verifier_open(const value *with, sogov_error **error)
{
    return sogov_verifier_open(AT(0), AT(1), error);
}
static sogov_status call_verifier_submit(const value *with, sogov_error **error)
{
    return sogov_verifier_submit(AT(0), AT(1), AT(2), 7, error);
}
static sogov_status call_verifier_poll(const value *with, sogov_error **error)
{
    return sogov_verifier_poll(AT(0), AT(1), 1, 0, AT(2), error);
}
static sogov_status call_verifier_event_fd(const value *with, sogov_error **error)
{
    return sogov_verifier_event_fd(AT(0), AT(1), error);
}
static sogov_status call_verifier_close(const value *with, sogov_error **error)
{
    return sogov_verifier_close(AT(0), error);
}
static sogov_status call_key_prepare(const value *with, sogov_error **error)
{
    return sogov_key_prepare(AT(0), error);
}
static sogov_status call_version_list(const value *with, sogov_error **error)
{
    return sogov_version_list(AT(0), TEXT_AT(1), AT(2), with[2].at == NULL ? 0 : 1, AT(3), error);
}
/* The place's size is set here: the table tries NULL, tests/c/members.c the sizes. */
static sogov_status call_process_status(const value *with, sogov_error **error)
{
    sogov_process_info *info = AT(0);
    if (info != NULL)
        info->size = sizeof *info;
    return sogov_process_status(info, error);
}

static sogov_status call_trust_refresh(const value *with, sogov_error **error)
{
    return sogov_trust_refresh(AT(0), AT(1), AT(2), error);
}
/* Without an actor nothing is confirmed. */
static sogov_status call_trust_confirm_time(const value *with, sogov_error **error)
{
    return sogov_trust_confirm_time(AT(0), AT(1), AT(2), error);
}

#define OK SOGOV_STATUS_OK
#define INVALID SOGOV_STATUS_INVALID_ARGUMENT
#define AN_ENGINE {HANDLE, "engine", fixture->engine, 0, fixture->freed_engine, OK}
#define A_SERVICE {HANDLE, "service", fixture->fee, 0, fixture->freed_service, OK}
#define A_VERIFIER {HANDLE, "verifier", m.verifier, 0, m.freed_verifier, OK}
#define A_KEY {HANDLE, "key", fixture->key, 0, fixture->freed_key, OK}
#define A_TEXT(name, text, empty) {TEXT, name, text, strlen(text), NULL, empty}
#define SOME_BYTES(name, at, len, empty) {BYTES, name, at, len, NULL, empty}
#define SOME_OPTIONS(type) {OPTIONS, #type, NULL, sizeof(type), NULL, SAME}
#define SOME_FACTS(at, empty) {OPTIONS, "sogov_file_facts", at, sizeof(sogov_file_facts), NULL, empty}
#define A_PLACE(name, at) {PLACE, name, at, 0, NULL, OK}
#define A_PLACE_OR_NULL(name, at) {PLACE_OR_NULL, name, at, 0, NULL, OK}
#define AN_INFO(type) {INFO_OR_NULL, #type, NULL, sizeof(type), NULL, OK}
#define A_BUFFER(name) {BUFFER, name, &results.bytes, 0, NULL, OK}
#define A_CHOICE(name, number) {CHOICE, name, NULL, number, NULL, OK}
#define A_LEASE(lease) {LEASE, "lease", NULL, lease, NULL, OK}
/* An empty argument changes nothing about the answer. */
#define SAME ((sogov_status)-1)


/* What the rows need beside the fixture. */
typedef struct material {
    sogov_bytes private_pem;
    sogov_bytes public_pem;
    sogov_bytes signature;
    sogov_file_facts facts;
    char unsigned_plugin[4096];
    char signed_plugin[4096];
    sogov_lease level_1;
    sogov_lease level_0;
    sogov_verification verification;
    sogov_signing signing;
    sogov_verifier *verifier;
    sogov_verifier *freed_verifier;
    sogov_scheme_options scheme;
    char package[4096];
    sogov_recipient *recipient;
    sogov_recipient_key *recipient_key;
    sogov_recipient_key *freed_recipient_key;
    sogov_text plugin;
    sogov_text host;
    const sogov_key *key;
    const sogov_recipient *to;
    sogov_pack_options pack;
    sogov_install_options install;
} material;

static int32_t verify_nothing(void *payload, const uint8_t *key, size_t key_len, const uint8_t *message,
                              size_t message_len, const uint8_t *signature, size_t signature_len)
{
    (void)payload, (void)key, (void)key_len, (void)message, (void)message_len, (void)signature, (void)signature_len;
    return 0;
}

static void make_material(fixture *fixture, material *material);
static void free_material(material *material);

void test_arguments(fixture *fixture)
{
    material m;
    make_material(fixture, &m);
    const char id[] = "sm3:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    const function table[] = {
        /* The engine has no audit trail, nor has this directory. */
        {"sogov_audit_head", call_audit_head, SOGOV_STATUS_NOT_FOUND,
         {AN_ENGINE, A_CHOICE("checkpoint", 1), A_PLACE("head", &results.head)}},
        {"sogov_audit_verify", call_audit_verify, SOGOV_STATUS_NOT_FOUND,
         {A_TEXT("directory", path_of(fixture, "."), INVALID), A_KEY, AN_INFO(sogov_audit_report)}},
        {"sogov_call", call_call, OK,
         {A_SERVICE, SOME_OPTIONS(sogov_request),
          SOME_BYTES("input", "amount=100 currency=CNY", 23, SOGOV_STATUS_PLUGIN_FAILED), A_BUFFER("answer"),
          AN_INFO(sogov_call_info)}},
        {"sogov_digest", call_digest, OK,
         {A_CHOICE("algorithm", SOGOV_DIGEST_ALGORITHM_SM3), SOME_BYTES("data", "abc", 3, SAME),
          A_PLACE("digest", results.digest)}},
        {"sogov_engine_open", call_engine_open, OK,
         {SOME_OPTIONS(sogov_engine_options), A_PLACE("engine", &results.engine)}},
        {"sogov_file_add_signature", call_file_add_signature, SOGOV_STATUS_BUSY,
         {A_KEY, A_TEXT("path", m.signed_plugin, INVALID), SOME_BYTES("user_id", NULL, 0, SAME)}},
        {"sogov_file_sign", call_file_sign, OK,
         {A_KEY, A_TEXT("source", m.unsigned_plugin, INVALID), A_TEXT("target", path_of(fixture, "target.sogsig"), SAME),
          SOME_FACTS(&m.facts, INVALID), A_PLACE_OR_NULL("digest", results.digest)}},
        {"sogov_file_verify", call_file_verify, OK,
         {AN_ENGINE, A_TEXT("service", "fee", INVALID), A_TEXT("version", "argument", SAME),
          A_TEXT("path", m.signed_plugin, INVALID), A_PLACE_OR_NULL("digest", results.digest)}},
        {"sogov_key_custody", call_key_custody, OK, {A_KEY, A_PLACE("custody", &results.custody)}},
        {"sogov_key_export", call_key_export, OK,
         {A_KEY, A_CHOICE("format", SOGOV_KEY_FORMAT_SPKI_DER), SOME_BYTES("password", NULL, 0, SAME),
          A_BUFFER("file")}},
        {"sogov_key_generate", call_key_generate, OK,
         {A_TEXT("scheme", "sm2-sm3", SOGOV_STATUS_UNSUPPORTED), A_PLACE("key", &results.key)}},
        {"sogov_key_id", call_key_id, OK, {A_KEY, A_PLACE("id", results.digest)}},
        {"sogov_key_id_parse", call_key_id_parse, OK, {A_TEXT("text", id, INVALID), A_PLACE("id", results.digest)}},
        {"sogov_key_load_private", call_key_load_private, OK,
         {SOME_BYTES("bytes", m.private_pem.data, m.private_pem.len, SOGOV_STATUS_KEY_INVALID),
          SOME_BYTES("password", "not needed", 10, SAME), A_PLACE("key", &results.key)}},
        {"sogov_recipient_read", call_recipient_read, OK,
         {SOME_BYTES("bytes", m.public_pem.data, m.public_pem.len, SOGOV_STATUS_KEY_INVALID),
          A_PLACE("recipient", &results.recipient)}},
        {"sogov_recipient_key_read", call_recipient_key_read, OK,
         {SOME_BYTES("bytes", m.private_pem.data, m.private_pem.len, SOGOV_STATUS_KEY_INVALID),
          SOME_BYTES("password", "not needed", 10, SAME), SOME_BYTES("certificate", NULL, 0, SAME),
          A_PLACE("key", &results.recipient_key)}},
        {"sogov_pack", call_pack, OK,
         {{OPTIONS, "sogov_pack_options", &m.pack, sizeof m.pack, NULL, INVALID},
          A_TEXT("target", m.package, INVALID), A_PLACE_OR_NULL("package_id", results.digest)}},
        /* The engine has no receipt key. */
        {"sogov_install", call_install, INVALID,
         {AN_ENGINE, A_TEXT("path", m.package, INVALID),
          {HANDLE, "recipient key", m.recipient_key, 0, m.freed_recipient_key, OK},
          {OPTIONS, "sogov_install_options", &m.install, sizeof m.install, NULL, INVALID}, A_BUFFER("directory")}},
        {"sogov_package_check", call_package_check, INVALID,
         {AN_ENGINE, A_TEXT("path", m.signed_plugin, INVALID), A_PLACE("standing", &results.standing)}},
        {"sogov_key_load_public", call_key_load_public, OK,
         {SOME_BYTES("bytes", m.public_pem.data, m.public_pem.len, SOGOV_STATUS_KEY_INVALID),
          A_PLACE("key", &results.key)}},
        {"sogov_key_load_raw", call_key_load_raw, OK,
         {A_TEXT("scheme", "x-arguments", SOGOV_STATUS_UNSUPPORTED),
          SOME_BYTES("public_bytes", "public", 6, SOGOV_STATUS_KEY_INVALID),
          SOME_BYTES("private_bytes", "private", 7, SAME), A_PLACE("key", &results.key)}},
        {"sogov_key_memory_policy", call_key_memory_policy, OK, {A_CHOICE("policy", SOGOV_KEY_MEMORY_DEGRADE)}},
        {"sogov_key_open", call_key_open, SOGOV_STATUS_NOT_FOUND,
         {A_TEXT("uri", "sdf:library=/no/such/library.so;index=1", INVALID), A_PLACE("key", &results.key)}},
        {"sogov_key_prepare", call_key_prepare, OK, {A_KEY}},
        {"sogov_key_public", call_key_public, OK, {A_KEY, A_PLACE("public_key", &results.key)}},
        {"sogov_lease_plugin", call_lease_plugin, OK,
         {A_LEASE(m.level_1), A_PLACE("descriptor", &results.plugin), A_PLACE("plugin_self", &results.address)}},
        {"sogov_lease_release", call_lease_release, SOGOV_STATUS_LEASE_GONE,
         {A_LEASE(UINT64_MAX - 1), A_CHOICE("outcome", SOGOV_OUTCOME_SUCCESS)}},
        {"sogov_lease_symbol", call_lease_symbol, OK,
         {A_LEASE(m.level_0), A_TEXT("name", "answer", INVALID), A_TEXT("symbol_version", "V1", SAME),
          A_PLACE("address", &results.address)}},
        {"sogov_lease_version", call_lease_version, OK, {A_LEASE(m.level_1), A_PLACE("version", results.label)}},
        {"sogov_load_versioned", call_load_versioned, SOGOV_STATUS_BUSY,
         {AN_ENGINE, A_TEXT("service", "fee", INVALID), A_TEXT("version", "v1", SAME),
          A_TEXT("path", path_of(fixture, "fee-v1.so"), INVALID), SOME_OPTIONS(sogov_change_options),
          AN_INFO(sogov_version_info)}},
        {"sogov_promote", call_promote, SOGOV_STATUS_NOT_FOUND,
         {AN_ENGINE, A_TEXT("service", "fee", INVALID), A_TEXT("version", "absent", SAME),
          SOME_OPTIONS(sogov_change_options), AN_INFO(sogov_version_info)}},
        {"sogov_rollback", call_rollback, SOGOV_STATUS_NOT_FOUND,
         {AN_ENGINE, A_TEXT("service", "fee", INVALID), SOME_OPTIONS(sogov_change_options),
          AN_INFO(sogov_version_info)}},
        {"sogov_route", call_route, OK, {A_SERVICE, SOME_OPTIONS(sogov_request), A_PLACE("lease", &results.lease)}},
        {"sogov_route_policy_apply", call_route_policy_apply, SOGOV_STATUS_ROUTE_POLICY_INVALID,
         {AN_ENGINE, A_TEXT("service", "fee", INVALID), SOME_BYTES("document", "{", 1, SAME),
          SOME_OPTIONS(sogov_change_options)}},
        {"sogov_scheme_register", call_scheme_register, OK,
         {A_TEXT("name", "x-arguments", INVALID),
          {OPTIONS, "sogov_scheme_options", &m.scheme, sizeof(sogov_scheme_options), NULL, INVALID}}},
        {"sogov_scheme_unregister", call_scheme_unregister, SOGOV_STATUS_NOT_FOUND,
         {A_TEXT("name", "x-absent", INVALID)}},
        {"sogov_service_open", call_service_open, OK,
         {AN_ENGINE, A_TEXT("name", "fee", INVALID), A_PLACE("service", &results.service)}},
        {"sogov_sign", call_sign, OK,
         {A_KEY, SOME_BYTES("message", "m", 1, SAME), SOME_OPTIONS(sogov_signature_options), A_BUFFER("signature")}},
        {"sogov_sign_batch", call_sign_batch, OK,
         {SOME_BYTES("items", &m.signing, 1, SAME), SOME_OPTIONS(sogov_signature_options),
          A_PLACE("signatures", results.signature)}},
        {"sogov_unload", call_unload, SOGOV_STATUS_NOT_FOUND,
         {AN_ENGINE, A_TEXT("service", "fee", INVALID), A_TEXT("version", "absent", SAME),
          SOME_OPTIONS(sogov_change_options)}},
        {"sogov_verifier_event_fd", call_verifier_event_fd, OK, {A_VERIFIER, A_PLACE("fd", &results.fd)}},
        {"sogov_verifier_open", call_verifier_open, OK,
         {SOME_OPTIONS(sogov_verifier_options), A_PLACE("verifier", &results.verifier)}},
        {"sogov_update", call_update, SOGOV_STATUS_BUSY,
         {AN_ENGINE, A_TEXT("service", "fee", INVALID), A_TEXT("version", "v1", SAME),
          A_TEXT("path", path_of(fixture, "fee-v1.so"), INVALID), SOME_OPTIONS(sogov_update_options),
          AN_INFO(sogov_version_info)}},
        {"sogov_verifier_poll", call_verifier_poll, OK,
         {A_VERIFIER, A_PLACE("results", &results.result), A_PLACE("count", &results.count)}},
        {"sogov_verifier_submit", call_verifier_submit, OK,
         {A_VERIFIER, A_PLACE("item", &m.verification), SOME_OPTIONS(sogov_signature_options)}},
        {"sogov_verifier_close", call_verifier_close, OK, {A_VERIFIER}},
        {"sogov_process_status", call_process_status, OK, {A_PLACE("info", &results.process)}},
        {"sogov_trust_refresh", call_trust_refresh, OK,
         {AN_ENGINE, SOME_OPTIONS(sogov_change_options), AN_INFO(sogov_trust_info)}},
        {"sogov_trust_confirm_time", call_trust_confirm_time, INVALID,
         {AN_ENGINE, SOME_OPTIONS(sogov_change_options), A_PLACE_OR_NULL("time", &results.time)}},
        {"sogov_verify", call_verify, OK,
         {A_KEY, SOME_BYTES("message", "m", 1, SOGOV_STATUS_SIGNATURE_INVALID),
          SOME_BYTES("signature", m.signature.data, m.signature.len, SOGOV_STATUS_SIGNATURE_INVALID),
          SOME_OPTIONS(sogov_signature_options)}},
        {"sogov_verify_batch", call_verify_batch, OK,
         {SOME_BYTES("items", &m.verification, 1, SAME), SOME_OPTIONS(sogov_signature_options)}},
        {"sogov_version_list", call_version_list, OK,
         {AN_ENGINE, A_TEXT("service", "fee", SAME), AN_INFO(sogov_version_info), A_PLACE("count", &results.count)}},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        check_function(&table[i]);
    free_material(&m);
}

/* ---- the tries ------------------------------------------------------------------------------------------------- */

static void check_argument(const function *function, size_t index);
static void attempt(const function *function, size_t index, value value, sogov_status expected, const char *word);

static void check_function(const function *function)
{
    printf("function %s\n", function->name);
    for (size_t index = 0; index < 8 && function->arguments[index].name != NULL; index++)
        check_argument(function, index);
}

static void check_text(const function *function, size_t index);
static void check_options(const function *function, size_t index);
static void check_info(const function *function, size_t index);
static void check_buffer(const function *function, size_t index);

static void check_argument(const function *function, size_t index)
{
    const argument *argument = &function->arguments[index];
    const char *name = argument->name;
    sogov_status empty = argument->empty == SAME ? function->status : argument->empty;
    value good = {argument->at, argument->len};

    attempt(function, index, good, function->status, "");
    switch (argument->kind) {
    case HANDLE:
        attempt(function, index, (value){NULL, 0}, INVALID, name);
        attempt(function, index, (value){argument->freed, 0}, SOGOV_STATUS_CLOSED, name);
        break;
    case TEXT:
        attempt(function, index, (value){NULL, 0}, empty, "");
        check_text(function, index);
        break;
    case BYTES:
        attempt(function, index, (value){NULL, 0}, empty, "");
        attempt(function, index, (value){NULL, 5}, INVALID, name);
        attempt(function, index, (value){"x", SIZE_MAX}, INVALID, name);
        break;
    case OPTIONS:
        attempt(function, index, (value){NULL, 0}, empty, "");
        check_options(function, index);
        break;
    case PLACE:
        attempt(function, index, (value){NULL, 0}, INVALID, name);
        break;
    case PLACE_OR_NULL:
        attempt(function, index, (value){NULL, 0}, function->status, "");
        break;
    case INFO_OR_NULL:
        check_info(function, index);
        break;
    case BUFFER:
        check_buffer(function, index);
        break;
    case CHOICE:
        attempt(function, index, (value){NULL, 77}, INVALID, name);
        attempt(function, index, (value){NULL, UINT32_MAX}, INVALID, name);
        break;
    case LEASE:
        attempt(function, index, (value){NULL, 0}, SOGOV_STATUS_LEASE_GONE, name);
        attempt(function, index, (value){NULL, UINT64_MAX}, SOGOV_STATUS_LEASE_GONE, name);
        attempt(function, index, (value){NULL, argument->len ^ (UINT64_C(1) << 60)}, SOGOV_STATUS_LEASE_GONE, name);
        break;
    }
}

static void check_text(const function *function, size_t index)
{
    static char too_long[(64 << 10) + 1];
    const char *name = function->arguments[index].name;
    memset(too_long, 'a', sizeof too_long);
    attempt(function, index, (value){NULL, 5}, INVALID, name);
    attempt(function, index, (value){"x", SIZE_MAX}, INVALID, name);
    attempt(function, index, (value){too_long, sizeof too_long}, INVALID, name);
    attempt(function, index, (value){"a\xff", 2}, INVALID, name);
    /* A surrogate half, an overlong form, and a character cut short. */
    attempt(function, index, (value){"\xed\xa0\x80", 3}, INVALID, name);
    attempt(function, index, (value){"\xc0\xaf", 2}, INVALID, name);
    attempt(function, index, (value){"\xe4\xb8", 2}, INVALID, name);
    attempt(function, index, (value){"v1\0v2", 5}, INVALID, name);
}

/* A struct and 64 bytes more, for callers whose header is newer than the library. */
typedef union room {
    size_t size;
    unsigned char bytes[1024];
} room;

static void check_options(const function *function, size_t index)
{
    const argument *argument = &function->arguments[index];
    sogov_status empty = argument->empty == SAME ? function->status : argument->empty;
    static const size_t senseless[] = {0, 1, sizeof(size_t) - 1, (64 << 10) + 1, SIZE_MAX};
    room room = {.bytes = {0}};
    if (argument->at != NULL)
        memcpy(room.bytes, argument->at, argument->len);
    for (size_t i = 0; i < sizeof senseless / sizeof senseless[0]; i++) {
        room.size = senseless[i];
        attempt(function, index, (value){&room, 0}, INVALID, argument->name);
    }
    room.size = sizeof(size_t);
    attempt(function, index, (value){&room, 0}, empty, "");
    room.size = argument->len;
    attempt(function, index, (value){&room, 0}, function->status, "");
    room.size = argument->len + 64;
    attempt(function, index, (value){&room, 0}, function->status, "");
    room.bytes[argument->len + 63] = 1;
    attempt(function, index, (value){&room, 0}, INVALID, argument->name);
}

static void check_info(const function *function, size_t index)
{
    const argument *argument = &function->arguments[index];
    static const size_t senseless[] = {0, 1, sizeof(size_t) - 1};
    room room = {.bytes = {0}};
    attempt(function, index, (value){NULL, 0}, function->status, "");
    for (size_t i = 0; i < sizeof senseless / sizeof senseless[0]; i++) {
        room.size = senseless[i];
        attempt(function, index, (value){&room, 0}, INVALID, argument->name);
    }
    room.size = argument->len;
    attempt(function, index, (value){&room, 0}, function->status, "");
    room.size = argument->len + 64;
    attempt(function, index, (value){&room, 0}, function->status, "");
}

static void check_buffer(const function *function, size_t index)
{
    uint8_t foreign[8];
    sogov_bytes broken[] = {{NULL, 5, 0}, {NULL, 0, 5}, {NULL, 5, 5}, {foreign, 0, 0}, {foreign, 5, 4}};
    attempt(function, index, (value){NULL, 0}, INVALID, function->arguments[index].name);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        attempt(function, index, (value){&broken[i], 0}, INVALID, function->arguments[index].name);
}

static int no_results(void)
{
    return results.engine == NULL && results.service == NULL && results.key == NULL && results.lease == 0 &&
           results.verifier == NULL && results.recipient == NULL && results.recipient_key == NULL;
}

static void empty_results(void)
{
    sogov_engine_free(results.engine);
    sogov_service_free(results.service);
    sogov_key_free(results.key);
    sogov_verifier_free(results.verifier);
    sogov_recipient_free(results.recipient);
    sogov_recipient_key_free(results.recipient_key);
    if (results.lease != 0)
        CHECK(sogov_lease_release(results.lease, SOGOV_OUTCOME_NEUTRAL, NULL) == OK);
    CHECK(sogov_bytes_free(&results.bytes) == OK);
    results = (struct results){0};
}

/* Calls with one argument replaced, with and without a place for the error. */
static void attempt(const function *function, size_t index, value value, sogov_status expected, const char *word)
{
    struct value with[8];
    for (size_t i = 0; i < 8; i++)
        with[i] = (struct value){function->arguments[i].at, function->arguments[i].len};
    with[index] = value;
    char what[160];
    snprintf(what, sizeof what, "%s, %s: (%p, %zu)", function->name, function->arguments[index].name, value.at,
             value.len);

    sogov_error *refusal = NULL;
    sogov_status with_place = function->call(with, &refusal);
    check(with_place == OK || no_results(), __FILE__, __LINE__, what);
    empty_results();
    sogov_status without_place = function->call(with, NULL);
    empty_results();
    if (expected == OK) {
        check_succeeded(__FILE__, __LINE__, what, with_place, refusal);
        check(without_place == OK, __FILE__, __LINE__, what);
    } else {
        check_refused(__FILE__, __LINE__, what, expected, word, with_place, without_place, refusal);
    }
}

/* ---- material -------------------------------------------------------------------------------------------------- */

static sogov_lease lease_on(sogov_service *service)
{
    sogov_lease lease = 0;
    SUCCEEDS(sogov_route(service, NULL, &lease, E));
    CHECK(lease != 0);
    return lease;
}

static void copy_file(const char *from, const char *to)
{
    FILE *source = fopen(from, "rb");
    FILE *target = fopen(to, "wb");
    CHECK(source != NULL && target != NULL);
    if (source == NULL || target == NULL)
        exit(EXIT_FAILURE);
    char block[4096];
    for (size_t len = fread(block, 1, sizeof block, source); len > 0; len = fread(block, 1, sizeof block, source))
        CHECK(fwrite(block, 1, len, target) == len);
    fclose(source);
    fclose(target);
}

static void make_material(fixture *fixture, material *m)
{
    *m = (material){.private_pem = SOGOV_BYTES_INIT};
    SUCCEEDS(sogov_key_export(fixture->key, SOGOV_KEY_FORMAT_PKCS8_PEM, NULL, 0, &m->private_pem, E));
    SUCCEEDS(sogov_key_export(fixture->key, SOGOV_KEY_FORMAT_SPKI_PEM, NULL, 0, &m->public_pem, E));
    SUCCEEDS(sogov_sign(fixture->key, (const uint8_t *)"m", 1, NULL, &m->signature, E));
    m->verification = (sogov_verification){
        fixture->key, (const uint8_t *)"m", 1, m->signature.data, m->signature.len, NULL, 0,
    };
    SUCCEEDS(sogov_verifier_open(NULL, &m->verifier, E));
    SUCCEEDS(sogov_verifier_open(NULL, &m->freed_verifier, E));
    CHECK(sogov_verifier_free(m->freed_verifier) == 0);
    m->scheme = (sogov_scheme_options){.size = sizeof m->scheme, .number = 130, .verify = verify_nothing};
    m->signing = (sogov_signing){fixture->key, (const uint8_t *)"m", 1, NULL, 0};
    m->facts = (sogov_file_facts){
        .size = sizeof m->facts, .service = "fee", .service_len = 3, .version = "argument", .version_len = 8,
        .detached = 1,
    };
    snprintf(m->unsigned_plugin, sizeof m->unsigned_plugin, "%s", path_of(fixture, "unsigned.so"));
    copy_file(fee_plugin(fixture, "v1"), m->unsigned_plugin);
    snprintf(m->signed_plugin, sizeof m->signed_plugin, "%s",
             signed_plugin(fixture, fee_plugin(fixture, "v1"), "fee", "argument"));

    snprintf(m->package, sizeof m->package, "%s", path_of(fixture, "argument.sogpkg"));
    SUCCEEDS(sogov_recipient_read(m->public_pem.data, m->public_pem.len, &m->recipient, E));
    SUCCEEDS(sogov_recipient_key_read(m->private_pem.data, m->private_pem.len, NULL, 0, NULL, 0, &m->recipient_key, E));
    SUCCEEDS(
        sogov_recipient_key_read(m->private_pem.data, m->private_pem.len, NULL, 0, NULL, 0, &m->freed_recipient_key, E));
    sogov_recipient_key_free(m->freed_recipient_key);
    m->plugin = (sogov_text){m->signed_plugin, strlen(m->signed_plugin)};
    m->host = (sogov_text){"host", 4};
    m->key = fixture->key;
    m->to = m->recipient;
    m->pack = (sogov_pack_options){
        .size = sizeof m->pack, .plugins = &m->plugin, .plugin_count = 1, .audiences = &m->host, .audience_count = 1,
        .keys = &m->key, .key_count = 1, .recipients = &m->to, .recipient_count = 1,
    };
    m->install = (sogov_install_options){.size = sizeof m->install, .audience = "host", .audience_len = 4};

    load_plugin(fixture, fixture->engine, zoo_plugin(fixture, "versioned_symbol"), "versioned", "v1");
    promote(fixture->engine, "versioned", "v1");
    sogov_service *versioned = open_service(fixture->engine, "versioned");
    m->level_0 = lease_on(versioned);
    m->level_1 = lease_on(fixture->fee);
    sogov_service_free(versioned);
}

static void free_material(material *m)
{
    SUCCEEDS(sogov_scheme_unregister(SOGOV_TEXT("x-arguments"), E));
    SUCCEEDS(sogov_lease_release(m->level_0, SOGOV_OUTCOME_SUCCESS, E));
    SUCCEEDS(sogov_lease_release(m->level_1, SOGOV_OUTCOME_SUCCESS, E));
    CHECK(sogov_verifier_free(m->verifier) > 0);
    sogov_recipient_free(m->recipient);
    sogov_recipient_key_free(m->recipient_key);
    CHECK(sogov_bytes_free(&m->private_pem) == OK);
    CHECK(sogov_bytes_free(&m->public_pem) == OK);
    CHECK(sogov_bytes_free(&m->signature) == OK);
}
