/* A mock of an SDF library (GM/T 0018-2012): the functions that signing needs, over one key in memory. The arithmetic is
 * OpenSSL's, so that what sogov makes of the device's answers is checked against another implementation. It is strict about
 * the order of calls, counts what is open, and can be told to fail. It is no device and keeps nothing safe. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEYNOTEXIST = 0x01000008, PARDENY = 0x01000007, HARDFAIL = 0x01000004, SIGNERR = 0x0100000D, INARGERR = 0x0100001D };

typedef struct { unsigned int bits; unsigned char x[64], y[64]; } ECCrefPublicKey;
typedef struct { unsigned char r[64], s[64]; } ECCSignature;
typedef struct { pid_t owner; int unplugged; } Device;
typedef struct { Device *device; int may_sign; } Session;

static const char PIN[] = "11223344";
static EVP_PKEY *key;
static int open_sessions, unplug, garble, authorisations;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* For the tests. */
int mock_open_sessions(void) { return open_sessions; }
int mock_authorisations(void) { return authorisations; }
void mock_unplug(void) { unplug++; }
void mock_garble(int on) { garble = on; }

static int made(void) {
    pthread_mutex_lock(&lock);
    if (!key) {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);
        if (!context || EVP_PKEY_keygen_init(context) <= 0 || EVP_PKEY_generate(context, &key) <= 0) key = NULL;
        EVP_PKEY_CTX_free(context);
    }
    pthread_mutex_unlock(&lock);
    return key != NULL;
}

int SDF_OpenDevice(void **handle) {
    Device *device = calloc(1, sizeof *device);
    if (!device || !made()) return HARDFAIL;
    device->owner = getpid();
    device->unplugged = unplug;
    *handle = device;
    return 0;
}

static int gone(const Device *device) { return device->unplugged != unplug || device->owner != getpid(); }

int SDF_CloseDevice(void *handle) {
    free(handle);
    return 0;
}

int SDF_OpenSession(void *handle, void **out) {
    if (gone(handle)) return HARDFAIL;
    Session *session = calloc(1, sizeof *session);
    if (!session) return HARDFAIL;
    session->device = handle;
    __atomic_add_fetch(&open_sessions, 1, __ATOMIC_SEQ_CST);
    *out = session;
    return 0;
}

int SDF_CloseSession(void *handle) {
    free(handle);
    __atomic_sub_fetch(&open_sessions, 1, __ATOMIC_SEQ_CST);
    return 0;
}

int SDF_GetPrivateKeyAccessRight(void *handle, unsigned int index, unsigned char *pin, unsigned int len) {
    Session *session = handle;
    if (gone(session->device)) return HARDFAIL;
    if (index != 1) return KEYNOTEXIST;
    __atomic_add_fetch(&authorisations, 1, __ATOMIC_SEQ_CST);
    if (len != strlen(PIN) || memcmp(pin, PIN, len) != 0) return PARDENY;
    session->may_sign = 1;
    return 0;
}

int SDF_ExportSignPublicKey_ECC(void *handle, unsigned int index, ECCrefPublicKey *out) {
    Session *session = handle;
    unsigned char point[65];
    size_t len = 0;
    if (gone(session->device)) return HARDFAIL;
    if (index != 1) return KEYNOTEXIST;
    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, sizeof point, &len) <= 0 || len != 65)
        return HARDFAIL;
    memset(out, 0, sizeof *out);
    out->bits = 256;
    memcpy(out->x + 32, point + 1, 32);
    memcpy(out->y + 32, point + 33, 32);
    return 0;
}

int SDF_InternalSign_ECC(void *handle, unsigned int index, unsigned char *data, unsigned int len, ECCSignature *out) {
    Session *session = handle;
    unsigned char der[80];
    const unsigned char *at = der;
    size_t der_len = sizeof der;
    if (gone(session->device)) return HARDFAIL;
    if (index != 1) return KEYNOTEXIST;
    if (!session->may_sign) return PARDENY;
    if (len != 32) return INARGERR;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    int good = context && EVP_PKEY_sign_init(context) > 0 && EVP_PKEY_sign(context, der, &der_len, data, len) > 0;
    EVP_PKEY_CTX_free(context);
    ECDSA_SIG *signature = good ? d2i_ECDSA_SIG(NULL, &at, (long)der_len) : NULL;
    if (!signature) return SIGNERR;
    memset(out, 0, sizeof *out);
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), out->r + 32, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), out->s + 32, 32);
    ECDSA_SIG_free(signature);
    if (garble == 1) out->s[63] ^= 1;
    if (garble == 2) out->r[0] = 1;
    return 0;
}
