/* Stories of two or three members and some holders of the key: see support/script.h. */
#include "mutator.h"
#include "script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/* What a story has freed is kept until it ends, and longer; but a story must not touch new memory each time.
 */
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=16:allocator_release_to_os_interval_ms=-1:use_madv_dontdump=0:malloc_context_"
           "size=8";
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    return mutator_run(data, size, most, seed, 0, script_mutate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    script_run(data, size);
    return 0;
}
