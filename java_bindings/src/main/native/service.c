/* service.c - services and leases. */
#include "jni_util.h"
#include "request.h"
#include "sogov_Native.h"

#include <string.h>

NATIVE(jlong, serviceOpen)(JNIEnv *env, jclass class, jlong engine, jbyteArray name)
{
    (void)class;
    span text;
    if (!span_open(env, &text, name, NULL, 0, (*env)->GetArrayLength(env, name)))
        return 0;
    sogov_service *service = NULL;
    sogov_error *error = NULL;
    sogov_status status =
        sogov_service_open(HANDLE(const sogov_engine, engine), (const char *)text.data, text.len, &service, &error);
    span_close(&text);
    throw_failure(env, status, error);
    return NUMBER(service);
}

NATIVE(void, serviceFree)(JNIEnv *env, jclass class, jlong service)
{
    (void)env, (void)class;
    sogov_service_free(HANDLE(sogov_service, service));
}

NATIVE(jlong, route)(JNIEnv *env, jclass class, jlong service, jbyteArray about)
{
    (void)class;
    request request;
    if (about != NULL && !request_open(env, &request, about))
        return 0;
    sogov_lease lease = 0;
    sogov_error *error = NULL;
    sogov_status status =
        sogov_route(HANDLE(const sogov_service, service), about == NULL ? NULL : &request.about, &lease, &error);
    if (about != NULL)
        request_close(&request);
    throw_failure(env, status, error);
    return (jlong)lease;
}

NATIVE(jbyteArray, leaseVersion)(JNIEnv *env, jclass class, jlong lease)
{
    (void)class;
    char label[SOGOV_LABEL_SIZE] = {0};
    sogov_error *error = NULL;
    sogov_status status = sogov_lease_version((sogov_lease)lease, label, &error);
    throw_failure(env, status, error);
    return status == SOGOV_STATUS_OK ? new_bytes(env, label, strlen(label)) : NULL;
}

NATIVE(jlong, leaseSymbol)(JNIEnv *env, jclass class, jlong lease, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return 0;
    text name = read_text(&reader), version = read_text(&reader);
    void *address = NULL;
    sogov_error *error = NULL;
    sogov_status status = sogov_lease_symbol((sogov_lease)lease, name.bytes, name.len, version.bytes, version.len,
                                             &address, &error);
    reader_close(&reader);
    throw_failure(env, status, error);
    return NUMBER(address);
}

NATIVE(jlongArray, leasePlugin)(JNIEnv *env, jclass class, jlong lease)
{
    (void)class;
    const struct sogov_plugin *descriptor = NULL;
    void *self = NULL;
    sogov_error *error = NULL;
    sogov_status status = sogov_lease_plugin((sogov_lease)lease, &descriptor, &self, &error);
    throw_failure(env, status, error);
    if (status != SOGOV_STATUS_OK)
        return NULL;
    const jlong addresses[] = {NUMBER(descriptor), NUMBER(self)};
    jlongArray array = (*env)->NewLongArray(env, 2);
    if (array != NULL)
        (*env)->SetLongArrayRegion(env, array, 0, 2, addresses);
    return array;
}

NATIVE(jint, leaseRelease)(JNIEnv *env, jclass class, jlong lease, jint outcome)
{
    (void)env, (void)class;
    return (jint)sogov_lease_release((sogov_lease)lease, (uint32_t)outcome, NULL);
}
