/* Who accuses another may be the deaf one, for a moment: a burial needs an accuser that hears, and nobody who
 * hears the accused. Of four members 0 accuses 1, and asks 2 and 3 about it. */
#include "net.h"
#include "test.h"

static void begin(struct net *net)
{
    net_member(net, "accuser@h1", 1);
    net_member(net, "accused@h2", 1);
    net_member(net, "c@h3", 1);
    net_member(net, "d@h4", 1);
    assert_true(net_wait(net, SECOND_US, net_whole));
    net_run(net, 2 * SECOND_US);
    net_forget_events(net);
}

/* The last event of this type that the accuser was told of the accused. */
static const struct event *last_of_accused(const struct net *net, uint8_t type)
{
    const struct node *n = net->nodes[0];
    const struct event *last = NULL;
    for (size_t i = 0; i < n->event_count; i++) {
        const struct event *e = &n->events[i];
        last = e->type == type && name_same(&e->peer.id.name, &net->nodes[1]->self.name) ? e : last;
    }
    return last;
}

static bool is_suspect(struct net *net)
{
    const struct event *e = last_of_accused(net, EVENT_UPDATE);
    return e != NULL && e->peer.status == STATUS_SUSPECT;
}

static bool has_accused(struct net *net)
{
    struct wire_message m;
    return net_sent(net, 0, 0, WIRE_NEWS, &m) > 0 && m.verdict_count > 0;
}

static bool is_down(struct net *net)
{
    return last_of_accused(net, EVENT_DOWN) != NULL;
}

static bool is_well(struct net *net)
{
    const struct event *e = last_of_accused(net, EVENT_UPDATE);
    return e != NULL && e->peer.status == STATUS_ALIVE;
}

/* The accuser is alone with those it asks: what the others find out themselves does not come to it. */
static bool drop_news(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)net;
    return to == 0 && from != 0 && s->path.kind == PATH_GROUP;
}

static bool drop_all(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)net;
    (void)s;
    return to == 0 && from != 0;
}

/* The accused has crashed. It is asked every 100 ms, and so are the relays: one of their four answers may get
 * lost, but not the last one; of more that are lost as many must come later. */
static void who_is_deaf_does_not_bury(void **state)
{
    const struct {
        int64_t deaf_from, deaf_until, buried; /* after the accusation, milliseconds */
    } rows[] = {{0, 0, 350}, {90, 190, 350}, {210, 340, 450}, {0, 150, 450}, {0, 250, 550}, {1, 390, 650}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct net *net = net_again(state);
        begin(net);
        net_kill(net, 1);
        assert_true(net_wait(net, 3 * SECOND_US, is_suspect)); /* of whomever */
        net->drop = drop_news;
        assert_true(net_wait(net, SECOND_US, has_accused));
        int64_t accused = net->now;
        net->drop = rows[i].deaf_from == 0 ? drop_all : drop_news;
        net_run(net, rows[i].deaf_from * MS_US);
        net->drop = rows[i].deaf_until > 0 ? drop_all : drop_news;
        net_run(net, accused + rows[i].deaf_until * MS_US - net->now);
        net->drop = drop_news;
        net_run(net, accused + (rows[i].buried - 5) * MS_US - net->now);
        assert_false(is_down(net));
        net_run(net, 10 * MS_US);
        assert_true(is_down(net));
    }
}

/* The accuser hears 2 alone, which hears the others. */
static bool drop_but_of_2(struct net *net, size_t from, size_t to, const struct sent *s)
{
    (void)net;
    (void)s;
    return to == 0 && (from == 1 || from == 3);
}

static bool any_is_down(struct net *net)
{
    return net_events(net, 0, EVENT_DOWN) > 0;
}

/* That it lives is taken from one member once: then it is a suspect, as one who lies must not keep the dead
 * alive. But who says so is no witness of its death. That ends, too. (Of the two that are silent one is
 * buried; with one peer more there is nobody else to say it.) */
static void who_hears_the_accused_is_no_witness(void **state)
{
    struct net *net = *state;
    begin(net);
    net->drop = drop_but_of_2;
    assert_true(net_wait(net, 5 * SECOND_US, is_suspect));
    net_run(net, 3 * SECOND_US); /* of the 6 T since then that the word of 2 counted for */
    assert_true(is_suspect(net));
    assert_false(any_is_down(net));
    assert_true(net_wait(net, 3 * SECOND_US, any_is_down));
}

static bool drop_of_1(struct net *net, size_t from, size_t to, const struct sent *s)
{
    return from == 1 || drop_but_of_2(net, from, to, s);
}

/* What a relay has heard of the accused no later than the accuser itself says nothing new: so its word counts
 * when it hears more. */
static void an_old_hearing_is_no_word(void **state)
{
    struct net *net = *state;
    begin(net);
    net->drop = drop_of_1;
    assert_true(net_wait(net, 5 * SECOND_US, is_suspect));
    net->drop = drop_but_of_2;
    assert_true(net_wait(net, SUSPICION, is_well));
    assert_false(is_down(net));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(who_is_deaf_does_not_bury),
        NET_TEST(who_hears_the_accused_is_no_witness),
        NET_TEST(an_old_hearing_is_no_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
