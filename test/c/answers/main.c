/* Prints a passphrase's key tag and a sealed datagram, for a check of an executable's parts on another
 * processor: the same bytes come out everywhere. Takes no test library, which a cross compiler has not; see
 * test/python/precompiled.py.
 */
#include <stdio.h>
#include <string.h>

#include "seal.h"

static void print_hex(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        (void)printf("%02x", (unsigned)data[i]);
    }
    (void)puts("");
}

int main(void)
{
    static const char passphrase[] = "the same everywhere", message[] = "what is sealed";
    uint8_t key[KEY_BYTES], nonce[SEAL_NONCE], datagram[sizeof message + SEAL_OVERHEAD];
    struct keyring stretched = {0}, given = {0};
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < sizeof nonce; i++) {
        nonce[i] = (uint8_t)(100 + i);
    }
    if (seal_init() != 0 ||
        keyring_add(&stretched, SECRET_PASSPHRASE, (const uint8_t *)passphrase, strlen(passphrase), "lab",
                    3) != 0 ||
        keyring_add(&given, SECRET_KEY, key, sizeof key, "lab", 3) != 0) {
        return 1;
    }
    print_hex(stretched.keys[0].prefix, SEAL_PREFIX);
    seal_close(&given, nonce, (const uint8_t *)message, strlen(message), datagram);
    print_hex(datagram, strlen(message) + SEAL_OVERHEAD);
    return fflush(stdout) == 0 ? 0 : 1;
}
