/* request.c - see request.h. */
#include "request.h"

bool request_open(JNIEnv *env, request *request, jbyteArray packed)
{
    if (!reader_open(env, &request->reader, packed))
        return false;
    text user_key = read_text(&request->reader);
    request->about = (sogov_request){
        .size = sizeof request->about,
        .user_key = (const uint8_t *)user_key.bytes,
        .user_key_len = user_key.len,
        .headers = request->headers,
        /* At most 64: Request.java counts them. */
        .header_count = (size_t)read_number(&request->reader),
    };
    for (size_t i = 0; i < request->about.header_count; i++) {
        text name = read_text(&request->reader), value = read_text(&request->reader);
        request->headers[i] = (sogov_header){name.bytes, name.len, (const uint8_t *)value.bytes, value.len};
    }
    return true;
}

void request_close(request *request)
{
    reader_close(&request->reader);
}
