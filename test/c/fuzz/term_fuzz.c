/* Any bytes as a frame from the owner: decoded, or refused with a text; never read past the end, never beyond
 * a bound. */
#include "term.h"

#include <string.h>

#include "etf.h"
#include "mutator.h"
#include "require.h"
#include "term_mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    return mutator_run(data, size, most, seed, 0, term_mutate);
}

static void check_config(const struct config *c)
{
    require(c->group.family == ADDR_IPV4 && c->group.ip[0] >= 224 && c->group.ip[0] <= 239 &&
            c->group.port != 0);
    require(c->interval_ms >= 100 && c->interval_ms <= 60000);
    require(c->max_peers >= 1 && c->max_peers <= 65535);
    require(c->interfaces.mode >= FILTER_ALL && c->interfaces.mode <= FILTER_EXCEPT);
    require(c->interfaces.count <= FILTER_ITEMS);
    for (size_t i = 0; i < c->interfaces.count; i++) {
        require(memchr(c->interfaces.items[i], '\0', FILTER_TEXT) != NULL);
    }
}

static void check_seeds(const struct seed_list *s)
{
    require(s->count <= SEEDS_MAX);
    for (size_t i = 0; i < s->count; i++) {
        require(addr_is_endpoint(&s->items[i].addr) && s->items[i].ports >= 1 &&
                s->items[i].ports <= SEED_PORTS_MAX &&
                s->items[i].addr.port + s->items[i].ports - 1 <= UINT16_MAX);
    }
}

static void check_secrets(const struct secrets *s, const uint8_t *frame, size_t len)
{
    require(s->count >= 1 && s->count <= KEYRING_MAX);
    for (size_t i = 0; i < s->count; i++) {
        const struct secret *one = &s->items[i];
        require(one->data >= frame && one->data + one->len <= frame + len && one->len >= 1);
        require((one->kind != SECRET_KEY && one->kind != SECRET_DERIVED) || one->len == KEY_BYTES);
        bool told = one->kind == SECRET_COOKIE || one->kind == SECRET_PASSPHRASE;
        require(told || !seal_stretches(one->kind, one->data, one->len));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message m; /* large, and wiped by the decoder */
    struct fault fault = {0};
    struct name again;

    if (term_decode(data, size, &m, &fault) != 0) {
        require(fault.kind != FAULT_NONE && fault.text[0] != '\0');
        require(memchr(fault.text, '\0', sizeof fault.text) != NULL);
        return 0;
    }
    require(etf_check(data, size) == 0);
    if (m.type == MESSAGE_CONFIGURE) {
        check_config(&m.as.config);
        check_secrets(&m.secrets, data, size);
    } else if (m.type == MESSAGE_COMPAT) {
        const struct secret *secret = &m.secrets.items[0];
        require(m.as.config.group.family == ADDR_IPV4 && m.as.config.group.port != 0 && m.secrets.count <= 1);
        require(m.secrets.count == 0 || (secret->data >= data && secret->data + secret->len <= data + size));
    } else if (m.type == MESSAGE_STATS) {
        require(m.as.stats_ref <= INT32_MAX);
    } else if (m.type == MESSAGE_MEASURES) {
        require(m.as.measures_from <= UINT16_MAX);
    } else if (m.type == MESSAGE_SIBLINGS) {
        require(m.as.siblings.count <= SIBLINGS_MAX);
    } else if (m.type == MESSAGE_SEEDS) {
        check_seeds(&m.as.seeds);
    } else if (m.as.command.type == COMMAND_KEYS) {
        check_secrets(&m.secrets, data, size);
    } else if (m.as.command.type == COMMAND_ALIVE) {
        const struct name *name = &m.as.command.as.alive.self.name;
        require(name_set(&again, name->text, name->len) == 0);
    } else {
        require(m.as.command.type >= COMMAND_ALIVE && m.as.command.type <= COMMAND_DISCONNECTED);
    }
    return 0;
}
