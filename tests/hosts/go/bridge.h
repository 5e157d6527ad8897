/* bridge.h - a call in one crossing from Go or Java to C: everything goes in as numbers and plain pointers, and what
 * comes out is small and comes by value, so nothing has to be allocated or checked on the other side. */
#ifndef BRIDGE_H
#define BRIDGE_H

#include "sogov.h"

/* What became of a call. */
typedef struct bridge_answer {
    /* Bytes of the answer. */
    size_t len;
    /* NULL where the answer is in the room. It did not fit otherwise: to be copied, and freed by bridge_free. */
    sogov_bytes *longer;
    /* Why the call failed, or NULL: to be freed. */
    sogov_error *error;
    sogov_status status;
} bridge_answer;

/* sogov_call() into `capacity` bytes of room. `service` is a sogov_service *: as a number it is nothing that Go would
 * look for pointers in. `info` may be NULL. */
bridge_answer bridge_call(uintptr_t service, const uint8_t *user_key, size_t user_key_len, const uint8_t *request,
                          size_t request_len, uint8_t *room, size_t capacity, sogov_call_info *info);

/* Frees an answer that did not fit; NULL is none. */
void bridge_free(sogov_bytes *longer);

#endif /* BRIDGE_H */
