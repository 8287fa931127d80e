/* `gossipd watch` without a network: what it may be asked for, how it reads secrets and keys, and that what
 * it draws fits whatever it is drawn on. What it hears is a matter of listener_test.c, and how it behaves on
 * a terminal of test/python/test_watch.py. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "build.h"
#include "keys.h"
#include "secret_input.h"
#include "test.h"
#include "view.h"

static struct fault fault;

static int read_arguments(struct arguments *a, const char *text)
{
    static char words[400];
    char *argv[40];
    int argc = 0;
    fault = (struct fault){0};
    (void)snprintf(words, sizeof words, "%s", text);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    return arguments_read(a, ASKS_WATCH, argc, argv, &fault);
}

static void it_may_be_asked_for_what_the_options_say(void **state)
{
    (void)state;
    struct arguments a;
    assert_int_equal(read_arguments(&a, ""), 0);
    assert_memory_equal(a.udp.group.ip, ((const uint8_t[]){233, 252, 1, 33}), 4);
    assert_int_equal(a.udp.group.port, 45893);
    assert_int_equal(a.udp.group6.ip[15], 0x63);
    assert_int_equal(a.udp.unicast_first, 0);
    assert_true(a.filter.mode == FILTER_ALL && a.filter.ipv6 && a.kind == SECRET_COOKIE && !a.once);
    assert_string_equal(a.label, "");
    assert_int_equal(
        read_arguments(&a, "--port 4000 --group 239.1.2.3 --group6 ff12::1 --cluster shop --kind key "
                           "--once --json --for 10 --sort loss --interface eth* --interface "
                           "10.0.0.1 --broadcast --secret-file /x"),
        0);
    assert_memory_equal(a.udp.group.ip, ((const uint8_t[]){239, 1, 2, 3}), 4);
    assert_int_equal(a.udp.group.port, 4000);
    assert_string_equal(a.label, "shop");
    assert_true(a.once && a.json && a.udp.broadcast && a.kind == SECRET_KEY && a.order == ORDER_LOSS);
    assert_int_equal(a.listen_us, 10 * SECOND_US);
    assert_true(a.filter.mode == FILTER_ONLY && a.filter.count == 2);
    assert_string_equal(a.filter.items[1], "10.0.0.1");
    assert_int_equal(read_arguments(&a, "--group 239.1.2.3 --port 7 --no-ipv6"), 0);
    assert_true(a.udp.group.port == 7 && a.udp.group.ip[0] == 239 && !a.filter.ipv6);
}

static void it_may_be_asked_for_nothing_else(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "x",
        "--secret abc",
        "--port",
        "--port 0",
        "--port 65536",
        "--port 1x",
        "--port -1",
        "--group ::1",
        "--group 240.0.0.1",
        "--group6 ff02::1:2:3:4:5:6:7:8",
        "--group6 ff1e::1",
        "--kind cooky",
        "--for 0",
        "--for 86401",
        "--sort",
        "--sort names",
        "--interface eth0 --except eth1",
        "--pipe --secret-file /x",
        "--interface 0123456789012345678901234567890123456789012345678",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct arguments a;
        assert_int_equal(read_arguments(&a, wrong[i]), -1);
        assert_int_equal(fault.kind, FAULT_BAD_CONFIG);
        assert_true(strlen(fault.text) > 10);
    }
}

/* The key that a node makes of the same secret. */
static void holds_key(const struct keyring *ring, size_t i, uint8_t kind, const char *secret, size_t len)
{
    struct arguments a;
    struct keyring wanted = {0};
    char scope[SCOPE_MAX];
    assert_int_equal(read_arguments(&a, "--cluster shop"), 0);
    size_t scope_len = keyring_scope(scope, &a.udp.group, "shop", 4);
    assert_int_equal(keyring_add(&wanted, kind, (const uint8_t *)secret, len, scope, scope_len), 0);
    assert_true(ring->count > i);
    assert_memory_equal(ring->keys[i].bytes, wanted.keys[0].bytes, KEY_BYTES);
}

static int add(struct keyring *ring, uint8_t kind, const char *text, size_t len)
{
    struct arguments a;
    assert_int_equal(read_arguments(&a, "--cluster shop"), 0);
    *ring = (struct keyring){0};
    uint8_t *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    int result = secret_add(ring, &a, kind, copy, len, &fault);
    free(copy);
    return result;
}

static void a_secret_is_what_a_file_of_it_holds(void **state)
{
    (void)state;
    struct keyring ring;
    static const char key[] = "0123456789abcdefghijklmnopqrstuv";
    static const char *const texts[] = {
        "303132333435363738396162636465666768696a6b6c6d6e6f70717273747576\n",
        " 303132333435363738396162636465666768696A6B6C6D6E6F70717273747576\r\n",
        "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=\n", "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY", key};
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_int_equal(add(&ring, SECRET_KEY, texts[i], strlen(texts[i])), 0);
        holds_key(&ring, 0, SECRET_KEY, key, 32);
    }
    assert_int_equal(add(&ring, SECRET_COOKIE, "ABCDEFGH \n", 10), 0);
    holds_key(&ring, 0, SECRET_COOKIE, "ABCDEFGH", 8);
    assert_int_equal(add(&ring, SECRET_PASSPHRASE, "correct horse \r\n", 16), 0);
    holds_key(&ring, 0, SECRET_PASSPHRASE, "correct horse ", 14);
}

static void a_wrong_secret_is_not_shown(void **state)
{
    (void)state;
    static const struct {
        uint8_t kind;
        const char *text;
    } wrong[] = {
        {SECRET_COOKIE, ""},
        {SECRET_COOKIE, "\n"},
        {SECRET_PASSPHRASE, "hidden1"},
        {SECRET_KEY, ""},
        {SECRET_KEY, "hidden"},
        {SECRET_KEY, "hiddenhiddenhiddenhiddenhiddenhiddenhiddenh!"},
        {SECRET_KEY, "303132333435363738396162636465666768696a6b6c6d6e6f707172737475zz"},
        {SECRET_KEY, "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXYx"},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct keyring ring;
        fault = (struct fault){0};
        assert_int_equal(add(&ring, wrong[i].kind, wrong[i].text, strlen(wrong[i].text)), -1);
        assert_int_equal(ring.count, 0);
        assert_int_equal(fault.kind, FAULT_BAD_CONFIG);
        assert_null(strstr(fault.text, "hidden"));
    }
}

static int line(struct keyring *ring, struct piped_size *size, const char *text)
{
    struct arguments a;
    assert_int_equal(read_arguments(&a, "--cluster shop"), 0);
    return secret_line(ring, &a, size, text, strlen(text), &fault);
}

static void a_pipe_has_secrets_a_size_and_an_end(void **state)
{
    (void)state;
    struct keyring ring = {0};
    struct piped_size size = {0};
    assert_int_equal(line(&ring, &size, ""), -1); /* without a secret */
    assert_int_equal(line(&ring, &size, "passphrase 68696464656e31320a"), 0);
    assert_int_equal(line(&ring, &size, "cookie 4142"), 0);
    assert_int_equal(line(&ring, &size, "size 80 24"), 0);
    assert_true(size.columns == 80 && size.rows == 24);
    assert_int_equal(line(&ring, &size, ""), 1);
    holds_key(&ring, 0, SECRET_PASSPHRASE, "hidden12", 8);
    holds_key(&ring, 1, SECRET_COOKIE, "AB", 2);
    static const char *const wrong[] = {"cookie",     "cookie ",       "cookie 4",  "cookie 4x",
                                        "secret 41",  "size",          "size 80",   "size 80 24 ",
                                        "size -1 24", "size 80 10000", "size 80x24"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_int_equal(line(&ring, &size, wrong[i]), -1);
    }
    assert_true(ring.count == 2 && size.columns == 80);
    assert_int_equal(line(&ring, &size, "cookie 43"), 0);
    assert_int_equal(line(&ring, &size, "cookie 44"), 0);
    assert_int_equal(line(&ring, &size, "cookie 45"), -1); /* more than a ring holds */
}

static int press(struct keys *k, const char *bytes)
{
    int last = KEY_NONE;
    for (; *bytes != '\0'; bytes++) {
        last = keys_take(k, (uint8_t)*bytes);
    }
    return last;
}

static void keys_are_told_from_what_a_terminal_says(void **state)
{
    (void)state;
    struct keys k = {0};
    assert_int_equal(press(&k, "q"), KEY_QUIT);
    assert_int_equal(press(&k, "\x03"), KEY_QUIT);
    assert_int_equal(press(&k, "s"), KEY_SORT);
    assert_int_equal(press(&k, "x"), KEY_NONE);
    assert_int_equal(press(&k, "\033[8;24;80t"), KEY_SIZE);
    assert_true(k.rows == 24 && k.columns == 80);
    assert_int_equal(press(&k, "\033[8;99999999999999999999;0t"), KEY_SIZE);
    assert_true(k.rows == 9999 && k.columns == 0);
    /* An arrow, another report, one that is not whole, one of too many numbers: no key within them. */
    static const char *const others[] = {"\033[A", "\033[4;1;1t", "\033[8;1t", "\033[8;1;1;1;1;1t",
                                         "\033q",  "\033[1\nt"};
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_int_equal(press(&k, others[i]), KEY_NONE);
    }
    assert_int_equal(press(&k, "\033[8;\033[8;5;6t"), KEY_SIZE);
    assert_true(k.rows == 5 && k.columns == 6);
    assert_int_equal(press(&k, "q"), KEY_QUIT);
    struct prng p = prng_from(3);
    for (int i = 0; i < 100000; i++) {
        (void)keys_take(&k, (uint8_t) "\033[0123456789;tqs"[prng_below(&p, 16)]);
        assert_true(k.rows <= 9999 && k.columns <= 9999);
    }
}

static bool is(const struct text *t, const char *wanted)
{
    return t->len == strlen(wanted) && memcmp(t->data, wanted, t->len) == 0;
}

static void a_text_takes_the_columns_that_a_terminal_gives_it(void **state)
{
    (void)state;
    struct text t = {0};
    assert_int_equal(text_width("shop@10.0.0.7", 13), 13);
    assert_int_equal(text_width("\xe6\x97\xa5\xe6\x9c\xac", 6), 4); /* two wide characters */
    assert_int_equal(text_width("e\xcc\x81", 3), 1);                /* a mark that combines */
    assert_int_equal(text_width("\033[31m\xff\xc2\x9b", 8), 7);
    assert_int_equal(text_cut(&t, "shop@10.0.0.7", 13, 8), 8);
    assert_true(is(&t, "shop@10\xe2\x80\xa6"));
    text_clear(&t);
    assert_int_equal(text_cut(&t, "\xe6\x97\xa5\xe6\x9c\xac", 6, 3), 3);
    assert_true(is(&t, "\xe6\x97\xa5\xe2\x80\xa6"));
    text_clear(&t);
    assert_int_equal(text_cut(&t, "abc", 3, 0), 0);
    assert_int_equal(t.len, 0);
    (void)text_cut(&t, "a\033b\n\xe2\x80\xae", 7, 80); /* U+202E turns the text around */
    assert_true(is(&t, "a\xef\xbf\xbd"
                       "b\xef\xbf\xbd\xef\xbf\xbd"));
    text_clear(&t);
    text_json(&t, "a\"\\\n\xff", 5);
    assert_true(is(&t, "\"a\\\"\\\\\xef\xbf\xbd\xef\xbf\xbd\""));
    text_free(&t);
}

static struct heard any(struct prng *p, uint64_t boot)
{
    struct heard h = {.id = build_identity(boot, "a@h", 1), .shown = true, .loss = -1, .interval = SECOND_US};
    h.id.name = build_random_name(p);
    h.by = prng_chance(p, 30) ? build_random_name(p) : (struct name){0};
    h.state = (uint8_t)(HEARD_ONCE + prng_below(p, HEARD_TOLD));
    h.stalled = prng_chance(p, 10);
    h.isolated = prng_chance(p, 10);
    h.late = prng_chance(p, 10);
    h.heard_ago = (int64_t)prng_below(p, 1000000) * (int64_t)prng_below(p, 1000000);
    h.loss = (int)prng_below(p, 1002) - 1;
    h.id.flags = (uint8_t)prng_below(p, 16);
    h.from = prng_chance(p, 80) ? build_random_addr(p) : (struct addr){0};
    h.addr_count = (uint8_t)prng_below(p, PEER_ADDRS + 1);
    for (size_t i = 0; i < h.addr_count; i++) {
        h.addrs[i] = build_random_addr(p);
    }
    h.tags = build_random_tags(p);
    return h;
}

/* Every line fits, and the whole does; the cursor is never sent elsewhere by what is shown. */
static void holds_lines(const struct text *t, const struct style *style)
{
    size_t lines = 0;
    assert_false(t->failed);
    assert_true(t->len > 0 && t->data[t->len - 1] == '\n');
    for (size_t at = 0; at < t->len; lines++) {
        char plain[4096];
        size_t len = 0;
        for (; t->data[at] != '\n'; at++) {
            if (t->data[at] == '\033') { /* a colour, of this program */
                assert_true(style->colour);
                at += strcspn(t->data + at, "m");
                continue;
            }
            assert_true(len < sizeof plain);
            plain[len++] = t->data[at];
        }
        at++;
        assert_true(text_width(plain, len) <= style->width);
    }
    assert_true(style->height == 0 || lines <= style->height);
}

static void what_is_drawn_fits(void **state)
{
    (void)state;
    struct prng p = prng_from(11);
    struct text t = {0};
    struct arguments a;
    const struct interface interfaces[] = {{.name = "eth0", .index = 2}, {.name = "wlan0", .index = 3}};
    static struct heard rows[30];
    assert_int_equal(read_arguments(&a, "--cluster shop"), 0);
    for (int i = 0; i < 500; i++) {
        struct picture picture = {.count = prng_below(&p, COUNT(rows)),
                                  .rows = rows,
                                  .interfaces = interfaces,
                                  .interface_count = prng_below(&p, 3)};
        for (size_t r = 0; r < picture.count; r++) {
            rows[r] = any(&p, r + 1);
        }
        picture.summary = (struct listener_summary){.heard = prng_below(&p, 3),
                                                    .others = prng_below(&p, 2),
                                                    .foreign = prng_below(&p, 10),
                                                    .unlisted = prng_below(&p, 2)};
        struct view view = {
            .picture = &picture, .arguments = &a, .event_count = prng_below(&p, VIEW_EVENTS + 1)};
        for (size_t e = 0; e < view.event_count; e++) {
            view.events[e] = "12:00:00  \xe6\x97\xa5\xe6\x9c\xac@h has left";
        }
        view.help = prng_chance(&p, 50) ? "q ends, s sorts (by name)" : NULL;
        struct style style = {.width = 1 + prng_below(&p, 160),
                              .height = prng_chance(&p, 50) ? 9 + prng_below(&p, 60) : 0,
                              .colour = prng_chance(&p, 50)};
        text_clear(&t);
        view_lines(&t, &style, &view);
        holds_lines(&t, &style);
        text_clear(&t);
        view_json(&t, &view);
        assert_true(t.len > 0 && memchr(t.data, '\n', t.len) == t.data + t.len - 1);
    }
    text_free(&t);
}

static void the_most_important_columns_stay(void **state)
{
    (void)state;
    struct prng p = prng_from(1);
    struct text t = {0};
    struct cell cells[COLUMNS];
    struct heard h = any(&p, 1);
    struct picture none = {0};
    h.id.name = build_name("shop@h1");
    h.by = (struct name){0};
    h.state = HEARD_ALIVE;
    h.late = h.stalled = h.isolated = false;
    rows_cells(&none, &h, cells);
    table_draw(&t, &(struct style){.width = 16}, cells, 1);
    assert_true(is(&t, "NAME     STATE\nshop@h1  alive\n"));
    text_clear(&t);
    table_draw(&t, &(struct style){.width = 60}, cells, 1);
    text_add(&t, "", 1);
    assert_non_null(strstr(t.data, "HEARD"));
    assert_null(strstr(t.data, "EVERY"));
    text_free(&t);
}

static void events_are_told_in_words(void **state)
{
    (void)state;
    char text[EVENT_TEXT];
    struct listener_event e = {.type = LISTENER_DEAD, .name = build_name("b@h2"), .by = build_name("a@h1")};
    view_event(text, &e);
    assert_string_equal(text, "b@h2 is dead (a@h1 says so)");
    e.by.len = 0;
    for (e.type = LISTENER_FOUND; e.type <= LISTENER_PULSES; e.type++) {
        view_event(text, &e);
        assert_true(strncmp(text, "b@h2 ", 5) == 0 && strlen(text) > 10 && strchr(text, '(') == NULL);
    }
    assert_int_equal(rows_order("heard"), ORDER_HEARD);
    assert_int_equal(rows_order("x"), -1);
    assert_string_equal(rows_order_name(ORDER_LOSS), "loss");
}

/* The read end of a pipe as stdin, and its other end. */
static int pipe_as_stdin(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    (void)close(ends[0]);
    return ends[1];
}

static void stdin_is_waited_for_so_long_and_may_be_empty(void **state)
{
    (void)state;
    struct arguments a;
    struct keyring ring;
    struct piped_size size;
    int kept = dup(STDIN_FILENO), end = pipe_as_stdin();
    assert_int_equal(read_arguments(&a, "--cluster shop --kind key"), 0);
    a.secret_patience = 10 * MS_US;
    a.secret_optional = true;
    assert_int_equal(secret_input(&a, &ring, &size, &fault), -1);
    assert_non_null(strstr(fault.text, "has not come to its end in time"));
    a.pipe = true;
    assert_int_equal(secret_input(&a, &ring, &size, &fault), -1);
    a.pipe = false;
    (void)close(end);
    a.secret_patience = 60 * SECOND_US; /* its end is heard at once */
    assert_int_equal(secret_input(&a, &ring, &size, &fault), 0);
    assert_int_equal(ring.count, 0);
    a.secret_optional = false;
    assert_int_equal(secret_input(&a, &ring, &size, &fault), -1);
    end = pipe_as_stdin();
    a.secret_optional = true;
    assert_int_equal(write(end, "0123456789abcdefghijklmnopqrstuv", 32), 32);
    (void)close(end);
    assert_int_equal(secret_input(&a, &ring, &size, &fault), 0);
    holds_key(&ring, 0, SECRET_KEY, "0123456789abcdefghijklmnopqrstuv", 32);
    (void)dup2(kept, STDIN_FILENO);
    (void)close(kept);
}

static const char key_bytes[] = "0123456789abcdefghijklmnopqrstuv";

/* A process that writes a key to this file, which has to wait for its reader, and ends. */
static pid_t write_key_later(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        int fd = open(path, O_WRONLY);
        _exit(fd >= 0 && write(fd, key_bytes, KEY_BYTES) == KEY_BYTES ? 0 : 1);
    }
    return child;
}

static void a_file_that_does_not_end_is_waited_for_so_long(void **state)
{
    (void)state;
    struct arguments a;
    struct keyring ring;
    struct piped_size size;
    char dir[] = "/tmp/gossip-watch-test-XXXXXX", path[64], substitution[32];
    int ends[2], status = -1;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/fifo", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(read_arguments(&a, "--cluster shop --kind key"), 0);
    a.secret_file = path;
    /* Nobody writes to it; and somebody who goes on. */
    a.secret_patience = 10 * MS_US;
    assert_int_equal(secret_input(&a, &ring, &size, &fault), -1);
    assert_non_null(strstr(fault.text, "has not come to its end in time"));
    int held = open(path, O_RDWR);
    assert_true(held >= 0 && write(held, key_bytes, KEY_BYTES) == KEY_BYTES);
    assert_int_equal(secret_input(&a, &ring, &size, &fault), -1);
    assert_non_null(strstr(fault.text, "has not come to its end in time"));
    (void)close(held);
    /* Its end comes. */
    a.secret_patience = 60 * SECOND_US;
    pid_t writer = write_key_later(path);
    assert_true(writer > 0);
    assert_int_equal(secret_input(&a, &ring, &size, &fault), 0);
    holds_key(&ring, 0, SECRET_KEY, key_bytes, KEY_BYTES);
    assert_true(waitpid(writer, &status, 0) == writer && status == 0);
    /* As a shell hands over what a program says: <(...). */
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], key_bytes, KEY_BYTES), KEY_BYTES);
    (void)close(ends[1]);
    (void)snprintf(substitution, sizeof substitution, "/dev/fd/%d", ends[0]);
    a.secret_file = substitution;
    assert_int_equal(secret_input(&a, &ring, &size, &fault), 0);
    holds_key(&ring, 0, SECRET_KEY, key_bytes, KEY_BYTES);
    (void)close(ends[0]);
    /* It has more than any secret. */
    a.secret_file = "/dev/zero";
    assert_int_equal(secret_input(&a, &ring, &size, &fault), -1);
    assert_non_null(strstr(fault.text, "the secret must be"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void a_person_may_take_as_long_as_it_takes(void **state)
{
    (void)state;
    struct arguments a;
    assert_int_equal(read_arguments(&a, ""), 0);
    assert_true(a.secret_patience == 0 && !a.secret_optional);
    assert_int_equal(read_arguments(&a, "--pipe"), 0);
    assert_int_equal(a.secret_patience, 0);
    assert_int_equal(read_arguments(&a, "--secret-file /x"), 0);
    assert_true(a.secret_patience == 10 * SECOND_US && !a.secret_optional);
}

int main(void)
{
    assert_int_equal(seal_init(), 0);
    text_locale();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_may_be_asked_for_what_the_options_say),
        cmocka_unit_test(it_may_be_asked_for_nothing_else),
        cmocka_unit_test(a_secret_is_what_a_file_of_it_holds),
        cmocka_unit_test(stdin_is_waited_for_so_long_and_may_be_empty),
        cmocka_unit_test(a_file_that_does_not_end_is_waited_for_so_long),
        cmocka_unit_test(a_person_may_take_as_long_as_it_takes),
        cmocka_unit_test(a_wrong_secret_is_not_shown),
        cmocka_unit_test(a_pipe_has_secrets_a_size_and_an_end),
        cmocka_unit_test(keys_are_told_from_what_a_terminal_says),
        cmocka_unit_test(a_text_takes_the_columns_that_a_terminal_gives_it),
        cmocka_unit_test(what_is_drawn_fits),
        cmocka_unit_test(the_most_important_columns_stay),
        cmocka_unit_test(events_are_told_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
