#include "json.h"

static bool ends(const struct text *out, char with)
{
    return out->len > 0 && out->data[out->len - 1] == with;
}

void json_key(struct text *out, const char *name)
{
    text_print(out, "%s\"%s\":", ends(out, '{') ? "" : ",", name);
}

void json_string(struct text *out, const char *name, const char *bytes, size_t len)
{
    json_key(out, name);
    if (bytes != NULL) {
        text_json(out, bytes, len);
    } else {
        text_print(out, "null");
    }
}

void json_number(struct text *out, const char *name, uint64_t value)
{
    json_key(out, name);
    text_print(out, "%llu", (unsigned long long)value);
}

void json_boolean(struct text *out, const char *name, bool value)
{
    json_key(out, name);
    text_print(out, "%s", value ? "true" : "false");
}

void json_item(struct text *out)
{
    text_print(out, "%s{", ends(out, '[') ? "" : ",");
}
