#include "corpus.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#define LARGEST 65536

size_t corpus_each(const char *target, corpus_visit *visit, void *context)
{
    static uint8_t whole[LARGEST];
    char path[600];
    size_t files = 0;
    (void)snprintf(path, sizeof path, "%s/corpus/%s", GOSSIP_TEST_DIR, target);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(path, sizeof path, "%s/corpus/%s/%.255s", GOSSIP_TEST_DIR, target, entry->d_name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t len = fread(whole, 1, sizeof whole, file);
        assert_int_equal(fclose(file), 0);
        assert_true(len < sizeof whole);
        uint8_t *data = malloc(len > 0 ? len : 1);
        assert_non_null(data);
        memcpy(data, whole, len);
        visit(context, data, len);
        free(data);
        files++;
    }
    assert_int_equal(closedir(dir), 0);
    return files;
}
