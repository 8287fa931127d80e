/* One peer heard over two links is one peer with two paths: the one that answered is kept, the other takes
 * over when that falls silent and does not answer. */
#include <string.h>

#include "build.h"
#include "insider.h"
#include "net.h"
#include "state/state.h"
#include "test.h"

#define T SECOND_US

struct two {
    size_t a;
    struct forged f; /* at `first` and `second` */
    struct addr first, second;
};

static struct two begin_as(struct net *net, const char *name)
{
    struct two t = {.f = forge(100, "f@h3", 1, 10)};
    t.a = net_member(net, name, 1);
    net_run(net, 3 * SECOND_US);
    net_prove(net, t.a, &t.f);
    assert_int_equal(net_listed(net, t.a), 1);
    t.first = t.f.addr;
    t.second = build_addr(210, 40000);
    net_forget_events(net);
    return t;
}

static struct two begin(struct net *net)
{
    return begin_as(net, "a@h1");
}

static int remember(void *context, const struct peer_view *v)
{
    struct peer_view *out = context;
    return v->id.boot == out->id.boot ? *out = *v, 1 : 0;
}

static struct peer_view view(const struct net *net, const struct two *t)
{
    struct peer_view v = {.id.boot = t->f.id.boot};
    assert_int_equal(gossip_peers(net->nodes[t->a]->g, remember, &v), 1);
    return v;
}

static void starts(struct two *t, struct wire_message *m, uint8_t type)
{
    t->f.addr = t->first;
    forge_start(&t->f, m, type);
    m->own[1] = t->second;
    m->own_count = 2;
}

/* A beat, over the first link, the second, or both in this order. */
static void beats(struct net *net, struct two *t, const struct addr *one, const struct addr *other)
{
    struct wire_message m;
    uint8_t data[DATAGRAM_MAX];
    starts(t, &m, WIRE_HELLO);
    t->f.clock = (uint64_t)(net->now + net->slept);
    m.sent_at = t->f.clock;
    size_t len = forge_seal(&t->f, &m, data);
    net_inject(net, t->a, one, PATH_GROUP, data, len);
    if (other != NULL) {
        net_inject(net, t->a, other, PATH_GROUP, data, len);
    }
}

/* The last probe that the member has sent there since, or NULL; and how many there were. */
static const struct sent *probe(const struct net *net, const struct two *t, int64_t since,
                                const struct addr *at, size_t *count)
{
    const struct sent *last = NULL;
    *count = 0;
    for (size_t i = 0; i < net->log_count; i++) {
        const struct sent *s = &net->log[i];
        struct wire_message m;
        if (s->at < since || s->path.kind != PATH_UNICAST || !addr_same(&s->path.addr, at) ||
            !addr_same(&s->from, &net->nodes[t->a]->addr)) {
            continue;
        }
        assert_int_equal(witness_open(&net->nodes[t->a]->witness, s->data, s->len, &m), 0);
        last = m.type == WIRE_PROBE ? s : last;
        *count += m.type == WIRE_PROBE;
    }
    return last;
}

static size_t asked(const struct net *net, const struct two *t, int64_t since, const struct addr *at)
{
    size_t count;
    (void)probe(net, t, since, at, &count);
    return count;
}

/* Answers the last probe that was sent there, from there. */
static void answers(struct net *net, struct two *t, const struct addr *at)
{
    size_t count;
    const struct sent *last = probe(net, t, 0, at, &count);
    struct wire_message m, question;
    assert_non_null(last);
    assert_int_equal(witness_open(&net->nodes[t->a]->witness, last->data, last->len, &question), 0);
    starts(t, &m, WIRE_ACK);
    forge_echo(&m, gossip_boot(net->nodes[t->a]->g), question.nonce);
    t->f.addr = *at;
    net_say(net, t->a, &t->f, PATH_UNICAST, &m);
}

static void is_at(const struct net *net, const struct two *t, const struct addr *first,
                  const struct addr *second)
{
    struct peer_view v = view(net, t);
    assert_int_equal(v.addr_count, 2);
    assert_true(addr_same(&v.addrs[0], first) && addr_same(&v.addrs[1], second));
}

/* Which copy is first is chance. It said with each beat another address is the one to use. */
static void the_path_that_answered_is_kept(void **state)
{
    struct net *net = *state;
    struct two t = begin(net);
    int64_t since = net->now;
    beats(net, &t, &t.first, &t.second);
    net_run(net, T);
    for (int i = 0; i < 8; i++) {
        beats(net, &t, i % 2 == 0 ? &t.second : &t.first, i % 2 == 0 ? &t.first : &t.second);
        net_run(net, T);
    }
    is_at(net, &t, &t.first, &t.second);
    assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 1); /* that there is a second */
    assert_int_equal(net_events(net, t.a, EVENT_DOWN), 0);
    assert_int_equal(asked(net, &t, since, &t.first), 0); /* nothing is asked where all is well */
    assert_int_equal(asked(net, &t, 0, &t.second), 0);
}

/* What a copy says of its source counts only where the peer says so, too. */
static void a_copy_from_elsewhere_is_no_path(void **state)
{
    struct net *net = *state;
    struct two t = begin(net);
    struct addr elsewhere = build_addr(77, 40000);
    for (int i = 0; i < 3; i++) {
        beats(net, &t, &t.first, &elsewhere);
        net_run(net, T);
    }
    assert_int_equal(view(net, &t).addr_count, 1);
    assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 0);
}

static void the_other_path_takes_over(void **state)
{
    struct net *net = *state;
    struct two t = begin(net);
    for (int i = 0; i < 3; i++) {
        beats(net, &t, &t.first, &t.second);
        net_run(net, T);
    }
    net_forget_events(net);
    int64_t cut = net->now;
    for (int i = 0; i < 4; i++) {
        beats(net, &t, &t.second, NULL);
        net_run(net, T);
    }
    assert_int_equal(asked(net, &t, cut, &t.first), 1);
    is_at(net, &t, &t.second, &t.first);
    assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 1);
    assert_int_equal(net_events(net, t.a, EVENT_DOWN), 0);
    /* It is asked to prove that what is sent there comes to it; then it is kept in its turn. */
    assert_int_equal(asked(net, &t, cut, &t.second), 1);
    for (int i = 0; i < 4; i++) {
        beats(net, &t, &t.first, &t.second);
        net_run(net, T);
    }
    is_at(net, &t, &t.second, &t.first);
    assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 1);
}

/* Beats over one link alone, and answers there whenever it is asked there, or at the other while `other` is
 * left. */
static void beats_and_answers(struct net *net, struct two *t, const struct addr *one,
                              const struct addr *other, int others)
{
    for (int i = 0; i < 8; i++) {
        size_t here = asked(net, t, 0, one), there = asked(net, t, 0, other);
        beats(net, t, one, NULL);
        if (asked(net, t, 0, other) > there && others-- > 0) {
            answers(net, t, other);
        }
        net_run(net, PATH_PATIENCE);
        if (asked(net, t, 0, one) > here) {
            answers(net, t, one);
        }
        net_run(net, T - PATH_PATIENCE);
    }
}

/* Both have answered: the one in use is kept all the same, and who goes back asks nothing that is known. */
static void of_two_that_answered_the_one_in_use_is_kept(void **state)
{
    struct net *net = *state;
    struct two t = begin(net);
    beats(net, &t, &t.first, &t.second);
    net_run(net, T);
    beats_and_answers(net, &t, &t.second, &t.first, 1); /* the first has answered once, and then no more */
    is_at(net, &t, &t.second, &t.first);
    assert_int_equal(asked(net, &t, 0, &t.second), 1); /* and the second has, since it took over */
    for (int i = 0; i < 4; i++) {
        beats(net, &t, &t.first, &t.second);
        net_run(net, T);
    }
    is_at(net, &t, &t.second, &t.first);
    size_t before = asked(net, &t, 0, &t.first);
    beats_and_answers(net, &t, &t.first, &t.second, 0);
    is_at(net, &t, &t.first, &t.second);
    assert_int_equal(asked(net, &t, 0, &t.second), 2);
    assert_int_equal(asked(net, &t, 0, &t.first), before);
}

/* No beat more than the two that show it: the next one may be far away. */
static void the_other_path_takes_over_when_the_first_has_not_answered(void **state)
{
    for (int proven = 0; proven <= 1; proven++) {
        struct net *net = net_again(state);
        struct two t = begin(net);
        for (int i = 0; i < 3; i++) {
            beats(net, &t, &t.first, &t.second);
            net_run(net, T);
        }
        if (proven == 1) {
            beats_and_answers(net, &t, &t.second, &t.first, 0);
            beats_and_answers(net, &t, &t.first, &t.second, 0);
            is_at(net, &t, &t.first, &t.second);
        }
        net_forget_events(net);
        int64_t cut = net->now;
        beats(net, &t, &t.second, NULL);
        net_run(net, T);
        beats(net, &t, &t.second, NULL);
        net_run(net, PATH_PATIENCE - 1);
        is_at(net, &t, &t.first, &t.second);
        assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 0);
        net_run(net, 1);
        is_at(net, &t, &t.second, &t.first);
        assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 1);
        assert_int_equal(asked(net, &t, cut, &t.first), 1);
        assert_int_equal(asked(net, &t, cut, &t.second), proven == 1 ? 0 : 1);
        /* And it is asked no more when it is heard there again. */
        beats(net, &t, &t.second, NULL);
        net_run(net, 2 * PATH_PATIENCE);
        is_at(net, &t, &t.second, &t.first);
        assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 1);
        assert_int_equal(asked(net, &t, cut, &t.second), proven == 1 ? 0 : 1);
    }
}

/* The first path has its time to answer; more words by the other meanwhile change nothing. */
static void the_first_path_has_time_to_answer(void **state)
{
    struct net *net = *state;
    struct two t = begin(net);
    for (int i = 0; i < 3; i++) {
        beats(net, &t, &t.first, &t.second);
        net_run(net, T);
    }
    int64_t cut = net->now;
    beats(net, &t, &t.second, NULL);
    net_run(net, T);
    beats(net, &t, &t.second, NULL);
    assert_int_equal(asked(net, &t, cut, &t.first), 1);
    net_run(net, PATH_PATIENCE - 2 * MS_US);
    beats(net, &t, &t.second, NULL);
    is_at(net, &t, &t.first, &t.second);
    net_run(net, 2 * MS_US);
    beats(net, &t, &t.second, NULL);
    is_at(net, &t, &t.second, &t.first);
    assert_int_equal(asked(net, &t, cut, &t.first), 1);
}

/* What this member has asked all is answered over the second link: that alone moves nothing, but where the
 * first is in doubt it decides at once. */
static void an_answer_by_the_other_path_counts_where_the_first_is_in_doubt(void **state)
{
    for (int doubt = 0; doubt <= 1; doubt++) {
        struct net *net = net_again(state);
        struct two t = begin(net);
        struct wire_message m;
        for (int i = 0; i < 3; i++) {
            beats(net, &t, &t.first, &t.second);
            net_run(net, T);
        }
        int64_t cut = net->now;
        for (int i = 0; i < 2; i++) {
            beats(net, &t, doubt == 1 ? &t.second : &t.first, &t.second);
            net_run(net, i == 0 ? T : 100 * MS_US);
        }
        assert_int_equal(asked(net, &t, cut, &t.first), doubt);
        starts(&t, &m, WIRE_ACK);
        forge_echo(&m, gossip_boot(net->nodes[t.a]->g), witness_nonce(&net->nodes[t.a]->witness));
        t.f.addr = t.second;
        net_say(net, t.a, &t.f, PATH_UNICAST, &m);
        is_at(net, &t, doubt == 1 ? &t.second : &t.first, doubt == 1 ? &t.first : &t.second);
    }
}

/* Nothing comes by either, so both are asked in turn: where the answer is, it is. */
static void where_a_silent_peer_answers_it_is_used(void **state)
{
    struct net *net = *state;
    struct two t = begin(net);
    for (int i = 0; i < 3; i++) {
        beats(net, &t, &t.first, &t.second);
        net_run(net, i < 2 ? T : T / 2);
    }
    for (int i = 0; i < 200 && asked(net, &t, 0, &t.second) == 0; i++) {
        net_run(net, 10 * MS_US);
    }
    is_at(net, &t, &t.first, &t.second);
    answers(net, &t, &t.second);
    is_at(net, &t, &t.second, &t.first);
    assert_int_equal(net_events(net, t.a, EVENT_DOWN), 0);
}

/* Multicast may come over one link alone, while unicast is well on the other. */
static void the_first_path_answers_and_stays(void **state)
{
    struct net *net = *state;
    struct two t = begin(net);
    for (int i = 0; i < 3; i++) {
        beats(net, &t, &t.first, &t.second);
        net_run(net, T);
    }
    net_forget_events(net);
    size_t before = asked(net, &t, 0, &t.first);
    for (int i = 0; i < 8; i++) {
        beats(net, &t, &t.second, NULL);
        if (asked(net, &t, 0, &t.first) > before) {
            answers(net, &t, &t.first);
            before = asked(net, &t, 0, &t.first);
        }
        net_run(net, T);
    }
    is_at(net, &t, &t.first, &t.second);
    assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 0);
}

/* The first has answered once, and then falls silent: the other is used, which has never answered. */
static void other_in_use(struct net *net, struct two *t)
{
    beats(net, t, &t->first, &t->second);
    for (int i = 0; i < 2; i++) {
        net_run(net, T);
        beats(net, t, &t->second, NULL);
    }
    answers(net, t, &t->first);
    for (int i = 0; i < 2; i++) {
        net_run(net, T);
        beats(net, t, &t->second, NULL);
    }
    net_run(net, T - MS_US);
    is_at(net, t, &t->second, &t->first);
}

/* And the owner is told, though both were known. */
static void what_has_answered_goes_before_what_was_only_heard(void **state)
{
    struct net *net = *state;
    struct two t = begin(net);
    other_in_use(net, &t);
    net_forget_events(net);
    beats(net, &t, &t.first, NULL);
    is_at(net, &t, &t.first, &t.second);
    assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 1);
}

/* A beat that is a little late is no doubt, nor is one that was lost on the first link alone. */
static void the_first_path_may_be_silent_for_a_beat_and_a_quarter(void **state)
{
    for (int64_t late = -MS_US; late <= MS_US; late += 2 * MS_US) {
        struct net *net = net_again(state);
        struct two t = begin(net);
        for (int i = 0; i < 3; i++) {
            beats(net, &t, &t.first, &t.second);
            net_run(net, i < 2 ? T : T + T / 4 + late);
        }
        int64_t since = net->now;
        beats(net, &t, &t.second, NULL);
        assert_int_equal(asked(net, &t, since, &t.first), late > 0);
    }
}

/* A beat over both, the first before the other; or over the first, and the next over the other alone. */
static void who_is_heard_at_the_first_path_again_stays_there(void **state)
{
    for (int both = 0; both <= 1; both++) {
        struct net *net = net_again(state);
        struct two t = begin(net);
        beats(net, &t, &t.first, &t.second);
        for (int i = 0; i < 2; i++) {
            net_run(net, T);
            beats(net, &t, &t.second, NULL);
        }
        net_forget_events(net);
        net_run(net, PATH_PATIENCE / 3);
        beats(net, &t, &t.first, both == 1 ? &t.second : NULL);
        net_run(net, PATH_PATIENCE / 3);
        beats(net, &t, &t.second, NULL);
        net_run(net, PATH_PATIENCE);
        is_at(net, &t, &t.first, &t.second);
        assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 0);
    }
}

/* It beats so fast that it is doubted again before the time of the first question is over: the second has its
 * own. */
static void each_question_has_its_own_time(void **state)
{
    struct net *net = *state;
    struct two t = begin(net);
    struct wire_message m;
    starts(&t, &m, WIRE_HELLO);
    m.interval_ms = 100;
    net_say(net, t.a, &t.f, PATH_GROUP, &m);
    t.f.addr = t.second;
    size_t before = asked(net, &t, 0, &t.first);
    for (int at = 0; at < 9; at++) { /* in steps of 50 ms: asked at the third, answered then, asked anew */
        net_run(net, 50 * MS_US);
        m.sent_at = t.f.clock = (uint64_t)(net->now + net->slept);
        t.f.addr = at == 3 ? t.first : t.second;
        net_say(net, t.a, &t.f, PATH_GROUP, &m);
    }
    assert_int_equal(asked(net, &t, 0, &t.first), before + 2);
    is_at(net, &t, &t.first, &t.second); /* 300 ms after the first question, and 150 after the second */
    net_run(net, 200 * MS_US);
    is_at(net, &t, &t.second, &t.first);
}

/* Of three the one where it is heard, and not the one that was known last, or first. */
static void the_path_where_it_was_heard_last_takes_over(void **state)
{
    for (int place = 1; place <= 2; place++) {
        struct net *net = net_again(state);
        struct two t = begin(net);
        struct addr addrs[3] = {t.first, t.second, build_addr(220, 40000)};
        struct wire_message m;
        for (int i = 0; i < 8; i++) {
            starts(&t, &m, WIRE_HELLO);
            m.own[2] = addrs[2];
            m.own_count = 3;
            t.f.addr = addrs[i < 3 ? i : place];
            net_say(net, t.a, &t.f, PATH_GROUP, &m);
            net_run(net, i < 2 ? T / 4 : T);
        }
        struct peer_view v = view(net, &t);
        assert_int_equal(v.addr_count, 3);
        assert_true(addr_same(&v.addrs[0], &addrs[place]));
    }
}

/* It said goodbye while it was asked. */
static void who_has_left_is_not_asked_where_it_was_heard_last(void **state)
{
    struct net *net = *state;
    struct two t = begin(net);
    struct wire_message m;
    beats(net, &t, &t.first, &t.second);
    for (int i = 0; i < 2; i++) {
        net_run(net, T);
        beats(net, &t, &t.second, NULL);
    }
    assert_int_equal(asked(net, &t, 0, &t.first), 1);
    starts(&t, &m, WIRE_BYE);
    forge_verdict(&m, VERDICT_LEFT, t.f.id.boot, t.f.id.incarnation);
    net_say(net, t.a, &t.f, PATH_GROUP, &m);
    assert_int_equal(net_listed(net, t.a), 0);
    net_run(net, 2 * PATH_PATIENCE);
    assert_int_equal(asked(net, &t, 0, &t.second), 0);
    assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 1); /* of the second address, before */
}

/* A copy tells of a second path, until a message that says where its sender is tells whether that is one:
 * neither a later copy from elsewhere ends that, nor a message that says nothing of it. */
static void a_copy_is_judged_by_the_next_message_that_says_where_its_sender_is(void **state)
{
    for (int short_one = 0; short_one <= 1; short_one++) {
        struct net *net = net_again(state);
        struct two t = begin(net);
        struct addr elsewhere = build_addr(77, 40000);
        struct wire_message m;
        uint8_t data[DATAGRAM_MAX];
        starts(&t, &m, WIRE_HELLO);
        size_t len = forge_seal(&t.f, &m, data);
        net_inject(net, t.a, &t.first, PATH_GROUP, data, len);
        net_inject(net, t.a, &t.second, PATH_GROUP, data, len);
        if (short_one == 0) {
            net_inject(net, t.a, &elsewhere, PATH_GROUP, data, len);
        } else {
            starts(&t, &m, WIRE_ACK);
            m.own_count = 0;
            net_say(net, t.a, &t.f, PATH_UNICAST, &m);
        }
        assert_int_equal(view(net, &t).addr_count, 1);
        beats(net, &t, &t.first, NULL);
        is_at(net, &t, &t.first, &t.second);
    }
}

/* Another has told of it, and nobody has heard it there: it is used where it is heard. */
static void where_it_is_heard_goes_before_what_another_told(void **state)
{
    struct net *net = *state;
    struct insider_two two = insider_two(net);
    struct two t = {.f = forge(102, "h@h5", 1, 12)};
    t.first = t.f.addr;
    t.second = build_addr(210, 40000);
    insider_vouch(net, &two.f, &t.f);
    assert_int_equal(net_listed(net, t.a), 3);
    assert_true(addr_same(&view(net, &t).addrs[0], &t.first));
    beats(net, &t, &t.second, NULL);
    is_at(net, &t, &t.second, &t.first);
}

/* Bytes of the probes that the member has sent since. */
static size_t probed_bytes(const struct net *net, const struct two *t, int64_t since)
{
    size_t bytes = 0;
    for (size_t i = 0; i < net->log_count; i++) {
        const struct sent *s = &net->log[i];
        struct wire_message m;
        if (s->at >= since && s->path.kind == PATH_UNICAST && addr_same(&s->from, &net->nodes[t->a]->addr)) {
            assert_int_equal(witness_open(&net->nodes[t->a]->witness, s->data, s->len, &m), 0);
            bytes += m.type == WIRE_PROBE ? s->len : 0;
        }
    }
    return bytes;
}

/* Nobody knows whether who was only heard is there: both paths together get three times the bytes of the
 * beat. A member's name is so long that one question would be more; another's so long that two would be. */
static void what_was_only_heard_is_asked_with_no_more_than_it_may_cause(void **state)
{
    const size_t lengths[] = {NAME_MAX_LEN, 168};
    for (size_t i = 0; i < 2; i++) {
        struct net *net = net_again(state);
        char name[NAME_MAX_LEN + 1] = "";
        memset(name, 'a', lengths[i]);
        memcpy(name + lengths[i] - 3, "@h1", 4);
        struct two t = begin_as(net, name);
        beats(net, &t, &t.first, &t.second);
        net_run(net, T);
        beats(net, &t, &t.second, NULL);
        net_run(net, T);
        int64_t since = net->now;
        struct wire_message m;
        uint8_t data[DATAGRAM_MAX];
        starts(&t, &m, WIRE_HELLO);
        size_t most = CAUSED_TIMES * forge_seal(&t.f, &m, data);
        beats(net, &t, &t.second, NULL);
        assert_int_equal(asked(net, &t, since, &t.first), 1);
        size_t once = probed_bytes(net, &t, since);
        net_run(net, 2 * PATH_PATIENCE);
        is_at(net, &t, &t.second, &t.first);
        assert_int_equal(asked(net, &t, since, &t.second), i == 0);
        assert_true(probed_bytes(net, &t, since) <= most);
        assert_true(i == 0 || 2 * once > most);
    }
}

/* Who is not where it was, and says so, is used where it is at once. */
static void who_has_moved_is_not_kept_where_it_was(void **state)
{
    struct net *net = *state;
    struct two t = begin(net);
    beats(net, &t, &t.first, NULL);
    net_forget_events(net);
    t.first = t.second;
    beats(net, &t, &t.second, NULL);
    assert_true(addr_same(&view(net, &t).addrs[0], &t.second));
    assert_int_equal(net_events(net, t.a, EVENT_UPDATE), 1);
}

/* Who has no key, and is on the second link, repeats each beat there with the first address for its source.
 */
static void a_spoofed_source_does_not_keep_a_dead_path(void **state)
{
    struct net *net = *state;
    struct two t = begin(net);
    beats(net, &t, &t.first, &t.second);
    net_run(net, T);
    net_forget_events(net);
    for (int i = 0; i < 8; i++) {
        struct wire_message m;
        uint8_t data[DATAGRAM_MAX];
        struct path spoofed = {.kind = PATH_GROUP, .source = SOURCE_FAR, .addr = t.first};
        starts(&t, &m, WIRE_HELLO);
        m.sent_at = t.f.clock = (uint64_t)(net->now + net->slept);
        size_t len = forge_seal(&t.f, &m, data);
        net_inject(net, t.a, &t.second, PATH_GROUP, data, len);
        net_inject_path(net, t.a, &spoofed, data, len); /* the attacker's; nobody answers at the first */
        net_run(net, T);
    }
    is_at(net, &t, &t.second, &t.first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(the_path_that_answered_is_kept),
        NET_TEST(a_copy_from_elsewhere_is_no_path),
        NET_TEST(the_other_path_takes_over),
        NET_TEST(a_spoofed_source_does_not_keep_a_dead_path),
        NET_TEST(of_two_that_answered_the_one_in_use_is_kept),
        NET_TEST(the_other_path_takes_over_when_the_first_has_not_answered),
        NET_TEST(the_first_path_has_time_to_answer),
        NET_TEST(an_answer_by_the_other_path_counts_where_the_first_is_in_doubt),
        NET_TEST(where_a_silent_peer_answers_it_is_used),
        NET_TEST(the_first_path_answers_and_stays),
        NET_TEST(who_has_moved_is_not_kept_where_it_was),
        NET_TEST(what_has_answered_goes_before_what_was_only_heard),
        NET_TEST(the_first_path_may_be_silent_for_a_beat_and_a_quarter),
        NET_TEST(who_is_heard_at_the_first_path_again_stays_there),
        NET_TEST(each_question_has_its_own_time),
        NET_TEST(the_path_where_it_was_heard_last_takes_over),
        NET_TEST(who_has_left_is_not_asked_where_it_was_heard_last),
        NET_TEST(a_copy_is_judged_by_the_next_message_that_says_where_its_sender_is),
        NET_TEST(where_it_is_heard_goes_before_what_another_told),
        NET_TEST(what_was_only_heard_is_asked_with_no_more_than_it_may_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
