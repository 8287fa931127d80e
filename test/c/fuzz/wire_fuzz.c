/* Whatever decodes can be written again, in no more bytes, and then decodes alike; and is then written alike.
 */
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "mutator.h"
#include "require.h"
#include "wire_mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    return mutator_run(data, size, most, seed, 0, wire_mutate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wire_message first, second;
    if (wire_decode(&first, data, size) != 0) {
        return 0;
    }
    uint8_t *once = malloc(size);
    uint8_t *twice = malloc(size);
    require(once != NULL && twice != NULL);
    size_t len = wire_encode(&first, once, size);
    require(len >= WIRE_FIXED);
    require(wire_decode(&second, once, len) == 0);
    require(build_same_message(&first, &second));
    require(wire_encode(&second, twice, len) == len);
    require(memcmp(once, twice, len) == 0);
    free(once);
    free(twice);
    return 0;
}
