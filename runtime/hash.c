/* hash.c: hashes of kept libraries behind our names. SHA-256 of libsodium needs no sodium_init: it neither draws random
 * bytes nor dispatches on the processor. */
#include <sodium.h>
#include <stdlib.h>
#include <xxhash.h>

#include "ardm/file.h"

_Static_assert(crypto_hash_sha256_BYTES == sizeof(ardm_sha256), "SHA-256 is 32 bytes");

/* Empty input may come with a NULL pointer, which these libraries need not accept. */
static const void *readable(const void *data) { return data ? data : ""; }

void ardm_sha256_of(ardm_sha256 *out, const void *data, size_t size) { crypto_hash_sha256(out->bytes, readable(data), size); }

void ardm_sha256_hex(const ardm_sha256 *hash, char out[65]) { sodium_bin2hex(out, 65, hash->bytes, sizeof hash->bytes); }

uint32_t ardm_xxh32(const void *data, size_t size) { return XXH32(readable(data), size, 0); }

uint64_t ardm_xxh64(const void *data, size_t size) { return XXH64(readable(data), size, 0); }

struct ardm_identity {
    crypto_hash_sha256_state state;
};

ardm_status ardm_identity_begin(ardm_identity **out) {
    *out = malloc(sizeof **out);
    if (!*out) return ardm_fail(ARDM_ENOMEM, "no memory for the state of a hash (%zu bytes)", sizeof **out);
    crypto_hash_sha256_init(&(*out)->state);
    return ARDM_OK;
}

void ardm_identity_field(ardm_identity *identity, const void *data, size_t size) {
    uint8_t length[8];
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)((uint64_t)size >> (8 * i));
    crypto_hash_sha256_update(&identity->state, length, sizeof length);
    crypto_hash_sha256_update(&identity->state, readable(data), size);
}

void ardm_identity_end(ardm_identity **identity, ardm_sha256 *out) {
    if (!*identity) return;
    crypto_hash_sha256_final(&(*identity)->state, out->bytes);
    free(*identity);
    *identity = NULL;
}
