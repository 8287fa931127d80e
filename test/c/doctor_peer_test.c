/* What `gossipd doctor PEER` makes of what it is told to look at, and of what it has found out: pure. How it
 * finds out is a matter of test/python/test_doctor.py. */
#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "test.h"

static void a_peer_is_written_as_a_name_a_host_or_an_address(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *host;
        uint16_t port;
    } rows[] = {
        {"b@h2", "b@h2", "h2", 0},
        {"b@h2:45894", "b@h2", "h2", 45894},
        {"h2", "", "h2", 0},
        {"h2.example:1", "", "h2.example", 1},
        {"198.51.100.2", "", "198.51.100.2", 0},
        {"198.51.100.2:65535", "", "198.51.100.2", 65535},
        {"2001:db8::1", "", "2001:db8::1", 0},
        {"[2001:db8::1]", "", "2001:db8::1", 0},
        {"[2001:db8::1]:45894", "", "2001:db8::1", 45894},
        {"fe80::1%eth0", "", "fe80::1%eth0", 0},
        {"b@[::1]:7", "b@::1", "::1", 7},
        {"b@::1", "b@::1", "::1", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct target t;
        assert_int_equal(target_read(&t, rows[i].text), 0);
        assert_int_equal(t.name.len, strlen(rows[i].name));
        assert_memory_equal(t.name.text, rows[i].name, t.name.len);
        assert_string_equal(t.host, rows[i].host);
        assert_int_equal(t.port, rows[i].port);
    }
}

static void a_peer_is_written_in_no_other_way(void **state)
{
    (void)state;
    char longest[NAME_MAX_LEN + 2];
    struct target t;
    memset(longest, 'h', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(target_read(&t, longest), -1);
    longest[NAME_MAX_LEN - 1] = '\0';
    assert_int_equal(target_read(&t, longest), -1);
    longest[NAME_MAX_LEN - 2] = '\0'; /* with a name of one character it would be as long as one may be */
    assert_int_equal(target_read(&t, longest), 0);
    static const char *const wrong[] = {
        "",       "@",      "@h2",  "b@",     ":1",      "h2:",          "h2:0", "h2:65536",
        "h2:+1",  "h2:1x",  "h 2",  "h\n2",   "b@h\x1b", "b@h\xff",      "[h2]", "[::1",
        "[::1]x", "[::1]:", "[]:1", "a@b@h2", "-h2",     "nonode@nohost"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_int_equal(target_read(&t, wrong[i]), -1);
    }
}

/* One who stands at 10.0.0.2, and has answered. */
static struct peer_facts facts(void)
{
    struct peer_facts p = {.at = build_addr(2, 0),
                           .near = true,
                           .asked_under_key = true,
                           .tag = 0x01020304,
                           .count = 8,
                           .poked = 2,
                           .epmd = TCP_UNTRIED};
    assert_int_equal(target_read(&p.target, "10.0.0.2"), 0);
    p.at.ifindex = 0;
    for (size_t i = 0; i < p.count; i++) {
        p.doors[i].port = (uint16_t)(45894 + i);
    }
    return p;
}

static struct peer_door *answer(struct peer_facts *p, size_t i, const char *name)
{
    struct peer_door *d = &p->doors[i];
    d->answered = true;
    d->answer.id = build_identity(100 + i, name, 1);
    d->answer.id.dist_port = 4370;
    return d;
}

/* The host says so much of itself. */
static void says(struct peer_door *d, bool first_alone, const char *addresses)
{
    struct host *h = &d->answer.host;
    h->bytes[0] = first_alone ? 1 : 0;
    h->len = 1;
    for (const char *a = addresses; *a != '\0'; a++) {
        bool six = *a == 'g' || *a == 'l' || *a == 'o';
        uint8_t *at = h->bytes + h->len;
        at[0] = six ? ADDR_IPV6 : ADDR_IPV4;
        memset(at + 1, 0, 16);
        switch (*a) {
        case 'g': /* global */
            at[1] = 0x20;
            at[16] = 9;
            break;
        case 'l': /* link-local */
            at[1] = 0xfe;
            at[2] = 0x80;
            break;
        case 'o': /* loopback */
            at[16] = 1;
            break;
        case '0':
            memcpy(at + 1, (uint8_t[]){127, 0, 0, 1}, 4);
            break;
        case 'm':
            memcpy(at + 1, (uint8_t[]){224, 0, 0, 1}, 4);
            break;
        default: /* 10.0.0.1 and so on */
            memcpy(at + 1, (uint8_t[]){10, 0, 0, (uint8_t)(*a - '0')}, 4);
            break;
        }
        h->len = (uint8_t)(h->len + 1 + (six ? 16 : 4));
    }
}

static void a_distribution_is_tried_where_it_may_be(void **state)
{
    (void)state;
    static const struct {
        bool first_alone;
        const char *addresses; /* as `says` has them */
        uint8_t flags;
        size_t count;
        uint8_t last; /* the last byte of the last of them */
    } rows[] = {
        {false, "", 0, 1, 2},
        {false, "2", 0, 1, 2}, /* it is the same */
        {false, "234", 0, 3, 4},
        {false, "0m3", 0, 2, 3}, /* not this host itself, nor many at once */
        {true, "34", 0, 1, 3},
        {true, "0", 0, 0, 0},
        {false, "3g", IDENTITY_IPV6_DIST, 1, 9}, /* where it speaks IPv6 */
        {false, "lo", IDENTITY_IPV6_DIST, 0, 0},
        {false, "3", IDENTITY_IPV6_DIST, 0, 0},
        {false, "345678", 0, 7, 8},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct peer_facts p = facts();
        struct peer_door *d = answer(&p, 0, "b@h2");
        says(d, rows[i].first_alone, rows[i].addresses);
        d->answer.id.flags = rows[i].flags;
        peer_choose(d, &p.at, NULL);
        assert_int_equal(d->count, rows[i].count);
        for (size_t k = 0; k < d->count; k++) {
            assert_int_equal(d->tried[k].port, 4370);
        }
        if (d->count > 0) {
            const struct addr *last = &d->tried[d->count - 1];
            assert_int_equal(last->ip[addr_ip_len(last->family) - 1], rows[i].last);
        }
        d->answer.id.dist_port = 0;
        peer_choose(d, &p.at, NULL);
        assert_int_equal(d->count, 0);
    }
}

/* 172.17.0.1 is on every machine that has Docker: what answers there is this host itself. */
static void a_distribution_is_not_tried_at_an_address_of_this_host(void **state)
{
    (void)state;
    struct subnets own = {0};
    struct addr here = build_addr(4, 0), mask = addr_ipv4((const uint8_t[]){255, 255, 255, 0}, 0, 0);
    subnets_add(&own, &here, &mask, &(struct addr){0});
    struct peer_facts p = facts();
    struct peer_door *d = answer(&p, 0, "b@h2");
    says(d, false, "345");
    peer_choose(d, &p.at, &own);
    assert_int_equal(d->count, 3);
    for (size_t i = 0; i < d->count; i++) {
        assert_false(addr_same_host(&d->tried[i], &here));
    }
    says(d, true, "4");
    peer_choose(d, &p.at, &own);
    assert_int_equal(d->count, 0);
    peer_choose(d, &here, &own); /* it stands here */
    assert_int_equal(d->count, 1);
}

/* What it finds: one cause at most, "" where all is well, at that level. */
static void finds(const struct peer_facts *p, const char *what, int level, const char *words)
{
    struct findings f = {.json = true};
    char cause[60];
    peer_judge(&f, p);
    assert_false(f.written.failed);
    text_add(&f.written, "", 1);
    assert_int_equal(f.status, level);
    (void)snprintf(cause, sizeof cause, "\"level\":\"%s\",\"what\":\"%s\"",
                   level == DOCTOR_OK        ? "ok"
                   : level == DOCTOR_WARNING ? "warning"
                                             : "broken",
                   what);
    if (strstr(f.written.data, cause) == NULL || strstr(f.written.data, words) == NULL) {
        fail_msg("%s, %s: %s", what, words, f.written.data);
    }
    size_t causes = 0;
    for (const char *at = f.written.data; (at = strstr(at, "\"do\":\"")) != NULL; at++) {
        causes++;
    }
    assert_int_equal(causes, level == DOCTOR_OK ? 0 : 1);
    text_free(&f.written);
}

static void who_answers_is_judged_by_tcp(void **state)
{
    (void)state;
    struct peer_facts p = facts();
    struct peer_door *d = answer(&p, 3, "b@h2");
    peer_choose(d, &p.at, NULL);
    d->result[0] = TCP_OPEN;
    finds(&p, "udp", DOCTOR_OK,
          "b@h2 answers under this secret: UDP passes both ways to 10.0.0.2 port 45897");
    finds(&p, "tcp", DOCTOR_OK, "b@h2 is reached by TCP at 10.0.0.2 port 4370");
    finds(&p, "peer", DOCTOR_OK, "b@h2: a short name, distribution over plain TCP and IPv4");
    static const struct {
        int result;
        const char *what;
    } rows[] = {{ECONNREFUSED, "refused"},
                {ETIMEDOUT, "timeout"},
                {EHOSTUNREACH, "unreachable"},
                {ENETUNREACH, "unreachable"},
                {EPERM, "failed"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        d->result[0] = rows[i].result;
        finds(&p, rows[i].what, DOCTOR_BROKEN, "b@h2 is not reached by TCP at 10.0.0.2 port 4370: ");
    }
    says(d, false, "34");
    peer_choose(d, &p.at, NULL);
    d->result[0] = d->result[1] = ECONNREFUSED;
    d->result[2] = TCP_OPEN; /* one is enough */
    finds(&p, "tcp", DOCTOR_OK, "b@h2 is reached by TCP at 10.0.0.4 port 4370");
}

static void who_cannot_be_dialled_is_said(void **state)
{
    (void)state;
    struct peer_facts p = facts();
    struct peer_door *d = answer(&p, 0, "b@h2");
    finds(&p, "tcp", DOCTOR_OK, "says no address of IPv4");
    d->answer.id.dist_port = 0;
    finds(&p, "no_port", DOCTOR_BROKEN, "b@h2 says no port");
    d->answer.id.dist_port = 4370;
    says(d, true, "0");
    finds(&p, "listens_on_loopback", DOCTOR_BROKEN, "loopback alone");
    says(d, false, "0"); /* on all, of which it says that one */
    finds(&p, "tcp", DOCTOR_OK, "says no address of IPv4");
    d->answer.host.len = 0;
    d->answer.id.flags = IDENTITY_IPV6_DIST | IDENTITY_LONG_NAMES | IDENTITY_TLS | IDENTITY_HIDDEN;
    finds(&p, "peer", DOCTOR_OK, "b@h2: a long name, hidden, distribution over TLS and IPv6");
    const uint8_t link_local[16] = {0xfe, 0x80, [15] = 1};
    p.at = addr_ipv6(link_local, 0, 2);
    finds(&p, "link_local", DOCTOR_BROKEN, "link-local IPv6 address alone");
    peer_choose(d, &p.at, NULL);
    assert_int_equal(d->count, 0); /* Erlang dials none */
    d->answer.isolated = true;
    d->answer.id.flags = 0;
    finds(&p, "isolated", DOCTOR_WARNING, "hears nobody");
}

static void who_is_named_is_not_whoever_answers(void **state)
{
    (void)state;
    struct peer_facts p = facts();
    struct peer_door *d = answer(&p, 0, "c@h2");
    assert_int_equal(target_read(&p.target, "b@10.0.0.2"), 0);
    finds(&p, "not_listed", DOCTOR_BROKEN, "c@h2 answers under this secret at 10.0.0.2 port 45894");
    d->answer.id.name.len = 0; /* whoever it is */
    finds(&p, "not_listed", DOCTOR_BROKEN, "b@10.0.0.2 does not answer at 10.0.0.2");
    d = answer(&p, 1, "b@10.0.0.2");
    peer_choose(d, &p.at, NULL);
    d->result[0] = TCP_OPEN;
    finds(&p, "udp", DOCTOR_OK, "b@10.0.0.2 answers under this secret: UDP passes both ways");
}

static void silence_is_told_by_what_is_heard_beside_it(void **state)
{
    (void)state;
    struct peer_facts p = facts();
    finds(&p, "no_answer", DOCTOR_BROKEN, "no answer at the UDP ports 45894 to 45901");
    p.closed[0] = true;
    finds(&p, "no_answer", DOCTOR_BROKEN, "nothing comes back of 10.0.0.2");
    p.closed[1] = true;
    finds(&p, "peer_not_running", DOCTOR_BROKEN, "nobody has the ports 45894 and 45895 there");
    p.heard = true; /* it runs, elsewhere */
    finds(&p, "no_answer", DOCTOR_WARNING,
          "what is sealed with this secret comes from 10.0.0.2 to the group");
    p = facts();
    p.heard_otherwise = true;
    p.other_tag = 0xdeadbeef;
    /* Whoever sends that may forge its source: what it is sealed with is no cause, and neither is a
     * recording. */
    finds(&p, "no_answer", DOCTOR_BROKEN,
          "comes from its address cannot be opened with this secret: its key tag is deadbeef, not 01020304");
    finds(&p, "no_answer", DOCTOR_BROKEN, "whoever shares the network can forge a source");
    p.heard = true;
    finds(&p, "no_answer", DOCTOR_WARNING, "does not answer at the UDP ports");
    finds(&p, "no_answer", DOCTOR_WARNING,
          "what is sealed with this secret comes from 10.0.0.2 to the group");
    p = facts();
    p.count = p.poked = 1;
    finds(&p, "no_answer", DOCTOR_BROKEN, "no answer at the UDP port 45894,");
    p.poked = 0; /* none could be */
    finds(&p, "no_answer", DOCTOR_BROKEN, "no answer at the UDP port 45894,");
    p.trouble = EHOSTUNREACH;
    finds(&p, "unreachable", DOCTOR_BROKEN, "10.0.0.2 is not reached by UDP: ");
    p.trouble = EPERM;
    p.barred = true;
    finds(&p, "firewall_unicast_out", DOCTOR_BROKEN, "this host lets no UDP out to 10.0.0.2: ");
}

static void what_is_over_in_a_moment_is_no_trouble(void **state)
{
    (void)state;
    static const struct {
        int error;
        bool own, trouble, barred;
    } rows[] = {
        {0, true, false, false},          {EAGAIN, true, false, false}, {EWOULDBLOCK, true, false, false},
        {ENOBUFS, true, false, false},    {EINTR, true, false, false},  {EHOSTUNREACH, false, true, false},
        {ENETUNREACH, true, true, false}, {EPERM, true, true, true},    {EACCES, true, true, true},
        {EACCES, false, true, false}, /* a router says so */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct peer_facts p = facts();
        peer_trouble(&p, rows[i].error, rows[i].own);
        assert_int_equal(p.trouble, rows[i].trouble ? rows[i].error : 0);
        assert_true(p.barred == rows[i].barred);
    }
}

static void a_host_that_answers_tcp_is_not_dead(void **state)
{
    (void)state;
    struct peer_facts p = facts();
    p.epmd = ECONNREFUSED;
    finds(&p, "no_answer", DOCTOR_BROKEN, "10.0.0.2 is reached by TCP: nobody is at epmd's port 4369");
    p.epmd = TCP_OPEN;
    finds(&p, "no_answer", DOCTOR_BROKEN, "10.0.0.2 is reached by TCP: somebody is at epmd's port 4369");
    p.epmd = ETIMEDOUT;
    finds(&p, "no_answer", DOCTOR_BROKEN, "10.0.0.2 is not reached by TCP at epmd's port 4369 either");
}

static void without_a_secret_only_an_empty_port_is_told(void **state)
{
    (void)state;
    struct peer_facts p = facts();
    p.asked_under_key = false;
    finds(&p, "udp", DOCTOR_OK, "cannot be told");
    p.heard_otherwise = true;
    finds(&p, "udp", DOCTOR_OK, "cannot be told");
    p.closed[0] = p.closed[1] = true;
    finds(&p, "peer_not_running", DOCTOR_BROKEN, "nobody has the ports");
}

static void a_host_that_is_not_found_or_far_is_said(void **state)
{
    (void)state;
    struct peer_facts p = facts();
    assert_int_equal(target_read(&p.target, "b@h2"), 0);
    p.at = (struct addr){0};
    p.why = "no such name";
    finds(&p, "unresolved", DOCTOR_BROKEN, "the host name h2 does not resolve here: no such name");
    p = facts();
    struct peer_door *d = answer(&p, 0, "b@h2");
    peer_choose(d, &p.at, NULL);
    d->result[0] = TCP_OPEN;
    assert_int_equal(target_read(&p.target, "h2"), 0);
    finds(&p, "resolved", DOCTOR_OK, "the host h2 has the address 10.0.0.2 here");
    p.near = false;
    finds(&p, "other_subnet", DOCTOR_WARNING, "10.0.0.2 is in no subnet of this host");
    p.heard = true; /* a router passes it on */
    finds(&p, "udp", DOCTOR_OK, "UDP passes both ways");
}

/* The longest names and texts that there may be. */
static void what_is_too_long_is_cut(void **state)
{
    (void)state;
    char name[NAME_MAX_LEN + 1], cause[] = "firewall";
    memset(name, 'n', sizeof name);
    memcpy(name + sizeof name - 4, "@h1", 4);
    struct peer_facts p = facts();
    assert_int_equal(target_read(&p.target, name), 0);
    struct peer_door *d = answer(&p, 0, name);
    peer_choose(d, &p.at, NULL);
    d->result[0] = ETIMEDOUT;
    struct findings f = {.json = true};
    peer_judge(&f, &p);
    assert_false(f.written.failed);
    text_add(&f.written, "", 1);
    assert_non_null(strstr(f.written.data, cause));
    text_free(&f.written);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_is_written_as_a_name_a_host_or_an_address),
        cmocka_unit_test(a_peer_is_written_in_no_other_way),
        cmocka_unit_test(a_distribution_is_tried_where_it_may_be),
        cmocka_unit_test(a_distribution_is_not_tried_at_an_address_of_this_host),
        cmocka_unit_test(who_answers_is_judged_by_tcp),
        cmocka_unit_test(who_cannot_be_dialled_is_said),
        cmocka_unit_test(who_is_named_is_not_whoever_answers),
        cmocka_unit_test(silence_is_told_by_what_is_heard_beside_it),
        cmocka_unit_test(what_is_over_in_a_moment_is_no_trouble),
        cmocka_unit_test(a_host_that_answers_tcp_is_not_dead),
        cmocka_unit_test(without_a_secret_only_an_empty_port_is_told),
        cmocka_unit_test(a_host_that_is_not_found_or_far_is_said),
        cmocka_unit_test(what_is_too_long_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
