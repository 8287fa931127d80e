/* JSON, one member after the other, into a text: the commas come by themselves. */
#ifndef GOSSIP_JSON_H
#define GOSSIP_JSON_H

#include "text.h"

#include <stdint.h>

/* Begins a member of the object that is open; its value is to follow. */
void json_key(struct text *out, const char *name);

/* Whole members. `bytes` NULL: null. */
void json_string(struct text *out, const char *name, const char *bytes, size_t len);
void json_number(struct text *out, const char *name, uint64_t value);
void json_boolean(struct text *out, const char *name, bool value);

/* Opens an object in the array that is open; "}" closes it. */
void json_item(struct text *out);

#endif
