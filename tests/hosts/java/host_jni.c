/* host_jni.c - the natives of hosts.Native: what tests and bench need beside the package sogov. */
#include "../go/bench/crossing.h"

#include <jni.h>
#include <pthread.h>
#include <stdlib.h>

#define NATIVE(type, name) JNIEXPORT type JNICALL Java_hosts_Native_##name

enum { ON_THE_STACK = 4096 };

static JavaVM *vm;
static jclass native_class;
static jmethodID run;

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *loading, void *reserved)
{
    (void)reserved;
    JNIEnv *env = NULL;
    vm = loading;
    if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_10) != JNI_OK)
        return JNI_ERR;
    /* Looked up here, where the application's class loader is known: threads that attach have another one. */
    jclass found = (*env)->FindClass(env, "hosts/Native");
    if (found == NULL)
        return JNI_ERR;
    native_class = (*env)->NewGlobalRef(env, found);
    run = (*env)->GetStaticMethodID(env, native_class, "run", "(J)I");
    return run == NULL ? JNI_ERR : JNI_VERSION_10;
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
    char file[ON_THE_STACK] = {0};
    jsize length = (*env)->GetArrayLength(env, path);
    if (length >= ON_THE_STACK)
        return JNI_FALSE;
    (*env)->GetByteArrayRegion(env, path, 0, length, (jbyte *)file);
    return crossing_open(file) == 0;
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
