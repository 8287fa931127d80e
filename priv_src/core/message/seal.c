#include "seal.h"

#include <string.h>

#include "buf.h"
#include "primitives.h"

_Static_assert(KEY_BYTES == PRIMITIVES_KEY, "key size");
_Static_assert(SEAL_NONCE == PRIMITIVES_NONCE, "nonce size");
_Static_assert(SEAL_TAG == PRIMITIVES_TAG, "tag size");

/* OWASP Password Storage Cheat Sheet: Argon2id, 19 MiB, 2 passes, 1 lane. */
#define ARGON_BYTES  ((size_t)19 * 1024 * 1024)
#define ARGON_PASSES 2

/* Every derivation has a name of its own, so that no two of them can meet. */
static const char SALT_CONTEXT[] = "GossipCluster 1 salt";
static const char KEY_CONTEXT[] = "GossipCluster 1 key";
static const char RANDOM_CONTEXT[] = "GossipCluster 1 random";
static const char COOKIE_CONTEXT[] = "GossipCluster 1 cookie";

#define RELEASE_COOKIE  56 /* characters */
#define RELEASE_LETTERS 52
#define KIND_RELEASE_COOKIE                                                                                  \
    4 /* as derivations name it, beside enum secret_kind: nobody says so, its form does */

static const uint8_t MAGIC[4] = {'G', 'S', 'C', SEAL_VERSION};

int seal_init(void)
{
    return primitives_init();
}

/* BLAKE2b over length-prefixed parts: what one part ends with, the next cannot begin with. `key` may be NULL.
 */
static void hash_parts(uint8_t *out, size_t out_len, const uint8_t *key, const char *context,
                       const void *part, size_t len, const void *more, size_t more_len)
{
    uint8_t prefix[16];
    struct writer w = writer_over(prefix, sizeof prefix);
    write_u64(&w, len);
    write_u64(&w, more_len);
    const struct primitives_part parts[] = {
        {context, strlen(context)}, {prefix, sizeof prefix}, {part, len}, {more, more_len}};
    primitives_hash(out, out_len, key, parts, sizeof parts / sizeof parts[0]);
}

/* What `mix release` makes for a cookie: 32 random bytes in Base32 (RFC 4648), of which the last letter bears
 * one bit. It takes the same steps whatever the letters are. */
static bool is_release_cookie(const uint8_t *cookie, size_t len)
{
    if (len != RELEASE_COOKIE) {
        return false;
    }
    unsigned wrong = 0;
    for (size_t i = 0; i < RELEASE_COOKIE; i++) {
        uint8_t c = cookie[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
        wrong |= i < RELEASE_LETTERS ? !letter : c != '=';
    }
    uint8_t last = cookie[RELEASE_LETTERS - 1];
    return wrong == 0 && (last == 'A' || last == 'Q');
}

uint8_t secret_kind_named(const char *name, size_t len)
{
    static const char *const names[] = {
        [SECRET_COOKIE] = "cookie", [SECRET_PASSPHRASE] = "passphrase", [SECRET_KEY] = "key"};
    for (unsigned kind = SECRET_COOKIE; kind <= SECRET_KEY; kind++) {
        if (strlen(names[kind]) == len && memcmp(names[kind], name, len) == 0) {
            return (uint8_t)kind;
        }
    }
    return 0;
}

/* What the key is keyed with: 32 bytes that are as hard to guess as can be made of the secret. */
static int strengthen(uint8_t strong[static KEY_BYTES], const uint8_t *kind, const uint8_t *secret,
                      size_t len, const char *label, size_t label_len)
{
    uint8_t salt[PRIMITIVES_SALT];
    switch (*kind) {
    case SECRET_KEY:
        memcpy(strong, secret, KEY_BYTES);
        return 0;
    case KIND_RELEASE_COOKIE:
        hash_parts(strong, KEY_BYTES, NULL, RANDOM_CONTEXT, secret, len, NULL, 0);
        return 0;
    default:
        hash_parts(salt, sizeof salt, NULL, SALT_CONTEXT, kind, 1, label, label_len);
        return primitives_stretch(strong, secret, len, salt, ARGON_BYTES, ARGON_PASSES);
    }
}

bool seal_stretches(uint8_t kind, const uint8_t *secret, size_t len)
{
    return kind == SECRET_PASSPHRASE || (kind == SECRET_COOKIE && !is_release_cookie(secret, len));
}

static bool may_be(uint8_t kind, size_t len)
{
    switch (kind) {
    case SECRET_COOKIE:
    case SECRET_PASSPHRASE:
        return len > 0;
    case SECRET_KEY:
    case SECRET_DERIVED:
        return len == KEY_BYTES;
    default:
        return false;
    }
}

static int derive(uint8_t out[static KEY_BYTES], uint8_t kind, const uint8_t *secret, size_t len,
                  const char *label, size_t label_len)
{
    uint8_t strong[KEY_BYTES];
    if (kind == SECRET_DERIVED) {
        memcpy(out, secret, KEY_BYTES);
        return 0;
    }
    if (kind == SECRET_COOKIE && is_release_cookie(secret, len)) {
        kind = KIND_RELEASE_COOKIE;
    }
    if (strengthen(strong, &kind, secret, len, label, label_len) != 0) {
        return -1;
    }
    hash_parts(out, KEY_BYTES, strong, KEY_CONTEXT, &kind, 1, label, label_len);
    primitives_wipe(strong, sizeof strong);
    return 0;
}

int keyring_add(struct keyring *ring, uint8_t kind, const uint8_t *secret, size_t len, const char *label,
                size_t label_len)
{
    if (ring->count >= KEYRING_MAX || !may_be(kind, len)) {
        return -1;
    }
    struct key *key = &ring->keys[ring->count];
    if (derive(key->bytes, kind, secret, len, label, label_len) != 0) {
        return -1;
    }
    memcpy(key->prefix, MAGIC, sizeof MAGIC);
    uint8_t digest[PRIMITIVES_DIGEST];
    primitives_hash(digest, sizeof digest, NULL, &(struct primitives_part){key->bytes, sizeof key->bytes}, 1);
    memcpy(key->prefix + sizeof MAGIC, digest, SEAL_PREFIX - sizeof MAGIC);
    ring->count++;
    return 0;
}

size_t keyring_scope(char out[static SCOPE_MAX], const struct addr *group, const char *label,
                     size_t label_len)
{
    struct writer w = writer_over((uint8_t *)out, SCOPE_MAX);
    write_bytes(&w, group->ip, addr_ip_len(group->family));
    write_u16(&w, group->port);
    write_bytes(&w, label, label_len);
    return w.len;
}

void keyring_wipe(struct keyring *ring)
{
    primitives_wipe(ring, sizeof *ring);
}

uint32_t keyring_tag(const struct keyring *ring)
{
    struct reader r = reader_over(ring->keys[0].prefix + SEAL_PREFIX - 4, 4);
    return read_u32(&r);
}

int seal_match(const struct keyring *ring, const uint8_t *datagram, size_t len)
{
    if (len < SEAL_OVERHEAD) {
        return -1;
    }
    for (int i = 0; i < ring->count; i++) {
        if (memcmp(datagram, ring->keys[i].prefix, SEAL_PREFIX) == 0) {
            return i;
        }
    }
    return -1;
}

void seal_close(const struct keyring *ring, const uint8_t nonce[static SEAL_NONCE], const uint8_t *message,
                size_t len, uint8_t *datagram)
{
    memcpy(datagram, ring->keys[0].prefix, SEAL_PREFIX);
    memcpy(datagram + SEAL_PREFIX, nonce, SEAL_NONCE);
    primitives_encrypt(datagram + SEAL_HEADER, message, len, datagram, SEAL_HEADER, nonce,
                       ring->keys[0].bytes);
}

int seal_open(const struct keyring *ring, int index, const uint8_t *datagram, size_t len, uint8_t *message)
{
    if (len < SEAL_OVERHEAD || index < 0 || index >= ring->count || len > 65535) {
        return -1;
    }
    if (primitives_decrypt(message, datagram + SEAL_HEADER, len - SEAL_HEADER, datagram, SEAL_HEADER,
                           datagram + SEAL_PREFIX, ring->keys[index].bytes) != 0) {
        return -1;
    }
    return (int)(len - SEAL_OVERHEAD);
}

uint64_t seal_sender(const uint8_t *datagram)
{
    struct reader r = reader_over(datagram + SEAL_PREFIX, 8);
    return read_u64(&r);
}

uint64_t seal_chance(const uint8_t *datagram)
{
    struct reader r = reader_over(datagram + SEAL_PREFIX + 8, 8);
    return read_u64(&r);
}

uint64_t seal_sequence(const uint8_t *datagram)
{
    struct reader r = reader_over(datagram + SEAL_HEADER - 8, 8);
    return read_u64(&r);
}

void seal_fingerprint(const struct keyring *ring, int index, const uint8_t *cookie, size_t len,
                      uint8_t out[static FINGERPRINT_BYTES])
{
    uint8_t digest[PRIMITIVES_DIGEST];
    if (index < 0 || index >= ring->count) {
        memset(out, 0, FINGERPRINT_BYTES);
        return;
    }
    hash_parts(digest, sizeof digest, ring->keys[index].bytes, COOKIE_CONTEXT, cookie, len, NULL, 0);
    memcpy(out, digest, FINGERPRINT_BYTES);
}

const struct gossip_sealing gossip_sealed = {.match = seal_match, .close = seal_close, .open = seal_open};
