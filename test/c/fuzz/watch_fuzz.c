/* What `gossipd watch` is given by a person or a parent, by the first byte: arguments, each ended by a NUL,
 * and the node that the doctor is asked about; lines of the pipe; the file of a key; or keys, and what a
 * terminal says. Whatever it is, the outcome is whole, or a fault with a text that shows no secret. */
#include <string.h>

#include "arguments.h"
#include "keys.h"
#include "require.h"
#include "seal.h"
#include "secret_input.h"
#include "target.h"

#define ARGUMENTS 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arguments asked;
static struct fault fault;

static int ends(int result)
{
    require(memchr(fault.text, '\0', sizeof fault.text) != NULL);
    require(result >= 0 || (fault.kind != FAULT_NONE && fault.text[0] != '\0'));
    return result;
}

static uint8_t who;

static void read_arguments(const uint8_t *data, size_t size)
{
    static char words[2048];
    char *argv[ARGUMENTS];
    int argc = 0;
    size = size < sizeof words ? size : sizeof words - 1;
    memcpy(words, data, size);
    words[size] = '\0';
    for (size_t at = 0; at < size && argc < ARGUMENTS; at += strlen(words + at) + 1) {
        argv[argc++] = words + at;
    }
    if (ends(arguments_read(&asked, who, argc, argv, &fault)) != 0) {
        return;
    }
    const struct addr *group = &asked.udp.group, *group6 = &asked.udp.group6;
    require(group->family == ADDR_IPV4 && group->ip[0] >= 224 && group->ip[0] <= 239 && group->port != 0);
    require(group6->family == ADDR_NONE || (group6->family == ADDR_IPV6 && group6->ip[0] == 0xff));
    require(who != ASKS_DOCTOR || group->port <= UINT16_MAX - UNICAST_PORTS);
    struct target t;
    if (asked.peer != NULL && target_read(&t, asked.peer) == 0) {
        struct name valid;
        require(t.host[0] != '\0' && memchr(t.host, '\0', sizeof t.host) != NULL);
        require(t.name.len == 0 || name_set(&valid, t.name.text, t.name.len) == 0);
    }
    require(asked.kind != 0 && asked.order < ORDERS && strlen(asked.label) <= LABEL_MAX);
    require(asked.listen_us >= 0 && asked.listen_us <= 86400 * SECOND_US);
    require(asked.filter.count <= FILTER_ITEMS && asked.filter.mode >= FILTER_ALL &&
            asked.filter.mode <= FILTER_EXCEPT);
    for (size_t i = 0; i < asked.filter.count; i++) {
        require(memchr(asked.filter.items[i], '\0', FILTER_TEXT) != NULL && asked.filter.items[i][0] != '\0');
    }
}

/* Each line from memory of just its length. A cookie and a passphrase take Argon2's time once they are known
 * to be right: they find a ring that is full. */
static void read_lines(const uint8_t *data, size_t size)
{
    struct keyring ring = {0};
    struct piped_size piped = {0};
    int result = 0;
    for (size_t at = 0; at < size && result == 0;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t len = end != NULL ? (size_t)(end - data) - at : size - at;
        bool is_key = len >= 3 && memcmp(data + at, "key", 3) == 0;
        uint8_t count = ring.count;
        char *line = malloc(len > 0 ? len : 1);
        require(line != NULL);
        memcpy(line, data + at, len);
        ring.count = is_key || len == 0 ? count : KEYRING_MAX;
        fault = (struct fault){0};
        result = ends(secret_line(&ring, &asked, &piped, line, len, &fault));
        require(ring.count <= KEYRING_MAX && piped.columns <= 9999 && piped.rows <= 9999);
        ring.count = is_key ? ring.count : count;
        require(result != 1 || ring.count > 0);
        free(line);
        at += len + 1;
    }
}

static void read_key(const uint8_t *data, size_t size)
{
    static struct fault wrong;
    struct keyring ring = {0};
    if (wrong.kind == FAULT_NONE) {
        require(secret_add(&ring, &asked, SECRET_KEY, data, 0, &wrong) != 0);
    }
    int result = ends(secret_add(&ring, &asked, SECRET_KEY, data, size, &fault));
    require(ring.count == (result == 0));
    require(result == 0 || strcmp(fault.text, wrong.text) == 0); /* so nothing of the secret is in it */
}

static void read_keys(const uint8_t *data, size_t size)
{
    struct keys k = {0};
    for (size_t i = 0; i < size; i++) {
        int press = keys_take(&k, data[i]);
        require(press >= KEY_NONE && press <= KEY_SIZE && k.rows <= 9999 && k.columns <= 9999);
        require(k.step <= 2 && k.number <= KEYS_NUMBERS);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const uint8_t *, size_t) = {read_arguments, read_lines, read_key,
                                                               read_keys};
    static bool ready;
    if (!ready) {
        require(seal_init() == 0);
        ready = true;
    }
    if (size < 1) {
        return 0;
    }
    fault = (struct fault){0};
    require(arguments_read(&asked, ASKS_WATCH, 0, NULL, &fault) == 0);
    who = (data[0] & 0x80) != 0 ? ASKS_DOCTOR : ASKS_WATCH;
    readers[data[0] % 4](data + 1, size - 1);
    return 0;
}
