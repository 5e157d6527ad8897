/* bridge.h - what crosses from Go to C in one call: everything goes in as numbers and plain pointers, and what comes out
 * is small and comes by value, so nothing has to be allocated or checked on the other side. Go's memory must not hold
 * pointers to Go's memory when it is handed to C: structs that hold pointers are made here. */
#ifndef SOGOV_GO_BRIDGE_H
#define SOGOV_GO_BRIDGE_H

#include <sogov.h>
#include <stdbool.h>

/* Room for a signature in either encoding. */
enum { BRIDGE_SIGNATURE_SIZE = 72 };

/* Headers that a request may have. */
enum { BRIDGE_HEADERS = 64 };

/* What became of a call that answers with a status alone, or with a length or a lease besides. */
typedef struct bridge_result {
    uint64_t value;
    /* Why the call failed, or NULL: to be freed. */
    sogov_error *error;
    enum sogov_status status;
} bridge_result;

/* What became of a request. */
typedef struct bridge_answer {
    /* Bytes of the answer. */
    size_t len;
    /* NULL where the answer is in the room. It did not fit otherwise: to be copied, and freed by bridge_free. */
    sogov_bytes *longer;
    /* Why the call failed, or NULL: to be freed. */
    sogov_error *error;
    enum sogov_status status;
    int32_t plugin_status;
    enum sogov_route_reason reason;
} bridge_answer;

/* sogov_call() into `capacity` bytes of room. `service` is a sogov_service *: as a number it is nothing that Go would look
 * for pointers in. `label` receives SOGOV_LABEL_SIZE bytes. */
bridge_answer bridge_call(uintptr_t service, const uint8_t *user_key, size_t user_key_len, const uint8_t *request,
                          size_t request_len, uint8_t *room, size_t capacity, char *label);

/* The same with headers: names and values one behind the other, with a length for each. */
bridge_answer bridge_call_with(uintptr_t service, const uint8_t *user_key, size_t user_key_len, const uint8_t *headers,
                               const size_t *header_lengths, size_t header_count, const uint8_t *request,
                               size_t request_len, uint8_t *room, size_t capacity, char *label);

/* Frees an answer that did not fit. */
void bridge_free(sogov_bytes *longer);

/* sogov_route(), with the lease as the value. */
bridge_result bridge_route(uintptr_t service, const uint8_t *user_key, size_t user_key_len, const uint8_t *headers,
                           const size_t *header_lengths, size_t header_count);

/* sogov_lease_release(). */
bridge_result bridge_release(uint64_t lease, uint32_t outcome);

/* A user id, for all that follows: a negative length is none, and 0 is the empty one. */

/* What became of signing. */
typedef struct bridge_signed {
    /* Bytes of the signature. */
    size_t value;
    /* NULL where the signature is in its place. It did not fit otherwise: to be copied, and freed by bridge_free. */
    sogov_bytes *longer;
    /* Why the call failed, or NULL: to be freed. */
    sogov_error *error;
    enum sogov_status status;
} bridge_signed;

/* sogov_sign() into BRIDGE_SIGNATURE_SIZE bytes, with the length as the value. Signatures of the host's schemes may be
 * longer. */
bridge_signed bridge_sign(uintptr_t key, const uint8_t *message, size_t message_len, const uint8_t *user_id,
                          ptrdiff_t user_id_len, uint32_t encoding, uint8_t *signature);

/* sogov_verify(). */
bridge_result bridge_verify(uintptr_t key, const uint8_t *message, size_t message_len, const uint8_t *signature,
                            size_t signature_len, const uint8_t *user_id, ptrdiff_t user_id_len, uint32_t encoding);

/* sogov_verifier_submit(). The item's own user id comes first, that of the options second. */
bridge_result bridge_submit(uintptr_t verifier, uint64_t ticket, uintptr_t key, const uint8_t *message,
                            size_t message_len, const uint8_t *signature, size_t signature_len, const uint8_t *user_id,
                            ptrdiff_t user_id_len, const uint8_t *common_id, ptrdiff_t common_id_len,
                            uint32_t encoding);

/* sogov_verify_batch() and sogov_sign_batch(): of each item the message, the signature (for verifying) and the user id stand
 * one behind the other in `bytes`, with a length for each. Signatures are made BRIDGE_SIGNATURE_SIZE bytes apart. */
bridge_result bridge_verify_batch(const uintptr_t *keys, const uint8_t *bytes, const ptrdiff_t *lengths, size_t count,
                                  const uint8_t *user_id, ptrdiff_t user_id_len, uint32_t encoding, int32_t *results);
bridge_result bridge_sign_batch(const uintptr_t *keys, const uint8_t *bytes, const ptrdiff_t *lengths, size_t count,
                                const uint8_t *user_id, ptrdiff_t user_id_len, uint32_t encoding, uint8_t *signatures,
                                size_t *signature_lengths);

/* Where callbacks go: `context` is a handle of Go's, and `owner` stands for the object that calls back. */
typedef struct bridge_listener {
    uintptr_t context;
    uintptr_t owner;
} bridge_listener;

/* Have the library's callbacks call Go. The listener is borrowed for as long as they come. */
void bridge_listen(sogov_engine_options *options, bridge_listener *listener, bool log, bool event);
void bridge_follow(sogov_update_options *options, bridge_listener *listener);
void bridge_collect(sogov_verifier_options *options, bridge_listener *listener);

/* Have a scheme's functions call Go: `context` is a handle of Go's, which is let go of when the library releases it. */
bridge_result bridge_register(const char *name, size_t name_len, uint32_t number, uintptr_t context, bool signs);

/* Whether this thread is inside a callback of this owner, or, for 0, of any verifier. A goroutine stays on its thread while
 * it is in one. */
bool bridge_inside(uintptr_t owner);

#endif /* SOGOV_GO_BRIDGE_H */
