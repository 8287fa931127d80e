/* UTF-8 (RFC 3629), for names and lines that come from elsewhere. */
#ifndef GOSSIP_UTF8_H
#define GOSSIP_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed character that `text` begins with, of which `left` bytes exist: 1 to 4; 0 if there
 * is none (cut short, overlong, a surrogate, beyond U+10FFFF, or `left` is 0). Control characters are
 * well-formed. */
size_t utf8_length(const void *text, size_t left);

#endif
