/* zoo.h - what most animals share: which symbols they export, and the ABI of level 1. */
#ifndef ZOO_H
#define ZOO_H

#include "sogov_plugin.h"

#ifdef __cplusplus
#define EXPORT extern "C" __attribute__((visibility("default")))
#else
#define EXPORT __attribute__((visibility("default")))
#endif

/* What answer() of a level-0 plugin returns: build.sh gives two builds of one source different answers. */
#ifndef ANSWER
#define ANSWER 42
#endif

#endif /* ZOO_H */
