/*
 * jni_util.h - what the natives share: failures as exceptions, arrays, and what Java and C hand each other.
 *
 * All that is not on the path of a call comes and goes as one array of bytes (Packer and Unpacker in Java): numbers as
 * int64_t of the machine, texts and data as a number, their length or -1 for null, and the bytes.
 */
#ifndef JNI_UTIL_H
#define JNI_UTIL_H

#include "sogov.h"

#include <jni.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What JNI_OnLoad has looked up: threads that attach have another class loader. */
typedef struct java_side {
    JavaVM *vm;
    jclass native;
    jmethodID failure, call_failure, log, event, progress, verified, scheme_verify, scheme_sign, scheme_release;
} java_side;

extern java_side java;

/* ---- failures ---- */

/* Throws the exception of a status other than OK, unless one is pending already, and frees the error. */
void throw_failure(JNIEnv *env, sogov_status status, sogov_error *error);

/* Throws OutOfMemoryError. */
void throw_no_memory(JNIEnv *env);

/* ---- bytes ---- */

/* A new array; NULL with an exception pending where there is no memory. */
jbyteArray new_bytes(JNIEnv *env, const void *bytes, size_t len);

/* The same of a text that may be NULL. */
jbyteArray new_text(JNIEnv *env, const char *text, size_t len);

/* A digest, after a call that wrote it. */
jbyteArray digest_or_throw(JNIEnv *env, sogov_status status, const uint8_t digest[32], sogov_error *error);

/* What a call put into a buffer, which is wiped and given back; or the exception. */
jbyteArray taken_or_throw(JNIEnv *env, sogov_status status, sogov_bytes *bytes, sogov_error *error);

/* ---- bytes that Java gave, an array or a direct buffer ---- */

typedef struct span {
    const uint8_t *data;
    size_t len;
    uint8_t *copy;
} span;

/* False with an exception pending where there is no memory. `array` is NULL for a direct buffer. */
bool span_open(JNIEnv *env, span *span, jbyteArray array, jobject direct, jint offset, jint length);
void span_close(span *span);

/* ---- reading what was packed ---- */

typedef struct reader {
    uint8_t *bytes;
    size_t next;
} reader;

typedef struct text {
    const char *bytes;
    size_t len;
} text;

/* False with an exception pending where there is no memory. What is read points into the reader. */
bool reader_open(JNIEnv *env, reader *reader, jbyteArray packed);
void reader_close(reader *reader);
int64_t read_number(reader *reader);
uint32_t read_u32(reader *reader);
/* {NULL, 0} for null; what is empty is not NULL. */
text read_text(reader *reader);

/* ---- packing ---- */

typedef struct packer {
    uint8_t *bytes;
    size_t len, capacity;
    bool failed;
} packer;

void pack_number(packer *packer, int64_t number);
void pack_data(packer *packer, const void *bytes, size_t len);
/* A text that ends with a NUL. */
void pack_text(packer *packer, const char *text);
/* The array; frees what was packed. */
jbyteArray packed(JNIEnv *env, packer *packer);

/* ---- handles ---- */

#define HANDLE(type, number) ((type *)(intptr_t)(number))
#define NUMBER(pointer) ((jlong)(intptr_t)(pointer))
#define NATIVE(type, name) JNIEXPORT type JNICALL Java_sogov_Native_##name

#endif /* JNI_UTIL_H */
