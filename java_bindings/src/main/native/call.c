/*
 * call.c - the path of a request. The memory of the latest answer is kept by each OS thread for its next call, and ends
 * with its thread; nothing else is kept from one call to the next, so threads may attach and detach as they like.
 *
 * Arrays are copied by Get/SetByteArrayRegion: in a critical section the garbage collector would have to wait for the
 * plugin. Direct buffers are used where they lie. Native.java has checked all offsets and lengths: each question to the
 * JVM costs a good part of what the call does.
 */
#include "jni_util.h"
#include "request.h"
#include "sogov_Native.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Longer requests are copied to the heap. */
    ON_THE_STACK = 4096,
    /* More memory than this is given back after the call instead of being kept. */
    KEPT_ANSWER = 1 << 20,
    /* In the number that a call returns: the answer's length, then why it was this version. */
    REASON_SHIFT = 32
};

typedef struct kept {
    sogov_bytes answer;
    /* A call inside a call finds it so, and gets memory of its own. */
    bool in_use, ends_with_the_thread;
} kept;

/* Where the answer goes: an array, a direct buffer, or an array of its own length put into `longer`. */
typedef struct room {
    jbyteArray array;
    jobject direct;
    jint offset, capacity;
    jobjectArray longer;
} room;

static _Thread_local kept of_each_thread;

static kept *of_this_thread(void);
static void settle(kept *mine);
static void hand_out(JNIEnv *env, const sogov_bytes *answer, const room *room);
static void throw_call_failure(JNIEnv *env, sogov_status status, const sogov_bytes *answer, const sogov_call_info *info,
                               sogov_error *error);

NATIVE(jlong, call)
(JNIEnv *env, jclass class, jlong service, jbyteArray about, jbyteArray in_array, jobject in_direct, jint in_offset,
 jint in_length, jbyteArray out_array, jobject out_direct, jint out_offset, jint out_capacity, jobjectArray longer,
 jbyteArray label)
{
    (void)class;
    uint8_t on_the_stack[ON_THE_STACK];
    uint8_t *copy = NULL;
    const uint8_t *input;
    if (in_array == NULL) {
        input = (const uint8_t *)(*env)->GetDirectBufferAddress(env, in_direct) + in_offset;
    } else {
        copy = in_length <= ON_THE_STACK ? on_the_stack : malloc((size_t)in_length);
        if (copy == NULL) {
            throw_no_memory(env);
            return 0;
        }
        (*env)->GetByteArrayRegion(env, in_array, in_offset, in_length, (jbyte *)copy);
        input = copy;
    }
    request request;
    if (about != NULL && !request_open(env, &request, about)) {
        if (copy != on_the_stack)
            free(copy);
        return 0;
    }

    kept *mine = of_this_thread();
    bool nested = mine->in_use;
    sogov_bytes own = SOGOV_BYTES_INIT;
    sogov_bytes *answer = nested ? &own : &mine->answer;
    sogov_call_info info;
    info.size = sizeof info;
    sogov_error *error = NULL;
    mine->in_use = true;
    sogov_status status = sogov_call(HANDLE(const sogov_service, service), about == NULL ? NULL : &request.about, input,
                                     (size_t)in_length, answer, &info, &error);
    mine->in_use = nested;

    if (about != NULL)
        request_close(&request);
    if (copy != on_the_stack)
        free(copy);
    jlong result = (jlong)answer->len | (jlong)info.reason << REASON_SHIFT;
    if (status != SOGOV_STATUS_OK) {
        throw_call_failure(env, status, answer, &info, error);
    } else if (!(*env)->ExceptionCheck(env)) {
        room to = {out_array, out_direct, out_offset, out_capacity, longer};
        hand_out(env, answer, &to);
        if (label != NULL && (answer->len <= (size_t)out_capacity || !(*env)->ExceptionCheck(env)))
            (*env)->SetByteArrayRegion(env, label, 0, (jsize)strlen(info.version) + 1, (const jbyte *)info.version);
    }
    if (nested)
        sogov_bytes_free(&own);
    else if (!mine->ends_with_the_thread || mine->answer.capacity > KEPT_ANSWER)
        settle(mine);
    return result;
}

/* An answer that is longer than its room is not written to it. */
static inline void hand_out(JNIEnv *env, const sogov_bytes *answer, const room *room)
{
    if (answer->len > (size_t)room->capacity) {
        jbyteArray all = room->longer == NULL ? NULL : new_bytes(env, answer->data, answer->len);
        if (all != NULL)
            (*env)->SetObjectArrayElement(env, room->longer, 0, all);
    } else if (answer->len > 0) {
        if (room->array != NULL)
            (*env)->SetByteArrayRegion(env, room->array, room->offset, (jsize)answer->len, (const jbyte *)answer->data);
        else
            memcpy((uint8_t *)(*env)->GetDirectBufferAddress(env, room->direct) + room->offset, answer->data,
                   answer->len);
    }
}

static void throw_call_failure(JNIEnv *env, sogov_status status, const sogov_bytes *answer, const sogov_call_info *info,
                               sogov_error *error)
{
    if (!(*env)->ExceptionCheck(env)) {
        const char *message = sogov_error_message(error);
        jbyteArray text = new_bytes(env, message, strlen(message));
        jbyteArray written = text == NULL ? NULL : new_bytes(env, answer->data, answer->len);
        jbyteArray version = written == NULL ? NULL : new_bytes(env, info->version, strlen(info->version));
        jobject failure = version == NULL ? NULL
                                          : (*env)->CallStaticObjectMethod(env, java.native, java.call_failure,
                                                                           (jint)status, text, info->plugin_status,
                                                                           written, version, (jint)info->reason);
        if (failure != NULL && !(*env)->ExceptionCheck(env))
            (*env)->Throw(env, failure);
    }
    sogov_error_free(error);
}

/* ---- what a thread keeps ---- */

static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Not inlined: in a shared library the compiler would look the thread's memory up again for each use. */
__attribute__((noinline)) static kept *of_this_thread(void)
{
    return &of_each_thread;
}

static void free_kept(void *mine)
{
    kept *leaving = mine;
    sogov_bytes_free(&leaving->answer);
    /* A later destructor may call again. */
    leaving->ends_with_the_thread = false;
}

static void make_key(void)
{
    if (pthread_key_create(&at_thread_end, free_kept) != 0)
        abort();
}

/* Makes sure that what is kept ends with its thread, and is not too much. */
static void settle(kept *mine)
{
    pthread_once(&once, make_key);
    mine->ends_with_the_thread = pthread_setspecific(at_thread_end, mine) == 0;
    if (!mine->ends_with_the_thread || mine->answer.capacity > KEPT_ANSWER)
        sogov_bytes_free(&mine->answer);
}
