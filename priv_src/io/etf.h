/* The external term format, as far as our contract uses it. ei's decoders take no length, so a frame passes
 * etf_check first; after that they cannot run past its end. */
#ifndef GOSSIP_ETF_H
#define GOSSIP_ETF_H

#include <stddef.h>
#include <stdint.h>

#define ETF_DEPTH     8    /* our deepest term, the configuration, has 4 levels */
#define ETF_ATOM_MAX  1020 /* bytes: 255 characters of UTF-8 */
#define ETF_BIG_BYTES 8    /* no integer of the contract needs more */
#define ETF_TEXT      96   /* room for any text that etf_text makes, its NUL included */

/* The tags, as the external term format's documentation numbers them. */
enum {
    ETF_VERSION = 131,
    ETF_FLOAT = 70,
    ETF_SMALL_INTEGER = 97,
    ETF_INTEGER = 98,
    ETF_ATOM = 100, /* OTP 25 writes this one, later releases ETF_SMALL_ATOM_UTF8 */
    ETF_SMALL_TUPLE = 104,
    ETF_NIL = 106,
    ETF_STRING = 107,
    ETF_LIST = 108,
    ETF_BINARY = 109,
    ETF_SMALL_BIG = 110,
    ETF_SMALL_ATOM = 115,
    ETF_MAP = 116,
    ETF_ATOM_UTF8 = 118,
    ETF_SMALL_ATOM_UTF8 = 119,
};

/* Is this the version byte and exactly one term, made only of integers of up to 64 bits, floats, atoms,
 * binaries, proper lists, strings (lists of small integers), tuples of up to 255 elements, and maps? 0, or
 * -1. Any bytes are allowed. */
int etf_check(const uint8_t *data, size_t len);

/* A term in a few words for a person, such as 42, "text" or a list of 3. `at` is the offset of a term in a
 * frame that etf_check has accepted. Never use it on a secret. Returns `out`. */
const char *etf_text(const uint8_t *data, size_t len, size_t at, char out[static ETF_TEXT]);

#endif
