/* callback.c - see callback.h. */
#include "callback.h"

#include <pthread.h>
#include <stdlib.h>

enum { LOCAL_REFERENCES = 16 };

static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

void write_log(void *context, sogov_log_level level, const char *message, size_t message_len)
{
    visit visit;
    if (!visit_begin(&visit))
        return;
    JNIEnv *env = visit.env;
    jbyteArray line = new_text(env, message, message_len);
    if (line != NULL)
        (*env)->CallStaticVoidMethod(env, java.native, java.log, NUMBER(context), (jint)level, line);
    visit_end(&visit);
}

void tell_event(void *context, const sogov_event *event)
{
    visit visit;
    if (!visit_begin(&visit))
        return;
    JNIEnv *env = visit.env;
    jbyteArray service = new_text(env, event->service, event->service_len);
    jbyteArray version = service == NULL ? NULL : new_text(env, event->version, event->version_len);
    jbyteArray detail = version == NULL ? NULL : new_text(env, event->detail, event->detail_len);
    if (detail != NULL)
        (*env)->CallStaticVoidMethod(env, java.native, java.event, NUMBER(context), (jint)event->kind, service, version,
                                     detail);
    visit_end(&visit);
}

/* ---- visits ---- */

static void detach(void *vm)
{
    JNIEnv *env = NULL;
    if ((*(JavaVM *)vm)->GetEnv(vm, (void **)&env, JNI_VERSION_10) == JNI_OK)
        (*(JavaVM *)vm)->DetachCurrentThread(vm);
}

static void make_key(void)
{
    if (pthread_key_create(&at_thread_end, detach) != 0)
        abort();
}

/* Attached once, and not for each visit: that would be a new java.lang.Thread each time. */
static JNIEnv *attach(void)
{
    JNIEnv *env = NULL;
    JavaVMAttachArgs arguments = {JNI_VERSION_10, (char *)"sogov", NULL};
    pthread_once(&once, make_key);
    if ((*java.vm)->AttachCurrentThreadAsDaemon(java.vm, (void **)&env, &arguments) != JNI_OK)
        return NULL;
    if (pthread_setspecific(at_thread_end, java.vm) != 0)
        abort();
    return env;
}

bool visit_begin(visit *visit)
{
    *visit = (struct visit){0};
    jint known = (*java.vm)->GetEnv(java.vm, (void **)&visit->env, JNI_VERSION_10);
    if (known == JNI_EDETACHED)
        visit->env = attach();
    else if (known != JNI_OK)
        visit->env = NULL;
    JNIEnv *env = visit->env;
    if (env == NULL)
        return false;
    /* The plugin may have called Java, which has thrown: nothing may be called with that pending. */
    visit->pending = (*env)->ExceptionOccurred(env);
    (*env)->ExceptionClear(env);
    if ((*env)->PushLocalFrame(env, LOCAL_REFERENCES) == 0)
        return true;
    (*env)->ExceptionClear(env);
    if (visit->pending != NULL)
        (*env)->Throw(env, visit->pending);
    return false;
}

void visit_end(visit *visit)
{
    JNIEnv *env = visit->env;
    (*env)->ExceptionClear(env);
    (*env)->PopLocalFrame(env, NULL);
    if (visit->pending != NULL) {
        (*env)->Throw(env, visit->pending);
        (*env)->DeleteLocalRef(env, visit->pending);
    }
}
