/* A network namespace of the test's own, so that its links are not this machine's. */
#ifndef TEST_SUPPORT_NAMESPACE_H
#define TEST_SUPPORT_NAMESPACE_H

#include <stdbool.h>

/* Enters one, where that can be had; else says so. Whether it did. */
bool namespace_enter(void);

/* Runs a shell's command, which must succeed. */
void namespace_run(const char *command);

#endif
