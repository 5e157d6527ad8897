/* message.h - the options that signatures are made and checked with. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "jni_util.h"

/* User id, encoding: what SignatureOptions.java packs. */
sogov_signature_options read_signature_options(reader *reader);

#endif /* MESSAGE_H */
