#include "target.h"

#include "decimal.h"

#include <string.h>

/* Takes ":PORT" from the end of the text, where it stands there; its length without that, or 0: it is wrong.
 */
static size_t take_port(struct target *t, const char *host, size_t len)
{
    uint32_t port = 0;
    const char *colon = memchr(host, ':', len);
    if (colon == NULL || memchr(colon + 1, ':', len - (size_t)(colon + 1 - host)) != NULL) {
        return len; /* no port, or an IPv6 address */
    }
    if (decimal_parse(colon + 1, len - (size_t)(colon + 1 - host), 1, UINT16_MAX, &port) != 0) {
        return 0;
    }
    t->port = (uint16_t)port;
    return (size_t)(colon - host);
}

/* The host between brackets, or as it stands: where it begins and its length; 0: it is wrong. */
static size_t take_host(struct target *t, const char **host)
{
    size_t len = strlen(*host);
    if (**host != '[') {
        return take_port(t, *host, len);
    }
    const char *end = strchr(*host, ']');
    uint32_t port = 0;
    if (end == NULL || (end[1] != '\0' && (end[1] != ':' || decimal_parse(end + 2, strlen(end + 2), 1,
                                                                          UINT16_MAX, &port) != 0))) {
        return 0;
    }
    t->port = (uint16_t)port;
    (*host)++;
    return memchr(*host, ':', (size_t)(end - *host)) != NULL ? (size_t)(end - *host) : 0;
}

int target_read(struct target *t, const char *text)
{
    char whole[NAME_MAX_LEN + 1] = "x@"; /* what a name may not have a host may not have either */
    struct name valid;
    *t = (struct target){0};
    const char *at = strrchr(text, '@'), *host = at != NULL ? at + 1 : text;
    size_t before = at != NULL ? (size_t)(host - text) : 2, len = take_host(t, &host);
    if (len == 0 || host[0] == '-' || before + len >= sizeof whole) {
        return -1;
    }
    if (at != NULL) {
        memcpy(whole, text, before);
    }
    memcpy(whole + before, host, len);
    memcpy(t->host, host, len);
    t->host[len] = '\0';
    if (name_set(&valid, whole, before + len) != 0) {
        return -1;
    }
    t->name = at != NULL ? valid : t->name;
    return 0;
}
