/* A listener beside a cluster in virtual time: whom it lists, and what it makes of recordings, of what is
 * held back, of lies, and of anything else. It has no way to say something: its API takes no effects. */
#include "listener.h"

#include "build.h"
#include "corpus.h"
#include "net.h"
#include "test.h"

static struct prng chance;

static struct listener *begin(int64_t now, uint32_t max_rows)
{
    chance = prng_from(5);
    struct listener_options options = {
        .keys = build_ring("k"), .max_rows = max_rows, .random = prng_fill, .random_context = &chance};
    struct listener *l = listener_new(&options, now);
    assert_non_null(l);
    return l;
}

static void give(struct listener *l, int64_t now, uint8_t kind, const struct addr *from, const void *data,
                 size_t len)
{
    struct path path = {.kind = kind, .addr = *from};
    path.addr.ifindex = 2;
    listener_receive(l, now, 0, &path, data, len);
}

/* Runs the network, and lets the listener hear what it says meanwhile: all of it, as it was said. */
static void hear(struct listener *l, struct net *net, int64_t duration)
{
    int64_t until = net->now + duration;
    size_t heard = net->log_count;
    while (net->now < until) {
        net_run(net, 10 * MS_US);
        for (; heard < net->log_count; heard++) {
            const struct sent *s = &net->log[heard];
            give(l, net->now, s->path.kind, &s->from, s->data, s->len);
        }
        listener_tick(l, net->now);
    }
}

static bool find(const struct listener *l, const char *name, struct heard *out)
{
    struct name wanted = build_name(name);
    for (size_t i = 0; i < listener_count(l); i++) {
        listener_row(l, i, out);
        if (name_same(&out->id.name, &wanted)) {
            return true;
        }
    }
    return false;
}

static uint8_t state(const struct listener *l, const char *name)
{
    struct heard h;
    return find(l, name, &h) ? h.state : 0;
}

static bool said_by(const struct heard *h, const char *name)
{
    struct name by = build_name(name);
    return name_same(&h->by, &by);
}

static size_t events(struct listener *l, uint8_t type)
{
    struct listener_event e;
    size_t count = 0;
    while (listener_event(l, &e)) {
        count += e.type == type;
    }
    return count;
}

static struct net *three(void **state)
{
    struct net *net = *state;
    net_members(net, 3);
    assert_true(net_wait(net, 10 * SECOND_US, net_whole));
    return net;
}

static void who_beats_is_listed(void **given)
{
    struct net *net = three(given);
    struct listener *l = begin(net->now, 10);
    size_t said = net->log_count;
    hear(l, net, 12 * SECOND_US);
    struct listener_summary s = listener_summary(l);
    assert_int_equal(s.heard, 3);
    assert_int_equal(s.told, 0);
    assert_int_equal(s.agree, 3);
    assert_int_equal(s.interval_max, 1 * SECOND_US);
    for (size_t i = 0; i < 3; i++) {
        char name[] = "a@host";
        struct heard h;
        name[0] = (char)('a' + i);
        assert_true(find(l, name, &h));
        assert_int_equal(h.state, HEARD_ALIVE);
        assert_int_equal(h.id.boot, gossip_boot(net->nodes[i]->g));
        assert_true(addr_same(&h.from, &net->nodes[i]->addr));
        assert_true(h.heard_ago <= 1 * SECOND_US && h.agrees && h.shown);
        assert_int_equal(h.by.len, 0);
        assert_int_equal(h.lists, 3);
        assert_int_equal(h.loss, 0);
    }
    assert_int_equal(events(l, LISTENER_FOUND), 3);
    /* The members speak as they would without it, and of nobody else. */
    assert_true(net->log_count > said);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(net_listed(net, i), 2);
    }
    listener_free(l);
}

/* A listener cannot probe: until six T of silence it says nothing by itself. */
static void the_only_one_that_dies_is_silent_after_six_t(void **given)
{
    struct net *net = *given;
    (void)net_member(net, "a@host", 1);
    struct listener *l = begin(net->now, 10);
    hear(l, net, 5 * SECOND_US);
    assert_int_equal(state(l, "a@host"), HEARD_ALIVE);
    net_kill(net, 0);
    hear(l, net, 4900 * MS_US);
    assert_int_equal(state(l, "a@host"), HEARD_ALIVE);
    hear(l, net, 1200 * MS_US);
    assert_int_equal(state(l, "a@host"), HEARD_SILENT);
    assert_int_equal(events(l, LISTENER_SILENT), 1);
    hear(l, net, LISTENER_SHOWN + SECOND_US);
    struct heard h;
    assert_true(find(l, "a@host", &h) && !h.shown);
    listener_free(l);
}

static void of_who_dies_among_others_they_tell(void **given)
{
    struct net *net = three(given);
    struct listener *l = begin(net->now, 10);
    struct heard h;
    hear(l, net, 5 * SECOND_US);
    net_kill(net, 1);
    hear(l, net, 4 * SECOND_US);
    assert_true(find(l, "b@host", &h));
    assert_int_equal(h.state, HEARD_DEAD);
    assert_true(said_by(&h, "a@host") || said_by(&h, "c@host"));
    assert_int_equal(listener_summary(l).agree, 2);
    /* It comes back under another boot id, and is another row. */
    net_restart(net, 1);
    net_alive(net, 1);
    hear(l, net, 3 * SECOND_US);
    assert_int_equal(listener_summary(l).heard, 3);
    assert_int_equal(listener_count(l), 4);
    listener_free(l);
}

static void who_leaves_has_said_so_itself(void **given)
{
    struct net *net = three(given);
    struct listener *l = begin(net->now, 10);
    struct heard h;
    hear(l, net, 3 * SECOND_US);
    net_leave(net, 0, DOWN_LEFT);
    net_leave(net, 2, DOWN_BEAM_EXIT);
    hear(l, net, 1 * SECOND_US);
    assert_true(find(l, "a@host", &h));
    assert_int_equal(h.state, HEARD_LEFT);
    assert_int_equal(h.by.len, 0);
    assert_int_equal(state(l, "c@host"), HEARD_BEAM_EXIT);
    assert_int_equal(state(l, "b@host"), HEARD_ALIVE);
    listener_free(l);
}

static void a_stalled_vm_shows(void **given)
{
    struct net *net = three(given);
    struct listener *l = begin(net->now, 10);
    struct heard h;
    hear(l, net, 3 * SECOND_US);
    net->nodes[1]->hung = true;
    hear(l, net, 5 * SECOND_US);
    assert_true(find(l, "b@host", &h) && h.stalled && h.state == HEARD_ALIVE);
    net->nodes[1]->hung = false;
    hear(l, net, 2 * SECOND_US);
    assert_true(find(l, "b@host", &h) && !h.stalled);
    listener_free(l);
}

/* Nobody is silent while this process does not run. */
static void its_own_pause_is_held_against_nobody(void **given)
{
    struct net *net = three(given);
    struct listener *l = begin(net->now, 10);
    hear(l, net, 3 * SECOND_US);
    net_run(net, 100 * SECOND_US);
    listener_tick(l, net->now);
    assert_int_equal(listener_summary(l).heard, 3);
    hear(l, net, 2 * SECOND_US);
    assert_int_equal(listener_summary(l).agree, 3);
    assert_int_equal(events(l, LISTENER_SILENT), 0);
    listener_free(l);
}

/* All that was said before, again, whenever: to one that has heard it. */
static void a_recording_of_whom_it_knew_lists_nobody(void **given)
{
    struct net *net = three(given);
    struct listener *l = begin(net->now, 10);
    size_t from = net->log_count;
    hear(l, net, 10 * SECOND_US);
    net_leave(net, 0, DOWN_LEFT);
    net_kill(net, 1);
    net_kill(net, 2);
    hear(l, net, LISTENER_SHOWN + 20 * SECOND_US);
    assert_int_equal(listener_summary(l).heard, 0);
    (void)events(l, 0);
    size_t count = net->log_count;
    for (size_t i = from; i < count; i++) {
        give(l, net->now, PATH_GROUP, &net->log[i].from, net->log[i].data, net->log[i].len);
    }
    listener_tick(l, net->now);
    struct listener_summary s = listener_summary(l);
    assert_int_equal(s.heard + s.told, 0);
    assert_int_equal(events(l, LISTENER_FOUND), 0);
    for (size_t i = 0; i < listener_count(l); i++) {
        struct heard h;
        listener_row(l, i, &h);
        assert_false(h.shown);
    }
    listener_free(l);
}

/* What SECURITY.md says that it cannot know: a recording of one that it has never heard. */
static void a_recording_of_the_unknown_is_heard_for_a_while(void **given)
{
    struct net *net = three(given);
    size_t from = net->log_count;
    net_run(net, 5 * SECOND_US);
    struct listener *l = begin(net->now + 3600 * SECOND_US, 10);
    int64_t now = net->now + 3600 * SECOND_US;
    size_t played = 0;
    for (size_t i = from; i < net->log_count; i++) {
        const struct sent *s = &net->log[i];
        if (s->path.kind == PATH_GROUP && addr_same(&s->from, &net->nodes[0]->addr)) {
            give(l, now, PATH_GROUP, &s->from, s->data, s->len);
            played++;
            if (played == 1) { /* one datagram is not enough to be alive, */
                assert_int_equal(state(l, "a@host"), HEARD_ONCE);
            }
        }
    }
    assert_true(played > 3);
    assert_int_equal(state(l, "a@host"), HEARD_ALIVE); /* more of them are */
    for (int i = 0; i < 13; i++) {
        now += LISTENER_TICK;
        listener_tick(l, now);
    }
    assert_int_equal(state(l, "a@host"), HEARD_SILENT);
    listener_free(l);
}

static void say(struct listener *l, int64_t now, struct forged *f, struct wire_message *m)
{
    uint8_t datagram[DATAGRAM_MAX];
    m->sent_at = (uint64_t)now;
    size_t len = forge_seal(f, m, datagram);
    give(l, now, PATH_GROUP, &f->addr, datagram, len);
}

static void beat(struct listener *l, int64_t now, struct forged *f)
{
    struct wire_message m;
    forge_start(f, &m, WIRE_HELLO);
    say(l, now, f, &m);
}

/* New, and sent long ago: no sign of life. It shows that there is something. */
static void what_is_held_back_is_no_life(void **given)
{
    (void)given;
    int64_t now = 100 * SECOND_US;
    struct listener *l = begin(now, 10);
    struct forged f = forge(7, "f@h1", 1, 5);
    struct wire_message m;
    struct heard h;
    uint8_t held[20][DATAGRAM_MAX];
    size_t len[20];
    beat(l, now, &f);
    beat(l, now, &f);
    for (size_t i = 0; i < 20; i++) {
        forge_start(&f, &m, WIRE_HELLO);
        m.sent_at = (uint64_t)now + i * SECOND_US;
        len[i] = forge_seal(&f, &m, held[i]);
    }
    for (size_t i = 0; i < 20; i++) {
        int64_t late = now + 30 * SECOND_US + (int64_t)i * SECOND_US;
        for (int64_t t = late - SECOND_US; i > 0 && t < late; t += LISTENER_TICK) {
            listener_tick(l, t);
        }
        give(l, late, PATH_GROUP, &f.addr, held[i], len[i]);
    }
    assert_int_equal(listener_summary(l).stale, 20);
    assert_true(find(l, "f@h1", &h));
    assert_int_equal(h.state, HEARD_SILENT);
    assert_true(h.late && h.shown);
    listener_free(l);
}

static void what_others_say_of_the_living_is_not_believed(void **given)
{
    (void)given;
    int64_t now = 100 * SECOND_US;
    struct listener *l = begin(now, 10);
    struct forged f = forge(7, "f@h1", 1, 5), g = forge(8, "g@h2", 1, 6), t = forge(9, "t@h3", 1, 7);
    struct wire_message m;
    struct heard h;
    beat(l, now, &f);
    beat(l, now, &f);
    /* The word of one that was heard once counts for nothing. */
    forge_start(&g, &m, WIRE_NEWS);
    forge_entry(&m, &t);
    say(l, now, &g, &m);
    assert_int_equal(listener_count(l), 2);
    say(l, now, &g, &m);
    assert_true(find(l, "t@h3", &h));
    assert_int_equal(h.state, HEARD_TOLD);
    assert_true(said_by(&h, "g@h2") && addr_same(&h.addrs[0], &t.addr) && h.from.family == ADDR_NONE);
    for (uint8_t verdict = VERDICT_SUSPECT; verdict <= VERDICT_BEAM_EXIT; verdict++) {
        forge_start(&g, &m, WIRE_NEWS);
        forge_verdict(&m, verdict, 7, 0);
        forge_verdict(&m, verdict, 4711, 0); /* of whom nobody has heard */
        say(l, now + SECOND_US, &g, &m);
        assert_int_equal(state(l, "f@h1"), HEARD_ALIVE);
    }
    /* Of who is silent they may tell, but not in an ACK; and it comes back by speaking. */
    forge_start(&g, &m, WIRE_ACK);
    forge_echo(&m, 7, 1);
    forge_verdict(&m, VERDICT_DEAD, 7, 0);
    say(l, now + 2 * SECOND_US, &g, &m);
    assert_int_equal(state(l, "f@h1"), HEARD_ALIVE);
    forge_start(&g, &m, WIRE_NEWS);
    forge_verdict(&m, VERDICT_LEFT, 7, 0);
    forge_verdict(&m, VERDICT_DEAD, 9, 0);
    say(l, now + 2 * SECOND_US, &g, &m);
    assert_true(find(l, "f@h1", &h) && h.state == HEARD_LEFT && said_by(&h, "g@h2"));
    assert_int_equal(state(l, "t@h3"), HEARD_DEAD);
    beat(l, now + 3 * SECOND_US, &f);
    assert_true(find(l, "f@h1", &h) && h.state == HEARD_ALIVE && h.by.len == 0);
    /* Its own goodbye is the end of that boot id. */
    forge_start(&f, &m, WIRE_BYE);
    say(l, now + 3 * SECOND_US, &f, &m);
    beat(l, now + 4 * SECOND_US, &f);
    assert_int_equal(state(l, "f@h1"), HEARD_LEFT);
    /* A goodbye of one that was never heard names nobody. */
    struct forged u = forge(10, "u@h4", 1, 8);
    forge_start(&u, &m, WIRE_BYE);
    say(l, now + 4 * SECOND_US, &u, &m);
    assert_int_equal(state(l, "u@h4"), 0);
    listener_free(l);
}

static void there_are_so_many_rows_and_no_more(void **given)
{
    (void)given;
    int64_t now = 100 * SECOND_US;
    struct listener *l = begin(now, 4);
    char name[] = "n00@h";
    for (uint64_t i = 0; i < 40; i++) {
        name[1] = (char)('0' + i / 10);
        name[2] = (char)('0' + i % 10);
        struct forged f = forge(100 + i, name, 1, 5);
        beat(l, now, &f);
    }
    assert_int_equal(listener_count(l), 4);
    assert_int_equal(listener_summary(l).unlisted, 36);
    /* They fall silent, and are shown for a while; then there is room. */
    struct forged late = forge(500, "late@h", 1, 6);
    for (int64_t t = now; t < now + 7 * SECOND_US + LISTENER_SHOWN; t += LISTENER_TICK) {
        if (t == now + 60 * SECOND_US) {
            beat(l, t, &late);
            assert_int_equal(state(l, "late@h"), 0);
        }
        listener_tick(l, t);
    }
    beat(l, now + 7 * SECOND_US + LISTENER_SHOWN, &late);
    assert_int_equal(state(l, "late@h"), HEARD_ONCE);
    assert_int_equal(listener_count(l), 4);
    listener_free(l);
}

struct feed {
    struct listener *listener;
    int64_t now;
    struct forged *f;
};

/* A fuzzer's input, as it is and under a true seal, by the group and by unicast. */
static void feed(void *context, const uint8_t *data, size_t len)
{
    const struct feed *to = context;
    uint8_t datagram[DATAGRAM_MAX];
    give(to->listener, to->now, PATH_GROUP, &to->f->addr, data, len);
    give(to->listener, to->now, PATH_UNICAST, &to->f->addr, data, len);
    for (size_t skip = 0; skip <= 2 && skip < len; skip++) { /* some begin with what the fuzzer reads */
        size_t most = len - skip <= WIRE_MESSAGE_MAX ? len - skip : WIRE_MESSAGE_MAX;
        size_t size = forge_seal_bytes(to->f, data + skip, most, datagram);
        give(to->listener, to->now, PATH_GROUP, &to->f->addr, datagram, size);
        give(to->listener, to->now, PATH_UNICAST, &to->f->addr, datagram, size);
    }
}

/* Every seed and every find of the fuzzers of datagrams and messages. */
static void whatever_comes_it_holds(void **given)
{
    (void)given;
    int64_t now = 100 * SECOND_US;
    struct listener *l = begin(now, 16);
    /* As the fuzzers' members are: their messages bear these boot ids. */
    struct forged f = forge(100, "f@h3", 1, 5);
    static const char *const stems[] = {"datagram", "datagram_sealed", "wire", "gossip"};
    for (size_t i = 0; i < COUNT(stems); i++) {
        assert_true(corpus_each(stems[i], feed, &(struct feed){l, now, &f}) > 10);
        now += SECOND_US;
        listener_tick(l, now);
    }
    struct listener_summary s = listener_summary(l);
    assert_true(s.received > 1000 && s.foreign > 0 && s.malformed > 0);
    assert_in_range(listener_count(l), 1, 16);
    for (size_t i = 0; i < listener_count(l); i++) {
        struct heard h;
        struct name checked;
        listener_row(l, i, &h);
        assert_int_equal(name_set(&checked, h.id.name.text, h.id.name.len), 0);
    }
    listener_free(l);
}

int main(void)
{
    assert_int_equal(seal_init(), 0);
    const struct CMUnitTest tests[] = {
        NET_TEST(who_beats_is_listed),
        NET_TEST(the_only_one_that_dies_is_silent_after_six_t),
        NET_TEST(of_who_dies_among_others_they_tell),
        NET_TEST(who_leaves_has_said_so_itself),
        NET_TEST(a_stalled_vm_shows),
        NET_TEST(its_own_pause_is_held_against_nobody),
        NET_TEST(a_recording_of_whom_it_knew_lists_nobody),
        NET_TEST(a_recording_of_the_unknown_is_heard_for_a_while),
        cmocka_unit_test(what_is_held_back_is_no_life),
        cmocka_unit_test(what_others_say_of_the_living_is_not_believed),
        cmocka_unit_test(there_are_so_many_rows_and_no_more),
        cmocka_unit_test(whatever_comes_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
