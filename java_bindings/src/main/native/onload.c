/* onload.c - what happens when the JVM loads the natives. */
#include "jni_util.h"
#include "sogov_Native.h"

typedef struct method {
    jmethodID *id;
    const char *name, *signature;
} method;

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved)
{
    (void)reserved;
    JNIEnv *env = NULL;
    if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_10) != JNI_OK)
        return JNI_ERR;
    jclass native = (*env)->FindClass(env, "sogov/Native");
    if (native == NULL)
        return JNI_ERR;
    java.vm = vm;
    java.native = (*env)->NewGlobalRef(env, native);
    const method methods[] = {
        {&java.failure, "failure", "(I[B)Ljava/lang/RuntimeException;"},
        {&java.call_failure, "callFailure", "(I[BI[B[BI)Ljava/lang/RuntimeException;"},
        {&java.log, "log", "(JI[B)V"},
        {&java.event, "event", "(JI[B[B[B)V"},
        {&java.progress, "progress", "(Ljava/lang/Object;[B)Z"},
        {&java.verified, "verified", "(J[J[I)V"},
        {&java.scheme_verify, "schemeVerify", "(J[B[B[B)Z"},
        {&java.scheme_sign, "schemeSign", "(J[B[B)[B"},
        {&java.scheme_release, "schemeRelease", "(J)V"},
    };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        *methods[i].id = (*env)->GetStaticMethodID(env, java.native, methods[i].name, methods[i].signature);
        if (*methods[i].id == NULL)
            return JNI_ERR;
    }
    return JNI_VERSION_10;
}

NATIVE(jint, headerVersion)(JNIEnv *env, jclass class)
{
    (void)env, (void)class;
    return SOGOV_VERSION_NUMBER;
}

NATIVE(jint, libraryVersion)(JNIEnv *env, jclass class)
{
    (void)env, (void)class;
    return (jint)sogov_version_number();
}

NATIVE(jstring, versionText)(JNIEnv *env, jclass class)
{
    (void)class;
    return (*env)->NewStringUTF(env, sogov_version_text());
}

NATIVE(jstring, statusName)(JNIEnv *env, jclass class, jint status)
{
    (void)class;
    return (*env)->NewStringUTF(env, sogov_status_name(status));
}
