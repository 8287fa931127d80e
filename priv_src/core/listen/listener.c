/* A member's rules for whom it believes end with a question that only the one in question can answer. A
 * listener asks nothing, so it has what comes before: the seal, the window, freshness. They keep out who has
 * no key, whatever was heard here before, and what was held back. They do not keep out a recording of one
 * that this listener has never heard: so nothing is made of a row but a line on a screen.
 *
 * A row is kept, unseen, after it has been shown as gone: with its window, so that a recording of it lists
 * nobody. It gives way when there is no room for others. */
#include "listener.h"

#include <stdlib.h>
#include <string.h>

#include "kit/copies.h"
#include "kit/freshness.h"
#include "kit/index.h"
#include "kit/intervals.h"
#include "kit/quality.h"
#include "kit/window.h"
#include "message/wire.h"
#include "primitives.h"
#include "state/roster.h"

struct row {
    struct heard known; /* but for heard_ago, loss and agrees, which are reckoned when somebody looks */
    size_t at;          /* its place among the rows */
    bool final;         /* it has said goodbye itself: this boot id never comes back */
    uint8_t miss;
    int64_t heard; /* own time: of the last datagram that counts, or what others said last */
    int64_t since; /* of its state */
    int64_t late;  /* own time: what came last was new and late; 0: never */
    uint64_t digest;
    struct window window;
    struct freshness freshness;
    struct quality quality;
};

struct listener {
    struct listener_options options;
    int64_t seen; /* when it was called last */
    int64_t lag;  /* how long this process was stopped since the start */
    int64_t now;  /* own time: without that */
    uint8_t mark_key[16];
    struct copies copies;
    uint64_t all; /* digest of those heard and told, as of the last summary */
    struct index by_boot;
    size_t count, size;
    struct row **rows;
    struct listener_summary counted; /* the counters, and no more */
    size_t event_head, event_count;
    struct listener_event events[LISTENER_EVENTS];
};

struct listener *listener_new(const struct listener_options *options, int64_t now)
{
    struct listener *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return NULL;
    }
    l->options = *options;
    l->seen = l->now = now;
    options->random(options->random_context, l->mark_key, sizeof l->mark_key);
    options->random(options->random_context, &l->by_boot.salt, sizeof l->by_boot.salt);
    (void)primitives_lock(&l->options.keys, sizeof l->options.keys);
    return l;
}

void listener_free(struct listener *l)
{
    if (l == NULL) {
        return;
    }
    for (size_t i = 0; i < l->count; i++) {
        free(l->rows[i]);
    }
    free(l->rows);
    index_free(&l->by_boot);
    primitives_unlock(&l->options.keys, sizeof l->options.keys);
    keyring_wipe(&l->options.keys);
    free(l);
}

static void enter(struct listener *l, int64_t now)
{
    if (now - l->seen > 2 * LISTENER_TICK) {
        l->lag += now - l->seen;
    }
    l->seen = now > l->seen ? now : l->seen;
    l->now = l->seen - l->lag;
}

static void tell(struct listener *l, uint8_t type, const struct row *r)
{
    size_t at = (l->event_head + l->event_count) % LISTENER_EVENTS;
    if (l->event_count == LISTENER_EVENTS) {
        l->event_head = (l->event_head + 1) % LISTENER_EVENTS;
    } else {
        l->event_count++;
    }
    l->events[at] = (struct listener_event){.type = type, .name = r->known.id.name, .by = r->known.by};
}

static bool is_gone(uint8_t state)
{
    return state == HEARD_SILENT || state == HEARD_DEAD || state == HEARD_LEFT || state == HEARD_BEAM_EXIT;
}

static bool is_heard(uint8_t state)
{
    return state == HEARD_ONCE || state == HEARD_ALIVE || state == HEARD_SUSPECT;
}

/* `by`: who says so; NULL: nobody else. */
static void become(struct listener *l, struct row *r, uint8_t state, const struct name *by)
{
    static const uint8_t events[] = {
        [HEARD_ONCE] = LISTENER_FOUND,          [HEARD_ALIVE] = LISTENER_AGAIN,
        [HEARD_SUSPECT] = LISTENER_SUSPECT,     [HEARD_SILENT] = LISTENER_SILENT,
        [HEARD_DEAD] = LISTENER_DEAD,           [HEARD_LEFT] = LISTENER_LEFT,
        [HEARD_BEAM_EXIT] = LISTENER_BEAM_EXIT, [HEARD_TOLD] = LISTENER_TOLD,
    };
    if (r->known.state == state) {
        return;
    }
    bool second = r->known.state == HEARD_ONCE && state == HEARD_ALIVE;
    r->known.state = state;
    r->known.shown = true;
    r->known.by = by != NULL ? *by : (struct name){0};
    r->since = l->now;
    if (!second) {
        tell(l, events[state], r);
    }
}

/* The one that is gone for longest, of those that nobody sees any more. */
static struct row *find_unseen(const struct listener *l)
{
    struct row *oldest = NULL;
    for (size_t i = 0; i < l->count; i++) {
        struct row *r = l->rows[i];
        if (!r->known.shown && (oldest == NULL || r->since < oldest->since)) {
            oldest = r;
        }
    }
    return oldest;
}

static bool grow(struct listener *l)
{
    if (l->count < l->size) {
        return true;
    }
    size_t size = l->size == 0 ? 16 : 2 * l->size;
    struct row **rows = realloc(l->rows, size * sizeof(struct row *));
    if (rows == NULL) {
        return false;
    }
    l->rows = rows;
    l->size = size;
    return true;
}

static struct row *take_room(struct listener *l)
{
    struct row *r = NULL;
    if (l->count < l->options.max_rows) {
        r = grow(l) ? malloc(sizeof *r) : NULL;
        if (r != NULL) {
            l->rows[l->count] = r;
            r->at = l->count++;
        }
    } else {
        r = find_unseen(l);
        if (r != NULL) {
            index_remove(&l->by_boot, r->known.id.boot);
        }
    }
    return r;
}

static void drop(struct listener *l, struct row *r)
{
    l->rows[r->at] = l->rows[--l->count];
    l->rows[r->at]->at = r->at;
    free(r);
}

static struct row *add(struct listener *l, const struct identity *id)
{
    struct row *r = take_room(l);
    if (r != NULL) {
        *r = (struct row){.at = r->at, .heard = l->now, .known.id = *id};
        if (!index_add(&l->by_boot, id->boot, r)) {
            drop(l, r);
            r = NULL;
        }
    }
    l->counted.unlisted += r == NULL;
    return r;
}

/* What the newest says of its sender. */
static void note(struct listener *l, struct row *r, const struct wire_message *m, const struct path *from)
{
    struct heard *k = &r->known;
    bool says_all = m->type == WIRE_HELLO || (m->flags & WIRE_WHOLE) != 0;
    k->id.name = m->id.name.len > 0 ? m->id.name : k->id.name;
    k->id.creation = m->id.creation;
    k->id.dist_port = m->id.dist_port;
    k->id.flags = m->id.flags;
    k->id.incarnation = m->id.incarnation > k->id.incarnation ? m->id.incarnation : k->id.incarnation;
    k->interval = promised_interval(m->interval_ms);
    r->miss = promised_miss(m->miss);
    k->isolated = m->health != HEALTH_OK;
    k->lists = m->group_size;
    k->from = from->addr;
    r->digest = m->digest;
    if (says_all || m->own_count > 0) {
        k->addr_count = m->own_count;
        memcpy(k->addrs, m->own, sizeof k->addrs);
    }
    if (says_all || m->tags.len > 0) {
        k->tags = m->tags;
    }
    bool stalled = m->beam_age_ms * MS_US >= pulse_stalled(k->interval);
    if (stalled != k->stalled) {
        k->stalled = stalled;
        tell(l, stalled ? LISTENER_STALLED : LISTENER_PULSES, r);
    }
}

/* Somebody says this of another. What an ACK says of the dead is for the accused alone. */
static void believe_verdict(struct listener *l, const struct row *teller, const struct wire_verdict *v)
{
    static const uint8_t states[] = {[VERDICT_SUSPECT] = HEARD_SUSPECT,
                                     [VERDICT_DEAD] = HEARD_DEAD,
                                     [VERDICT_LEFT] = HEARD_LEFT,
                                     [VERDICT_BEAM_EXIT] = HEARD_BEAM_EXIT};
    struct row *r = index_find(&l->by_boot, v->boot);
    if (r == NULL || r == teller || is_gone(r->known.state) || v->verdict < VERDICT_SUSPECT ||
        v->verdict > VERDICT_BEAM_EXIT || v->incarnation < r->known.id.incarnation ||
        v->incarnation >= INCARNATION_END) {
        return;
    }
    bool told = r->known.state == HEARD_TOLD, suspect = v->verdict == VERDICT_SUSPECT;
    bool silent = told || l->now - r->heard >= silence_to_probe(r->known.interval);
    if (silent && !(told && suspect)) {
        become(l, r, states[v->verdict], &teller->known.id.name);
    }
}

static void believe_entry(struct listener *l, const struct row *teller, const struct wire_entry *e)
{
    struct row *r = index_find(&l->by_boot, e->id.boot);
    bool returns = r != NULL && is_gone(r->known.state) && !r->final && r->known.from.family == ADDR_NONE &&
                   e->id.incarnation > r->known.id.incarnation;
    if (e->id.incarnation >= INCARNATION_END || (r != NULL && r->known.state != HEARD_TOLD && !returns)) {
        return;
    }
    r = r != NULL ? r : add(l, &e->id);
    if (r == NULL) {
        return;
    }
    struct heard *k = &r->known;
    k->id = e->id;
    k->interval = promised_interval(e->interval_ms);
    k->addr_count = e->addr_count;
    memcpy(k->addrs, e->addrs, sizeof k->addrs);
    k->tags = e->tags;
    r->heard = l->now;
    become(l, r, HEARD_TOLD, &teller->known.id.name);
}

/* Only of those that were heard more than once. */
static void believe(struct listener *l, const struct row *teller, const struct wire_message *m)
{
    bool says = teller->known.state == HEARD_ALIVE || teller->known.state == HEARD_SUSPECT;
    for (size_t i = 0; says && m->type != WIRE_ACK && i < m->verdict_count; i++) {
        believe_verdict(l, teller, &m->verdicts[i]);
    }
    for (size_t i = 0; says && m->type == WIRE_NEWS && i < m->entry_count; i++) {
        if (m->entries[i].id.boot != teller->known.id.boot) {
            believe_entry(l, teller, &m->entries[i]);
        }
    }
}

/* Who says this by the group, and is not known: listed by a name, and by nothing that says goodbye. */
static struct row *meet(struct listener *l, const struct wire_message *m)
{
    bool comes = m->id.name.len > 0 && m->type != WIRE_BYE && m->id.incarnation < INCARNATION_END;
    return comes ? add(l, &m->id) : NULL;
}

static void hear(struct listener *l, struct row *r, const struct wire_message *m, const struct path *from)
{
    bool first = r->known.state == 0 || r->known.state == HEARD_TOLD;
    r->heard = l->now;
    r->known.by = (struct name){0};
    if (m->type == WIRE_BYE) {
        bool exit = (m->has & HAS_REASON) != 0 && m->reason == DOWN_BEAM_EXIT;
        r->final = true;
        become(l, r, exit ? HEARD_BEAM_EXIT : HEARD_LEFT, NULL);
        return;
    }
    become(l, r, first ? HEARD_ONCE : HEARD_ALIVE, NULL);
    note(l, r, m, from);
    believe(l, r, m);
}

/* A member would ask it. Here nobody can tell a machine whose clock stood still from who has held back what
 * it said: so it is no sign of life, and it is shown that there is something. */
static void note_late(const struct listener *l, struct row *r, enum window_verdict seen)
{
    if (seen == WINDOW_NEWEST) {
        r->late = l->now;
        r->known.shown = true;
    }
}

/* A message of a holder of the key, that came by the group. */
static void take(struct listener *l, const struct wire_message *m, uint64_t sequence, int64_t slept,
                 const struct path *from)
{
    struct row *r = index_find(&l->by_boot, m->id.boot);
    r = r != NULL ? r : meet(l, m);
    if (r == NULL) {
        return;
    }
    enum window_verdict seen = r->final ? WINDOW_REPLAY : window_look(&r->window, sequence);
    if (seen == WINDOW_REPLAY) {
        l->counted.replayed++;
        return;
    }
    int64_t interval = r->known.interval > 0 ? r->known.interval : m->interval_ms * MS_US;
    if (!freshness_check(&r->freshness, m->sent_at, l->seen + slept, fresh_within(interval))) {
        l->counted.stale++;
        note_late(l, r, seen);
        return;
    }
    (void)window_accept(&r->window, sequence);
    if (m->type == WIRE_HELLO) {
        quality_beat(&r->quality, sequence, m->sent_at, interval, seen == WINDOW_NEWEST);
    }
    if (seen == WINDOW_NEWEST) { /* what was overtaken may have been held back */
        hear(l, r, m, from);
    }
}

void listener_receive(struct listener *l, int64_t now, int64_t slept, const struct path *from,
                      const uint8_t *datagram, size_t len)
{
    enter(l, now);
    if (len == 0 || from->kind != PATH_GROUP) {
        return;
    }
    l->counted.received++;
    int key = len > DATAGRAM_MAX ? -1 : seal_match(&l->options.keys, datagram, len);
    if (key < 0) {
        l->counted.foreign++;
        return;
    }
    uint64_t mark = copies_mark(l->mark_key, from->kind, datagram + SEAL_PREFIX, SEAL_NONCE);
    if (copies_seen(&l->copies, mark)) {
        l->counted.copies++;
        return;
    }
    uint8_t plain[DATAGRAM_MAX];
    int size = seal_open(&l->options.keys, key, datagram, len, plain);
    if (size < 0) {
        l->counted.forged++;
        return;
    }
    struct wire_message m WIRE_ROOM;
    if (wire_decode(&m, plain, (size_t)size) != 0 || m.id.boot != seal_sender(datagram)) {
        l->counted.malformed++;
        return;
    }
    if ((m.has & HAS_TO) != 0 || !wire_for_group(&m) || !addr_is_endpoint(&from->addr) ||
        from->source == SOURCE_NOBODY) {
        l->counted.misdirected++;
        return;
    }
    copies_keep(&l->copies, mark);
    take(l, &m, seal_sequence(datagram), slept, from);
}

void listener_tick(struct listener *l, int64_t now)
{
    enter(l, now);
    for (size_t i = 0; i < l->count; i++) {
        struct row *r = l->rows[i];
        if (is_heard(r->known.state) && l->now - r->heard >= r->miss * r->known.interval) {
            become(l, r, HEARD_SILENT, NULL);
        } else if (is_gone(r->known.state) && l->now - r->since >= LISTENER_SHOWN) {
            r->known.shown = false;
        }
    }
}

size_t listener_count(const struct listener *l)
{
    return l->count;
}

/* What a member says that lists just those who are heard and told of. */
static uint64_t digest(const struct listener *l)
{
    uint64_t all = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct heard *k = &l->rows[i]->known;
        if (is_heard(k->state) || k->state == HEARD_TOLD) {
            all ^= roster_digest(k->id.boot, k->id.incarnation);
        }
    }
    return all;
}

void listener_row(const struct listener *l, size_t i, struct heard *out)
{
    const struct row *r = l->rows[i];
    *out = r->known;
    out->heard_ago = l->now - r->heard;
    out->loss = quality_loss(&r->quality);
    out->agrees = is_heard(r->known.state) && r->digest == l->all;
    out->late = r->late > 0 && is_gone(r->known.state) && l->now - r->late < r->miss * r->known.interval;
}

struct listener_summary listener_summary(struct listener *l)
{
    struct listener_summary s = l->counted;
    l->all = digest(l);
    for (size_t i = 0; i < l->count; i++) {
        const struct row *r = l->rows[i];
        bool heard = is_heard(r->known.state), agrees = r->digest == l->all;
        s.heard += heard;
        s.told += r->known.state == HEARD_TOLD;
        s.agree += heard && agrees;
        s.others += heard && !agrees;
        if (heard && r->known.interval > s.interval_max) {
            s.interval_max = r->known.interval;
        }
    }
    return s;
}

bool listener_event(struct listener *l, struct listener_event *out)
{
    if (l->event_count == 0) {
        return false;
    }
    *out = l->events[l->event_head];
    l->event_head = (l->event_head + 1) % LISTENER_EVENTS;
    l->event_count--;
    return true;
}
