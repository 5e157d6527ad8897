/* request.h - what the route policy may look at, out of the bytes that Java's Request packed. */
#ifndef REQUEST_H
#define REQUEST_H

#include "jni_util.h"

enum { MOST_HEADERS = 64 };

typedef struct request {
    sogov_request about;
    sogov_header headers[MOST_HEADERS];
    reader reader;
} request;

/* False with an exception pending where there is no memory. */
bool request_open(JNIEnv *env, request *request, jbyteArray packed);
void request_close(request *request);

#endif /* REQUEST_H */
