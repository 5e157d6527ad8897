/* bridge.h - a call in one crossing from Go to C: everything goes in as numbers and plain pointers, and everything
 * comes out by value, so nothing has to be allocated or checked on the Go side. */
#ifndef BRIDGE_H
#define BRIDGE_H

#include "sogov.h"

/* What became of a call. */
typedef struct bridge_answer {
    sogov_status status;
    int32_t plugin_status;
    uint32_t reason;
    char version[SOGOV_LABEL_SIZE];
    /* Bytes of the answer. */
    size_t len;
    /* The answer, where it did not fit into the room: to be copied, and freed by sogov_bytes_free. */
    sogov_bytes longer;
    /* Why it failed, or NULL: to be freed. */
    sogov_error *error;
} bridge_answer;

bridge_answer bridge_call(const sogov_service *service, const uint8_t *user_key, size_t user_key_len,
                          const uint8_t *request, size_t request_len, uint8_t *room, size_t capacity);

#endif /* BRIDGE_H */
