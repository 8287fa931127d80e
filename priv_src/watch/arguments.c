#include "arguments.h"

#include "decimal.h"
#include "ip.h"

#include <string.h>

#define LISTEN_MOST 86400            /* seconds */
#define SECRET_US   (10 * SECOND_US) /* for a program that says it */

const char arguments_help[] =
    "gossipd watch listens to a cluster and shows who is heard. It joins the group, opens\n"
    "what it hears with the secret, and says nothing: no member sees it.\n"
    "\n"
    "    gossipd watch --secret-file ~/.erlang.cookie\n"
    "    gossipd watch --kind key --once --json < cluster.key\n"
    "\n"
    "  --secret-file FILE  the secret; also a pipe, which has 10 s to come to its end. Without\n"
    "                      it: stdin, to its end; a terminal is asked\n"
    "  --kind KIND         what the secret is: cookie (as is default), passphrase, key\n"
    "  --cluster LABEL     the options of the nodes, where they have any. By default the\n"
    "  --group IP          label is empty, the group 233.252.1.33 and ff12::6763, and the\n"
    "  --group6 IP         port 45893\n"
    "  --port PORT\n"
    "  --no-ipv6           IPv4 alone\n"
    "  --interface NAME    this one: a name, a pattern, or an IP address; more than once\n"
    "  --except NAME       all but this one; more than once\n"
    "  --broadcast         hear what comes by broadcast, too\n"
    "  --once              listen for three beats, 3 s at least, print it, and end\n"
    "  --for SECONDS       with --once: listen so long\n"
    "  --json              a line of JSON; without --once: one each second, and after changes.\n"
    "                      {\"error\": ...} where it could not be done\n"
    "  --sort KEY          name (as is default), state, heard or loss\n"
    "\n"
    "q ends it, s sorts by the next key. NO_COLOR in the environment: no colours.\n"
    "Exit status: 0, or with --once 1 where nobody was heard; 2: it could not be done.\n";

typedef int reader(struct arguments *a, const char *value);

static int read_secret_file(struct arguments *a, const char *value)
{
    a->secret_file = value;
    return value[0] != '\0' ? 0 : -1;
}

static int read_kind(struct arguments *a, const char *value)
{
    a->kind = secret_kind_named(value, strlen(value));
    return a->kind != 0 ? 0 : -1;
}

static int read_cluster(struct arguments *a, const char *value)
{
    a->label = value;
    return strlen(value) <= LABEL_MAX ? 0 : -1;
}

static int read_group(struct arguments *a, const char *value)
{
    uint8_t ip[4];
    if (ip_parse_group((const uint8_t *)value, strlen(value), ip) != 0) {
        return -1;
    }
    a->udp.group = addr_ipv4(ip, a->udp.group.port, 0);
    return 0;
}

static int read_group6(struct arguments *a, const char *value)
{
    uint8_t ip[16];
    if (ip_parse_group6((const uint8_t *)value, strlen(value), ip) != 0) {
        return -1;
    }
    a->udp.group6 = addr_ipv6(ip, 0, 0);
    return 0;
}

static int read_port_to(struct arguments *a, const char *value, uint16_t most)
{
    uint32_t port = 0;
    int result = decimal_parse(value, strlen(value), 1, most, &port);
    a->udp.group.port = (uint16_t)port;
    return result;
}

static int read_port(struct arguments *a, const char *value)
{
    return read_port_to(a, value, UINT16_MAX);
}

static int read_port_below(struct arguments *a, const char *value)
{
    return read_port_to(a, value, UINT16_MAX - UNICAST_PORTS);
}

static int read_filter(struct arguments *a, uint8_t mode, const char *value)
{
    struct interface_filter *f = &a->filter;
    size_t len = strlen(value);
    if ((f->mode != FILTER_ALL && f->mode != mode) || f->count == FILTER_ITEMS || len == 0 ||
        len >= FILTER_TEXT) {
        return -1;
    }
    f->mode = mode;
    memcpy(f->items[f->count++], value, len + 1);
    return 0;
}

static int read_interface(struct arguments *a, const char *value)
{
    return read_filter(a, FILTER_ONLY, value);
}

static int read_except(struct arguments *a, const char *value)
{
    return read_filter(a, FILTER_EXCEPT, value);
}

static int read_for(struct arguments *a, const char *value)
{
    uint32_t seconds = 0;
    int result = decimal_parse(value, strlen(value), 1, LISTEN_MOST, &seconds);
    a->listen_us = seconds * SECOND_US;
    return result;
}

static int read_sort(struct arguments *a, const char *value)
{
    int order = rows_order(value);
    a->order = order >= 0 ? (uint8_t)order : 0;
    return order >= 0 ? 0 : -1;
}

static int set_no_ipv6(struct arguments *a, const char *value)
{
    (void)value;
    a->udp.group6 = (struct addr){0};
    return 0;
}

static int set_broadcast(struct arguments *a, const char *value)
{
    (void)value;
    a->udp.broadcast = true;
    return 0;
}

static int set_once(struct arguments *a, const char *value)
{
    (void)value;
    a->once = true;
    return 0;
}

static int set_json(struct arguments *a, const char *value)
{
    (void)value;
    a->json = true;
    return 0;
}

static int set_pipe(struct arguments *a, const char *value)
{
    (void)value;
    a->pipe = true;
    return 0;
}

#define ASKS_BOTH (ASKS_WATCH | ASKS_DOCTOR)

static const struct option {
    const char *name;
    reader *read;
    const char *allowed; /* NULL: it has no value */
    uint8_t of;          /* enum asks */
} options[] = {
    {"--secret-file", read_secret_file, "a file", ASKS_BOTH},
    {"--kind", read_kind, "cookie, passphrase or key", ASKS_BOTH},
    {"--cluster", read_cluster, "a text of at most 255 bytes", ASKS_BOTH},
    {"--group", read_group, "an IPv4 multicast address", ASKS_BOTH},
    {"--group6", read_group6, "an IPv6 multicast address of link-local scope", ASKS_BOTH},
    {"--port", read_port, "1..65535", ASKS_WATCH},
    {"--port", read_port_below, "1..65527 (eight more follow it)", ASKS_DOCTOR},
    {"--interface", read_interface, "a name or an IP address of at most 45 bytes, not beside --except",
     ASKS_BOTH},
    {"--except", read_except, "a name or an IP address of at most 45 bytes, not beside --interface",
     ASKS_BOTH},
    {"--for", read_for, "1..86400 (seconds)", ASKS_BOTH},
    {"--sort", read_sort, "name, state, heard or loss", ASKS_WATCH},
    {"--no-ipv6", set_no_ipv6, NULL, ASKS_BOTH},
    {"--broadcast", set_broadcast, NULL, ASKS_WATCH},
    {"--once", set_once, NULL, ASKS_WATCH},
    {"--json", set_json, NULL, ASKS_BOTH},
    {"--pipe", set_pipe, NULL, ASKS_BOTH},
};

static const struct option *find(const char *name, uint8_t who)
{
    size_t i = 0;
    while (i < sizeof options / sizeof options[0] &&
           ((options[i].of & who) == 0 || strcmp(options[i].name, name) != 0)) {
        i++;
    }
    return i < sizeof options / sizeof options[0] ? &options[i] : NULL;
}

static int read_all(struct arguments *a, uint8_t who, int argc, char **argv, struct fault *fault)
{
    *a = (struct arguments){.filter.mode = FILTER_ALL, .label = "", .kind = SECRET_COOKIE};
    a->udp.ttl = 1;
    a->udp.group.port = PORT_DEFAULT;
    (void)read_group(a, GROUP_DEFAULT);
    (void)read_group6(a, GROUP6_DEFAULT);
    for (int i = 0; i < argc; i++) {
        const struct option *o = find(argv[i], who);
        if (o == NULL && who == ASKS_DOCTOR && argv[i][0] != '-' && a->peer == NULL) {
            a->peer = argv[i];
            continue;
        }
        if (o == NULL) {
            return fault_set(fault, FAULT_BAD_CONFIG, "there is no option %s", argv[i]);
        }
        const char *value = o->allowed != NULL && i + 1 < argc ? argv[++i] : NULL;
        if ((o->allowed != NULL && value == NULL) || o->read(a, value) != 0) {
            return fault_set(fault, FAULT_BAD_CONFIG, "%s must be %s", o->name, o->allowed);
        }
    }
    if (a->pipe && a->secret_file != NULL) {
        return fault_set(fault, FAULT_BAD_CONFIG, "--pipe has the secret come by stdin");
    }
    a->filter.ipv6 = a->udp.group6.family != ADDR_NONE;
    a->secret_optional = who == ASKS_DOCTOR;
    a->secret_patience = who == ASKS_DOCTOR || a->secret_file != NULL ? SECRET_US : 0;
    return 0;
}

int arguments_read(struct arguments *a, uint8_t who, int argc, char **argv, struct fault *fault)
{
    int result = read_all(a, who, argc, argv, fault);
    for (int i = 0; i < argc && result != 0; i++) { /* one may stand behind what is wrong */
        a->json = a->json || strcmp(argv[i], "--json") == 0;
    }
    return result;
}
