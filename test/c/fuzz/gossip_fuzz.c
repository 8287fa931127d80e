/* Stories of two members and some holders of the key: see support/script.h. */
#include "script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    script_run(data, size);
    return 0;
}
