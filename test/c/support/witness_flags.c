#include "witness_flags.h"

#include <string.h>

#include "inside.h"
#include "kit/intervals.h"

/* Who was heard by the group is no sooner far. */
#define NEAR_LEAST (FAR_HEARD * PROMISE_INTERVAL_MIN)

void flags_start(struct witness_flags *f)
{
    memset(f, 0, offsetof(struct witness_flags, peer));
}

void flags_command(struct witness_flags *f, const struct command *c)
{
    if (c->type == COMMAND_ALIVE) {
        f->self = c->as.alive.self;
        f->host = c->as.alive.host;
        f->tags = c->as.alive.tags;
    }
}

/* The place of this peer; there is always one, if need be that of another. */
static size_t find(struct witness_flags *f, uint64_t boot)
{
    size_t i = 0;
    while (i < f->peers && f->peer[i].boot != boot) {
        i++;
    }
    if (i == f->peers) {
        i = f->peers < FLAGS_PEERS ? f->peers++ : boot % FLAGS_PEERS;
        memset(&f->peer[i], 0, sizeof f->peer[i]);
        f->peer[i].boot = boot;
    }
    return i;
}

void flags_receive(struct witness_flags *f, const struct gossip *g, uint64_t boot, bool by_group)
{
    f->from = boot;
    f->by_group = by_group;
    f->before = inside_heard(g, boot);
    size_t i = find(f, boot);
    f->peer[i].told = TOLD_NOTHING;
    if (f->before == INT64_MIN) { /* a rival is forgotten without a word */
        f->peer[i].grouped = false;
    }
}

void flags_event(struct witness_flags *f, uint64_t boot)
{
    size_t i = find(f, boot);
    f->peer[i].told = TOLD_NOTHING;
    f->peer[i].grouped = false;
}

void flags_after(struct witness_flags *f, const struct gossip *g)
{
    if (f->from == 0) {
        return;
    }
    size_t i = find(f, f->from);
    f->peer[i].told = TOLD_NOTHING;
    if (f->by_group && inside_heard(g, f->from) != f->before) {
        f->peer[i].grouped = true;
        f->peer[i].grouped_at = f->now;
    }
    f->from = 0;
}

/* Whether it cannot be far yet. */
static bool is_near(const struct witness_flags *f, size_t i)
{
    return f->peer[i].grouped && f->now - f->peer[i].grouped_at < NEAR_LEAST;
}

struct seek {
    uint64_t boot;
    uint8_t status; /* 0: it is not listed */
};

static int seen(void *context, const struct peer_view *v)
{
    struct seek *s = context;
    s->status = v->id.boot == s->boot ? v->status : s->status;
    return 0;
}

static const char *check_entry(struct witness_flags *f, const struct gossip *g, const struct wire_entry *e)
{
    struct seek s = {.boot = e->id.boot};
    (void)gossip_peers(g, seen, &s);
    if (e->stalled != 0 ? s.status == STATUS_ALIVE : s.status == STATUS_STALLED) {
        return "tells others of a stalled BEAM, or of none, and its owner otherwise";
    }
    size_t i = find(f, e->id.boot);
    if (e->far != 0 && (is_near(f, i) || f->peer[i].told == TOLD_NEAR)) {
        return "tells others of one as far, that is near";
    }
    if (e->far == 0 && f->peer[i].told == TOLD_FAR) {
        return "tells others of one as near, that is far";
    }
    return NULL;
}

static bool says_goodbye(const struct wire_message *m)
{
    bool said = m->type == WIRE_BYE;
    for (size_t i = 0; i < m->verdict_count; i++) {
        said = said || m->verdicts[i].boot == m->id.boot;
    }
    return said;
}

static const char *check_whole(const struct witness_flags *f, const struct wire_message *m)
{
    bool whole = (m->flags & WIRE_WHOLE) != 0;
    if (m->id.name.len == 0) {
        return whole ? "calls whole what has no name" : NULL;
    }
    if (says_goodbye(m) || !name_same(&m->id.name, &f->self.name)) {
        return NULL; /* it says what is next after that */
    }
    bool all = host_same(&m->host, &f->host) && m->tags.len == f->tags.len &&
               memcmp(m->tags.bytes, f->tags.bytes, m->tags.len) == 0;
    if (whole && !all) {
        return "calls whole what lacks host or tags";
    }
    return !whole && all && m->own_count > 0 ? "does not call whole what is" : NULL;
}

const char *flags_send(struct witness_flags *f, const struct gossip *g, bool to_group,
                       const struct wire_message *m)
{
    const char *wrong = check_whole(f, m);
    for (size_t i = 0; wrong == NULL && i < m->entry_count; i++) {
        wrong = check_entry(f, g, &m->entries[i]);
    }
    bool far = (m->flags & WIRE_FAR) != 0;
    if (wrong != NULL || to_group) {
        return wrong != NULL ? wrong : far ? "tells the group that it does not hear it" : NULL;
    }
    size_t i = find(f, m->to_boot);
    if (far && is_near(f, i)) {
        return "tells one that it does not hear it, and has just done so";
    }
    f->peer[i].told = far ? TOLD_FAR : TOLD_NEAR;
    return NULL;
}
