/* scheme.c - signature schemes of the host's: what the library asks of Java. */
#include "callback.h"
#include "sogov_Native.h"

static bool bytes_of(JNIEnv *env, jbyteArray *made, const uint8_t *bytes, size_t len)
{
    *made = new_bytes(env, bytes, len);
    return *made != NULL;
}

static int32_t verify_by_scheme(void *payload, const uint8_t *key, size_t key_len, const uint8_t *message,
                                size_t message_len, const uint8_t *signature, size_t signature_len)
{
    visit visit;
    if (!visit_begin(&visit))
        return 0;
    JNIEnv *env = visit.env;
    jbyteArray given[3];
    jboolean valid = JNI_FALSE;
    if (bytes_of(env, &given[0], key, key_len) && bytes_of(env, &given[1], message, message_len) &&
        bytes_of(env, &given[2], signature, signature_len))
        valid = (*env)->CallStaticBooleanMethod(env, java.native, java.scheme_verify, NUMBER(payload), given[0],
                                                given[1], given[2]);
    if ((*env)->ExceptionCheck(env))
        valid = JNI_FALSE;
    visit_end(&visit);
    return valid == JNI_TRUE ? 1 : 0;
}

static int32_t sign_by_scheme(void *payload, const uint8_t *key, size_t key_len, const uint8_t *message,
                              size_t message_len, uint8_t *signature, size_t *signature_len)
{
    visit visit;
    if (!visit_begin(&visit))
        return 0;
    JNIEnv *env = visit.env;
    jbyteArray given[2], made = NULL;
    int32_t answer = 0;
    if (bytes_of(env, &given[0], key, key_len) && bytes_of(env, &given[1], message, message_len))
        made = (*env)->CallStaticObjectMethod(env, java.native, java.scheme_sign, NUMBER(payload), given[0], given[1]);
    if (!(*env)->ExceptionCheck(env) && made != NULL) {
        jsize len = (*env)->GetArrayLength(env, made);
        if ((size_t)len <= *signature_len) {
            (*env)->GetByteArrayRegion(env, made, 0, len, (jbyte *)signature);
            *signature_len = (size_t)len;
            answer = 1;
        }
    }
    visit_end(&visit);
    return answer;
}

static void release_scheme(void *payload)
{
    visit visit;
    if (!visit_begin(&visit))
        return;
    (*visit.env)->CallStaticVoidMethod(visit.env, java.native, java.scheme_release, NUMBER(payload));
    visit_end(&visit);
}

NATIVE(void, schemeRegister)(JNIEnv *env, jclass class, jlong context, jint number, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return;
    text name = read_text(&reader);
    const sogov_scheme_options options = {
        .size = sizeof options,
        .number = (uint32_t)number,
        .verify = verify_by_scheme,
        .sign = sign_by_scheme,
        .release = release_scheme,
        .payload = HANDLE(void, context),
    };
    sogov_error *error = NULL;
    sogov_status status = sogov_scheme_register(name.bytes, name.len, &options, &error);
    reader_close(&reader);
    throw_failure(env, status, error);
}

NATIVE(void, schemeUnregister)(JNIEnv *env, jclass class, jbyteArray arguments)
{
    (void)class;
    reader reader;
    if (!reader_open(env, &reader, arguments))
        return;
    text name = read_text(&reader);
    sogov_error *error = NULL;
    sogov_status status = sogov_scheme_unregister(name.bytes, name.len, &error);
    reader_close(&reader);
    throw_failure(env, status, error);
}
