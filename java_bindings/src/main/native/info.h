/* info.h - what is known of versions and of the process, packed for VersionInfo and ProcessInfo. */
#ifndef INFO_H
#define INFO_H

#include "jni_util.h"

void pack_version(packer *packer, const sogov_version_info *info);

/* One version, after a call that filled it in; or the exception. */
jbyteArray version_or_throw(JNIEnv *env, sogov_status status, const sogov_version_info *info, sogov_error *error);

#endif /* INFO_H */
