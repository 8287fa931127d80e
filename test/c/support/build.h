/* Builders of the plain values that tests are made of. Nothing here owns memory. */
#ifndef TEST_SUPPORT_BUILD_H
#define TEST_SUPPORT_BUILD_H

#include "message/wire.h"
#include "prng.h"

/* A name, which must be a valid one. */
struct name build_name(const char *text);

struct identity build_identity(uint64_t boot, const char *name, uint32_t creation);

/* 10.0.0.`host`, interface 2. */
struct addr build_addr(uint8_t host, uint16_t port);

/* A ring of the keys that consist of each byte of `bytes`, under the label "test". */
struct keyring build_ring(const char *bytes);

/* Any valid name, of one to four bytes a character, from 3 to NAME_MAX_LEN bytes. */
struct name build_random_name(struct prng *p);

/* A few pairs, or none; their number is not 0. */
struct tags build_random_tags(struct prng *p);

/* These pairs, "key=value key=value ...", in the order in which they must be. */
struct tags build_tags(uint32_t number, const char *pairs);

struct addr build_random_addr(struct prng *p);

struct wire_entry build_random_entry(struct prng *p);

/* A message of this type with any of the optional fields, as many of each as still fit into a datagram. */
void build_random_message(struct prng *p, struct wire_message *m, uint8_t type);

/* Whether two messages say the same. */
bool build_same_message(const struct wire_message *a, const struct wire_message *b);

/* Whether two entries say the same; the interface of an address is not said. */
bool build_same_entry(const struct wire_entry *a, const struct wire_entry *b);

#endif
