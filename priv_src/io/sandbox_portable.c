/* Other systems have other walls; none is used yet. */
#include "sandbox.h"

#include <stdio.h>

unsigned sandbox_raise(const struct sandbox_options *options, char missing[static SANDBOX_TEXT])
{
    (void)options;
    (void)snprintf(missing, SANDBOX_TEXT, "there is none on this system");
    return 0;
}
