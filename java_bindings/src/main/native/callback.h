/* callback.h - Java's listeners, as the engine calls them. */
#ifndef CALLBACK_H
#define CALLBACK_H

#include "jni_util.h"

/* A visit to Java from a callback: of a thread that the JVM need not know, and that may have an exception pending which
 * is not the callback's business. */
typedef struct visit {
    JNIEnv *env;
    jthrowable pending;
} visit;

/* Attaches the thread as a daemon where it is not attached; it is detached when it ends. False when the JVM is gone. */
bool visit_begin(visit *visit);

/* Gives back what the visit made. An exception of it ends here: none crosses into the engine. */
void visit_end(visit *visit);

void write_log(void *context, sogov_log_level level, const char *message, size_t message_len);
void tell_event(void *context, const sogov_event *event);

#endif /* CALLBACK_H */
