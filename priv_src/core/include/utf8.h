/* UTF-8 (RFC 3629), for names and lines that come from elsewhere. */
#ifndef GOSSIP_UTF8_H
#define GOSSIP_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed character that `text` begins with, of which `left` bytes exist: 1 to 4; 0 if there
 * is none (cut short, overlong, a surrogate, beyond U+10FFFF, or `left` is 0). Control characters are
 * well-formed. */
size_t utf8_length(const void *text, size_t left);

/* The code point of a well-formed character of so many bytes. */
uint32_t utf8_code(const void *text, size_t len);

/* Whether it controls a terminal or deceives the eye: Unicode's Cc, Cf, Zl and Zp, as of version 15. */
bool utf8_is_unseen(uint32_t code);

/* Whether it is a space of any width: Zs. */
bool utf8_is_space(uint32_t code);

#endif
