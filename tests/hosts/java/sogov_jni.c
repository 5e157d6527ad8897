/*
 * sogov_jni.c - the natives of sogov.Native, over sogov.h and the bridge that the Go host uses too.
 *
 * Arrays are copied in and out by Get/SetByteArrayRegion: in a critical section the garbage collector would have to wait
 * for the plugin. Direct buffers are used where they lie. Nothing is kept between two calls that belongs to a thread,
 * but for the bridge's memory, which ends with its thread: threads may attach and detach as they like.
 */
#include "../go/bench/crossing.h"
#include "../go/bridge.h"

#include <jni.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NATIVE(type, name) JNIEXPORT type JNICALL Java_sogov_Native_##name

enum { ON_THE_STACK = 4096 };

static JavaVM *vm;
static jclass native_class, exception_class;
static jmethodID make_exception, run;

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *loading, void *reserved)
{
    (void)reserved;
    JNIEnv *env = NULL;
    vm = loading;
    if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_10) != JNI_OK)
        return JNI_ERR;
    /* Looked up here, where the application's class loader is known: threads that attach have another one. */
    native_class = (*env)->NewGlobalRef(env, (*env)->FindClass(env, "sogov/Native"));
    exception_class = (*env)->NewGlobalRef(env, (*env)->FindClass(env, "sogov/SogovException"));
    if (native_class == NULL || exception_class == NULL)
        return JNI_ERR;
    make_exception = (*env)->GetMethodID(env, exception_class, "<init>", "(ILjava/lang/String;)V");
    run = (*env)->GetStaticMethodID(env, native_class, "run", "(J)I");
    return make_exception == NULL || run == NULL ? JNI_ERR : JNI_VERSION_10;
}

/* ---- texts and failures ---- */

/* A text in C's memory, ended by a NUL: UTF-8 as Java's getBytes makes it, which NewStringUTF and its kin do not. */
typedef struct text {
    char *bytes;
    size_t len;
} text;

static text text_of(JNIEnv *env, jbyteArray array)
{
    text text = {.len = (size_t)(*env)->GetArrayLength(env, array)};
    text.bytes = malloc(text.len + 1);
    if (text.bytes == NULL)
        abort();
    text.bytes[text.len] = '\0';
    (*env)->GetByteArrayRegion(env, array, 0, (jsize)text.len, (jbyte *)text.bytes);
    return text;
}

/* Makes the pending exception of a status, and frees the error. */
static void throw_failure(JNIEnv *env, sogov_status status, sogov_error *error)
{
    if (status == SOGOV_STATUS_OK)
        return;
    if ((*env)->ExceptionCheck(env)) {
        /* Java code that the plugin called back into has thrown: that is the reason. */
        sogov_error_free(error);
        return;
    }
    /* Messages may quote what is not ASCII; NewStringUTF wants modified UTF-8, which differs for few characters. */
    jstring message = (*env)->NewStringUTF(env, sogov_error_message(error));
    jobject failure = message == NULL ? NULL
                                      : (*env)->NewObject(env, exception_class, make_exception, (jint)status, message);
    if (failure != NULL)
        (*env)->Throw(env, failure);
    sogov_error_free(error);
}

/* ---- engine ---- */

NATIVE(jlong, open)(JNIEnv *env, jclass class, jbyteArray trust_directory, jboolean contain_crashes)
{
    (void)class;
    text trust = text_of(env, trust_directory);
    sogov_engine_options options = {
        .size = sizeof options,
        .trust_directory = trust.bytes,
        .trust_directory_len = trust.len,
        .contain_crashes = contain_crashes,
    };
    sogov_engine *engine = NULL;
    sogov_error *error = NULL;
    throw_failure(env, sogov_engine_open(&options, &engine, &error), error);
    free(trust.bytes);
    return (jlong)(intptr_t)engine;
}

NATIVE(void, close)(JNIEnv *env, jclass class, jlong engine)
{
    (void)env, (void)class;
    sogov_engine_free((sogov_engine *)(intptr_t)engine);
}

NATIVE(void, load)
(JNIEnv *env, jclass class, jlong engine, jbyteArray service, jbyteArray version, jbyteArray path)
{
    (void)class;
    text name = text_of(env, service), label = text_of(env, version), file = text_of(env, path);
    sogov_error *error = NULL;
    sogov_status status =
        sogov_load_versioned((const sogov_engine *)(intptr_t)engine, name.bytes, name.len, label.bytes, label.len,
                             file.bytes, file.len, NULL, NULL, &error);
    throw_failure(env, status, error);
    free(name.bytes), free(label.bytes), free(file.bytes);
}

NATIVE(void, promote)(JNIEnv *env, jclass class, jlong engine, jbyteArray service, jbyteArray version)
{
    (void)class;
    text name = text_of(env, service), label = text_of(env, version);
    sogov_error *error = NULL;
    sogov_status status = sogov_promote((const sogov_engine *)(intptr_t)engine, name.bytes, name.len, label.bytes,
                                        label.len, NULL, NULL, &error);
    throw_failure(env, status, error);
    free(name.bytes), free(label.bytes);
}

NATIVE(void, rollback)(JNIEnv *env, jclass class, jlong engine, jbyteArray service)
{
    (void)class;
    text name = text_of(env, service);
    sogov_error *error = NULL;
    sogov_status status =
        sogov_rollback((const sogov_engine *)(intptr_t)engine, name.bytes, name.len, NULL, NULL, &error);
    throw_failure(env, status, error);
    free(name.bytes);
}

NATIVE(void, unload)
(JNIEnv *env, jclass class, jlong engine, jbyteArray service, jbyteArray version, jint drain_ms)
{
    (void)class;
    text name = text_of(env, service), label = text_of(env, version);
    sogov_change_options options = {.size = sizeof options, .drain_ms = (uint32_t)drain_ms};
    sogov_error *error = NULL;
    sogov_status status = sogov_unload((const sogov_engine *)(intptr_t)engine, name.bytes, name.len, label.bytes,
                                       label.len, &options, &error);
    throw_failure(env, status, error);
    free(name.bytes), free(label.bytes);
}

/* Of all versions of a service together: calls, failures, leases in flight. */
NATIVE(jlongArray, counts)(JNIEnv *env, jclass class, jlong engine, jbyteArray service)
{
    (void)class;
    text name = text_of(env, service);
    sogov_version_info infos[64] = {SOGOV_VERSION_INFO_INIT};
    size_t count = 0;
    sogov_error *error = NULL;
    sogov_status status = sogov_version_list((const sogov_engine *)(intptr_t)engine, name.bytes, name.len, infos,
                                             sizeof infos / sizeof infos[0], &count, &error);
    free(name.bytes);
    jlong sums[3] = {0};
    for (size_t i = 0; i < count && i < sizeof infos / sizeof infos[0]; i++) {
        sums[0] += (jlong)infos[i].calls;
        sums[1] += (jlong)infos[i].failures;
        sums[2] += (jlong)infos[i].in_flight;
    }
    jlongArray result = (*env)->NewLongArray(env, 3);
    if (result != NULL)
        (*env)->SetLongArrayRegion(env, result, 0, 3, sums);
    throw_failure(env, status, error);
    return result;
}

/* ---- services and calls ---- */

NATIVE(jlong, service)(JNIEnv *env, jclass class, jlong engine, jbyteArray service)
{
    (void)class;
    text name = text_of(env, service);
    sogov_service *handle = NULL;
    sogov_error *error = NULL;
    sogov_status status =
        sogov_service_open((const sogov_engine *)(intptr_t)engine, name.bytes, name.len, &handle, &error);
    throw_failure(env, status, error);
    free(name.bytes);
    return (jlong)(intptr_t)handle;
}

NATIVE(void, closeService)(JNIEnv *env, jclass class, jlong service)
{
    (void)env, (void)class;
    sogov_service_free((sogov_service *)(intptr_t)service);
}

/* Writes the label, throws where the call failed, and answers the length; -1 for an answer that is longer than its
 * room. */
static inline jint finish(JNIEnv *env, const bridge_answer *answer, const sogov_call_info *info, jbyteArray version)
{
    if (version != NULL && !(*env)->ExceptionCheck(env))
        (*env)->SetByteArrayRegion(env, version, 0, SOGOV_LABEL_SIZE, (const jbyte *)info->version);
    throw_failure(env, answer->status, answer->error);
    bridge_free(answer->longer);
    return answer->longer == NULL ? (jint)answer->len : -1;
}

/* Native.call has checked the lengths, and hands in what it knows of the arrays: each question to the JVM costs a good
 * part of what the call does. */
NATIVE(jint, callArrays)
(JNIEnv *env, jclass class, jlong service, jbyteArray request, jint length, jbyteArray room, jint capacity,
 jbyteArray version)
{
    (void)class;
    jbyte in_place[ON_THE_STACK], out_place[ON_THE_STACK];
    jbyte *in = length <= ON_THE_STACK ? in_place : malloc((size_t)length);
    jbyte *out = capacity <= ON_THE_STACK ? out_place : malloc((size_t)capacity);
    if (in == NULL || out == NULL)
        abort();
    (*env)->GetByteArrayRegion(env, request, 0, length, in);
    sogov_call_info info;
    info.size = sizeof info;
    bridge_answer answer = bridge_call((uintptr_t)service, NULL, 0, (const uint8_t *)in, (size_t)length, (uint8_t *)out,
                                       (size_t)capacity, version == NULL ? NULL : &info);
    if (answer.len > 0 && answer.longer == NULL && !(*env)->ExceptionCheck(env))
        (*env)->SetByteArrayRegion(env, room, 0, (jsize)answer.len, out);
    if (in != in_place)
        free(in);
    if (out != out_place)
        free(out);
    return finish(env, &answer, &info, version);
}

NATIVE(jint, callBuffers)
(JNIEnv *env, jclass class, jlong service, jobject request, jint length, jobject room, jint capacity,
 jbyteArray version)
{
    (void)class;
    sogov_call_info info;
    info.size = sizeof info;
    bridge_answer answer =
        bridge_call((uintptr_t)service, NULL, 0, (*env)->GetDirectBufferAddress(env, request), (size_t)length,
                    (*env)->GetDirectBufferAddress(env, room), (size_t)capacity, version == NULL ? NULL : &info);
    return finish(env, &answer, &info, version);
}

/* ---- leases ---- */

NATIVE(jlong, route)(JNIEnv *env, jclass class, jlong service)
{
    (void)class;
    sogov_lease lease = 0;
    sogov_error *error = NULL;
    throw_failure(env, sogov_route((const sogov_service *)(intptr_t)service, NULL, &lease, &error), error);
    return (jlong)lease;
}

NATIVE(void, leaseVersion)(JNIEnv *env, jclass class, jlong lease, jbyteArray version)
{
    (void)class;
    char label[SOGOV_LABEL_SIZE] = {0};
    sogov_error *error = NULL;
    sogov_status status = sogov_lease_version((sogov_lease)lease, label, &error);
    (*env)->SetByteArrayRegion(env, version, 0, sizeof label, (const jbyte *)label);
    throw_failure(env, status, error);
}

NATIVE(void, release)(JNIEnv *env, jclass class, jlong lease, jboolean ok)
{
    (void)class;
    sogov_error *error = NULL;
    uint32_t outcome = ok ? SOGOV_OUTCOME_SUCCESS : SOGOV_OUTCOME_FAILURE;
    throw_failure(env, sogov_lease_release((sogov_lease)lease, outcome, &error), error);
}

/* ---- threads that are not Java's ---- */

/* What the zoo's plugin "reentrant" calls: Java, on the thread of the call. */
static int32_t run_in_java(void *number)
{
    JNIEnv *env = NULL;
    if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_10) != JNI_OK)
        return -1;
    jint status = (*env)->CallStaticIntMethod(env, native_class, run, (jlong)(intptr_t)number);
    /* An exception stays pending until the call's native returns; a plugin does not see it. */
    return (*env)->ExceptionCheck(env) ? -1 : status;
}

NATIVE(jlong, callback)(JNIEnv *env, jclass class)
{
    (void)env, (void)class;
    return (jlong)(intptr_t)run_in_java;
}

static void *attach_run_detach(void *number)
{
    JNIEnv *env = NULL;
    if ((*vm)->AttachCurrentThread(vm, (void **)&env, NULL) != JNI_OK)
        return (void *)1;
    int32_t status = run_in_java(number);
    if ((*env)->ExceptionCheck(env)) {
        (*env)->ExceptionDescribe(env);
        (*env)->ExceptionClear(env);
    }
    (*vm)->DetachCurrentThread(vm);
    return (void *)(intptr_t)status;
}

/* Runs Native.run(number) on `count` threads at once, each of which attaches, detaches and ends; answers how many of
 * them failed. */
NATIVE(jint, onNativeThreads)(JNIEnv *env, jclass class, jint count, jlong number)
{
    (void)env, (void)class;
    pthread_t threads[64];
    jint failed = 0;
    for (jint i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, attach_run_detach, (void *)(intptr_t)number) != 0)
            abort();
    for (jint i = 0; i < count; i++) {
        void *status = NULL;
        pthread_join(threads[i], &status);
        failed += status != NULL;
    }
    return failed;
}

/* ---- the bench: the crossings alone ---- */

NATIVE(jboolean, crossingOpen)(JNIEnv *env, jclass class, jbyteArray path)
{
    (void)class;
    text file = text_of(env, path);
    int failed = crossing_open(file.bytes);
    free(file.bytes);
    return failed == 0;
}

NATIVE(jint, crossingArrays)
(JNIEnv *env, jclass class, jbyteArray request, jint length, jbyteArray room, jint capacity)
{
    (void)class;
    jbyte in[ON_THE_STACK], out[ON_THE_STACK];
    if (length > ON_THE_STACK || capacity > ON_THE_STACK)
        return -1;
    (*env)->GetByteArrayRegion(env, request, 0, length, in);
    ptrdiff_t len = crossing((const uint8_t *)in, (size_t)length, (uint8_t *)out, (size_t)capacity);
    if (len > 0)
        (*env)->SetByteArrayRegion(env, room, 0, (jsize)len, out);
    return (jint)len;
}

NATIVE(jint, crossingBuffers)
(JNIEnv *env, jclass class, jobject request, jint length, jobject room, jint capacity)
{
    (void)class;
    return (jint)crossing((*env)->GetDirectBufferAddress(env, request), (size_t)length,
                          (*env)->GetDirectBufferAddress(env, room), (size_t)capacity);
}
