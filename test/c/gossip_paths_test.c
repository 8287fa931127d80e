/* One peer heard over two links is one peer with two paths: the one that answered is kept, the other takes
 * over when that falls silent and does not answer. */
#include "build.h"
#include "net.h"
#include "state/state.h"
#include "test.h"

#define T SECOND_US

struct two {
    size_t a;
    struct forged f; /* at `first` and `second` */
    struct addr first, second;
};

static struct two begin(struct net *net)
{
    struct two t = {.f = forge(100, "f@h3", 1, 10)};
    t.a = net_member(net, "a@h1", 1);
    net_run(net, 3 * SECOND_US);
    net_prove(net, t.a, &t.f);
    assert_int_equal(net_listed(net, t.a), 1);
    t.first = t.f.addr;
    t.second = build_addr(210, 40000);
    net_forget_events(net);
    return t;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(the_path_that_answered_is_kept),
        NET_TEST(a_copy_from_elsewhere_is_no_path),
        NET_TEST(the_other_path_takes_over),
        NET_TEST(of_two_that_answered_the_one_in_use_is_kept),
        NET_TEST(the_other_path_takes_over_when_the_first_has_not_answered),
        NET_TEST(the_first_path_has_time_to_answer),
        NET_TEST(an_answer_by_the_other_path_counts_where_the_first_is_in_doubt),
        NET_TEST(where_a_silent_peer_answers_it_is_used),
        NET_TEST(the_first_path_answers_and_stays),
        NET_TEST(who_has_moved_is_not_kept_where_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
