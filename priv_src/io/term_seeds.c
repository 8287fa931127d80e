#include "term_cursor.h"

#define SEEDS_ALLOWED "a list of 0..32 {Address, First, Last}"
#define SEED_ALLOWED                                                                                         \
    "{Address, First, Last}: the 4 or 16 bytes of an IP address of one host, and 1..8 UDP ports, 1..65535"

static int read_port(struct cursor *c, unsigned long *out)
{
    return ei_decode_ulong(cursor_buffer(c), &c->at, out) == 0 && *out >= 1 && *out <= UINT16_MAX ? 0 : -1;
}

static int read_seed(struct cursor *c, struct seed *out)
{
    int at = c->at;
    int arity = 0;
    const uint8_t *ip;
    size_t len;
    unsigned long first, last;
    if (ei_decode_tuple_header(cursor_buffer(c), &c->at, &arity) != 0 || arity != 3 ||
        cursor_bytes(c, &ip, &len) != 0 || (len != 4 && len != 16) || read_port(c, &first) != 0 ||
        read_port(c, &last) != 0 || last < first || last - first >= SEED_PORTS_MAX) {
        return cursor_refuse(c, at, "each of seeds", SEED_ALLOWED);
    }
    out->addr = len == 4 ? addr_ipv4(ip, (uint16_t)first, 0) : addr_ipv6(ip, (uint16_t)first, 0);
    out->ports = (uint8_t)(last - first + 1);
    return addr_is_endpoint(&out->addr) ? 0 : cursor_refuse(c, at, "each of seeds", SEED_ALLOWED);
}

int term_seeds(struct cursor *c, struct message *out)
{
    out->type = MESSAGE_SEEDS;
    int at = c->at;
    int arity = 0;
    if (ei_decode_list_header(cursor_buffer(c), &c->at, &arity) != 0 || arity > SEEDS_MAX) {
        return cursor_refuse(c, at, "seeds", SEEDS_ALLOWED);
    }
    for (int i = 0; i < arity; i++) {
        if (read_seed(c, &out->as.seeds.items[i]) != 0) {
            return -1;
        }
    }
    out->as.seeds.count = (uint8_t)arity;
    return 0; /* etf_check lets no improper list through */
}
