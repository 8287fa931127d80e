/* What is left of secrets when they are no longer needed: whoever reads this process's memory later finds
 * none. And a cookie is told by its fingerprint under the key that is in use, and no other. */
#include <string.h>

#include "attack.h"
#include "build.h"
#include "primitives.h"
#include "state/state.h"
#include "test.h"

/* The linker puts these between the house and its allocator, and the door to cryptography
 * (GossipTests.cmake). */
static struct {
    const struct gossip *core; /* which is to be freed, */
    bool wiped;                /* and was, with nothing but zeros in it */
    uint8_t strong[KEY_BYTES]; /* what a secret was stretched to, */
    size_t strong_wiped;       /* and how often that was wiped */
} seen;

/* The linker names these. NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl*) */
void __real_free(void *memory);
void __real_primitives_wipe(void *memory, size_t len);
int __real_primitives_stretch(uint8_t *out, const uint8_t *secret, size_t len, const uint8_t *salt,
                              size_t memory, unsigned passes);
void __wrap_free(void *memory);
void __wrap_primitives_wipe(void *memory, size_t len);
int __wrap_primitives_stretch(uint8_t *out, const uint8_t *secret, size_t len, const uint8_t *salt,
                              size_t memory, unsigned passes);

void __wrap_free(void *memory)
{
    if (memory != NULL && memory == seen.core) {
        const uint8_t *bytes = memory; /* the first is zero, and each is what the one before it is */
        seen.wiped = bytes[0] == 0 && memcmp(bytes, bytes + 1, sizeof *seen.core - 1) == 0;
    }
    __real_free(memory);
}

void __wrap_primitives_wipe(void *memory, size_t len)
{
    seen.strong_wiped += len == sizeof seen.strong && memcmp(memory, seen.strong, len) == 0;
    __real_primitives_wipe(memory, len);
}

int __wrap_primitives_stretch(uint8_t *out, const uint8_t *secret, size_t len, const uint8_t *salt,
                              size_t memory, unsigned passes)
{
    int result = __real_primitives_stretch(out, secret, len, salt, memory, passes);
    memcpy(seen.strong, out, sizeof seen.strong);
    return result;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl*) */

/* It holds the keys, the cookie, and the key that its challenges are made with. */
static void a_member_is_wiped_when_it_is_freed(void **state)
{
    struct net *net = *state;
    for (int lock = 0; lock < 2; lock++) {
        size_t i = net_member(net, lock ? "b@host" : "a@host", 1);
        struct gossip *g = net->nodes[i]->g;
        if (lock && gossip_lock(g) != 0) {
            print_message("this system locks no memory: that it is wiped then is not seen\n");
            skip();
        }
        net_run(net, SECOND_US);
        seen.core = g;
        seen.wiped = false;
        net_kill(net, i);
        seen.core = NULL;
        assert_true(seen.wiped);
    }
}

static void what_a_secret_was_stretched_to_is_wiped(void **state)
{
    (void)state;
    const uint8_t kinds[] = {SECRET_COOKIE, SECRET_PASSPHRASE, SECRET_KEY};
    uint8_t secret[KEY_BYTES];
    struct keyring ring = {0};
    assert_int_equal(seal_init(), 0);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        memset(secret, 'a' + (int)i, sizeof secret);
        memcpy(seen.strong, secret, sizeof secret); /* which a key is as it is given */
        seen.strong_wiped = 0;
        assert_int_equal(keyring_add(&ring, kinds[i], secret, sizeof secret, "test", 4), 0);
        assert_int_equal(memcmp(seen.strong, secret, sizeof secret) == 0, kinds[i] == SECRET_KEY);
        assert_int_equal(seen.strong_wiped, 1);
    }
    keyring_wipe(&ring);
}

/* One has changed its key, the other began with it: they have the same cookie, and see it. */
static void a_cookie_is_told_under_the_new_key(void **state)
{
    struct net *net = *state;
    struct gossip_options options = net_options(net);
    size_t a = net_member(net, "a@host", 1);
    net_run(net, SECOND_US);
    net_keys(net, a, "l");
    options.keys = build_ring("l");
    size_t b = net_add(net, "b@host", 1, &options);
    net_alive(net, b);
    assert_true(net_wait(net, 3 * SECOND_US, net_whole));
    net_run(net, 3 * SECOND_US);
    for (size_t i = 0; i < 2; i++) {
        struct peer_view v;
        assert_true(attack_lists(net, i, gossip_boot(net->nodes[1 - i]->g), &v));
        assert_int_equal(v.cookie, COOKIE_SAME);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(a_member_is_wiped_when_it_is_freed),
        cmocka_unit_test(what_a_secret_was_stretched_to_is_wiped),
        NET_TEST(a_cookie_is_told_under_the_new_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
