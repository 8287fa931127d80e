/* Any bytes, such as a name or a tag of another member, as a terminal and as programs are shown them: they
 * take the columns that were counted, and no more than there are, the second time what the first has made of
 * them, and never end a line, a string of JSON, or what the terminal was doing. */
#include <string.h>

#include "json.h"
#include "require.h"
#include "table.h"
#include "text.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_seen(const char *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t n = utf8_length(bytes + at, len - at);
        require(n > 0 && !utf8_is_unseen(utf8_code(bytes + at, n)));
        at += n;
    }
}

static void look_json(const struct text *t)
{
    require(t->len >= 2 && t->data[0] == '"' && t->data[t->len - 1] == '"');
    for (size_t at = 1; at < t->len - 1; at++) {
        require(t->data[at] != '"');
        if (t->data[at] == '\\') {
            at++;
            require(at < t->len - 1 && (t->data[at] == '"' || t->data[at] == '\\'));
        }
    }
    look_seen(t->data, t->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct text t, again; /* kept: what a listener draws is cleared, and not freed */
    static bool ready;
    if (!ready) {
        text_locale();
        ready = true;
    }
    if (size < 1) {
        return 0;
    }
    const char *bytes = (const char *)data + 1;
    size_t columns = data[0], len = size - 1, width = text_width(bytes, len);
    require(width <= 2 * len);

    text_clear(&t);
    text_clear(&again);
    size_t taken = text_cut(&t, bytes, len, columns);
    require(!t.failed && taken <= columns && (width > columns || taken == width));
    require(text_width(t.data, t.len) == taken);
    look_seen(t.data, t.len);
    require(text_cut(&again, t.data, t.len, columns) == taken);
    require(again.len == t.len && (t.len == 0 || memcmp(again.data, t.data, t.len) == 0));

    text_clear(&again);
    table_line(&again, &(struct style){.width = columns > 0 ? columns : 1}, CELL_PLAIN, bytes, len);
    require(columns == 0 || again.len == t.len);

    text_clear(&t);
    text_json(&t, bytes, len);
    look_json(&t);
    text_clear(&again);
    text_add(&again, "{", 1);
    json_string(&again, "k", bytes, len);
    require(again.len == t.len + 5 && memcmp(again.data + 5, t.data, t.len) == 0);
    return 0;
}
