#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

enum kind { TEXT, WHOLE, LONG, PERCENT, REAL, RANGE, FLAG, BURST, BOUND };

struct known {
    const char *name;
    enum kind kind;
    size_t offset;
    uint64_t low, high;
    const char *value, *help;
};

#define AT(field) offsetof(struct options, field)

static const struct known table[] = {
    {"--scenario", TEXT, AT(scenario), 0, 0, "NAME", "what happens (below); default join"},
    {"--variant", TEXT, AT(variant), 0, 0, "NAME", "which kind of it (in brackets below); default the first"},
    {"--nodes", WHOLE, AT(nodes), 1, 65000, "N", "members; default 100"},
    {"--seconds", REAL, AT(seconds), 0, 0, "S", "length of the main part, where it has one"},
    {"--seed", LONG, AT(seed), 0, UINT64_MAX, "N",
     "the same seed gives the same output, byte for byte; default 1"},
    {"--runs", WHOLE, AT(runs), 1, 1000000, "N", "runs with successive seeds, counted together; default 1"},
    {"--loss", PERCENT, AT(loss), 0, 100, "PCT", "of the deliveries, for each receiver by itself; default 0"},
    {"--burst", REAL, AT(burst_ms), 0, 0, "MS",
     "losses come in bursts of this mean length (two states, the same mean loss)"},
    {"--burst-at", BURST, AT(burst_at), 0, 0, "link|receiver",
     "what has the two states; default each directed link"},
    {"--delay-ms", RANGE, AT(delay_min), 0, 0, "MIN..MAX", "of each delivery, uniform; default 0.025..0.1"},
    {"--duplicate", PERCENT, AT(duplicate), 0, 100, "PCT", "deliveries that happen twice; default 0"},
    {"--reorder", PERCENT, AT(reorder), 0, 100, "PCT", "deliveries held back 1 to 20 ms more; default 0"},
    {"--interval", WHOLE, AT(interval_ms), 100, 60000, "MS", "shortest interval between beats; default 1000"},
    {"--newcomers", WHOLE, AT(newcomers), 1, 65000, "N",
     "join: so many of the N join the others, one by one; default all at once"},
    {"--victims", WHOLE, AT(victims), 1, 65000, "N", "how many it happens to, where that can be chosen"},
    {"--pause-ms", WHOLE, AT(pause_ms), 1, 3600000, "MS",
     "pause: only this long; default 128 ms to 32 s, doubling"},
    {"--full", WHOLE, AT(full), 1, 65000, "N",
     "steady, no-multicast: real members, the others play a script; default all"},
    {"--at-most", BOUND, AT(bounds), 0, 0, "KEY=N",
     "end with status 1 if this figure is larger, or missing; repeatable"},
    {"--no-seal", FLAG, AT(no_seal), 0, 0, NULL, "no cryptography, for speed"},
    {"--trace", FLAG, AT(trace), 0, 0, NULL, "print every event as it happens"},
};

#define KNOWN (sizeof table / sizeof table[0])

static void print_help(void)
{
    puts("gossip_sim: clusters of the membership protocol in virtual time\n\n"
         "usage: gossip_sim [--scenario NAME] [OPTION VALUE]...\n");
    for (size_t i = 0; i < KNOWN; i++) {
        char left[40];
        (void)snprintf(left, sizeof left, "%s %s", table[i].name,
                       table[i].value == NULL ? "" : table[i].value);
        printf("  %-26s %s\n", left, table[i].help);
    }
    puts("\nscenarios:");
    scenario_list();
    puts("\nOutput is key=value lines; times are microseconds of virtual time.");
}

static bool whole(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    *out = v;
    return errno == 0 && end != text && *end == '\0' && text[0] != '-' && v >= low && v <= high;
}

static bool real(const char *text, double high, double *out)
{
    char *end = NULL;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out >= 0 && *out <= high;
}

static bool range(const char *text, struct options *o)
{
    char *end = NULL;
    double low = strtod(text, &end);
    double high = low;
    if (end == text) {
        return false;
    }
    if (end[-1] == '.' && *end == '.') { /* "20..60": a number may end with a dot */
        end--;
    }
    if (strncmp(end, "..", 2) == 0) {
        const char *second = end + 2;
        high = strtod(second, &end);
        if (end == second) {
            return false;
        }
    }
    if (*end != '\0' || !(low >= 0 && high >= low && high <= 60000)) {
        return false;
    }
    o->delay_min = (int64_t)(low * 1000 + 0.5);
    o->delay_max = (int64_t)(high * 1000 + 0.5);
    return true;
}

bool options_bound(const char *text, char *key, size_t size, int64_t *bound)
{
    const char *equals = strchr(text, '=');
    size_t len = equals == NULL ? 0 : (size_t)(equals - text);
    uint64_t v;
    if (len == 0 || len >= size || !whole(equals + 1, 0, INT64_MAX, &v)) {
        return false;
    }
    memcpy(key, text, len);
    key[len] = '\0';
    *bound = (int64_t)v;
    return true;
}

static bool set(struct options *o, const struct known *k, const char *text)
{
    char *field = (char *)o + k->offset;
    uint64_t v = 0;
    double d = 0;
    switch (k->kind) {
    case TEXT:
        *(const char **)(void *)field = text;
        return true;
    case WHOLE:
        if (!whole(text, k->low, k->high, &v)) {
            return false;
        }
        *(uint32_t *)(void *)field = (uint32_t)v;
        return true;
    case LONG:
        return whole(text, k->low, k->high, (uint64_t *)(void *)field);
    case PERCENT:
    case REAL:
        if (!real(text, k->kind == PERCENT ? 100 : 1e9, &d)) {
            return false;
        }
        *(double *)(void *)field = d;
        return true;
    case RANGE:
        return range(text, o);
    case BURST:
        o->burst_at = strcmp(text, "receiver") == 0 ? BURST_AT_RECEIVER : BURST_AT_LINK;
        return o->burst_at == BURST_AT_RECEIVER || strcmp(text, "link") == 0;
    case BOUND: {
        char key[64];
        int64_t bound;
        if (o->bound_count == BOUNDS_MAX || !options_bound(text, key, sizeof key, &bound)) {
            return false;
        }
        o->bounds[o->bound_count++] = text;
        return true;
    }
    default:
        *(bool *)(void *)field = true;
        return true;
    }
}

static const struct known *find(const char *name)
{
    for (size_t i = 0; i < KNOWN; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

int options_parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){.scenario = "join",
                          .nodes = 100,
                          .seed = 1,
                          .runs = 1,
                          .delay_min = 25,
                          .delay_max = 100,
                          .interval_ms = 1000};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            return 1;
        }
        const struct known *k = find(argv[i]);
        if (k == NULL) {
            fprintf(stderr, "gossip_sim: unknown option %s; see --help\n", argv[i]);
            return -1;
        }
        const char *text = k->kind == FLAG ? "" : i + 1 < argc ? argv[++i] : NULL;
        if (text == NULL || !set(o, k, text)) {
            fprintf(stderr, "gossip_sim: %s takes %s (%s), not \"%s\"\n", k->name, k->value, k->help,
                    text == NULL ? "nothing" : text);
            return -1;
        }
    }
    return 0;
}
