#!/bin/bash -eu
# Run by OSS-Fuzz in the image of Dockerfile. It says how: CC and CFLAGS, LIB_FUZZING_ENGINE, and by SRC, WORK and OUT
# where things are. The parsers alone: neither libcrypto nor libseccomp is where the fuzzers run.
cd "$SRC/gossip_cluster"
export CFLAGS="$CFLAGS -U_FORTIFY_SOURCE"
cmake -S . -B "$WORK/build" -DGOSSIP_TESTS=ON -DGOSSIP_FUZZ=ON "-DGOSSIP_FUZZ_ENGINE=$LIB_FUZZING_ENGINE" \
    -DGOSSIP_LIBCRYPTO=OFF -DGOSSIP_SECCOMP=OFF -DCMAKE_BUILD_TYPE=Debug \
    '-DCMAKE_BUILD_RPATH=$ORIGIN/lib' -DCMAKE_SKIP_RPATH=OFF
cmake --build "$WORK/build" --parallel "$(nproc)"

mkdir -p "$OUT/lib"
for source in test/c/fuzz/*_fuzz.c; do
    fuzzer=$(basename "$source" .c)
    cp "$WORK/build/$fuzzer" "$OUT/"
    (cd "test/c/corpus/${fuzzer%_fuzz}" && zip -q -r "$OUT/${fuzzer}_seed_corpus.zip" .)
    # What the tests' support is linked with, as the machine that runs the fuzzers may have none.
    ldd "$OUT/$fuzzer" | sed -n 's/.*=> \(.*libcmocka[^ ]*\) .*/\1/p' | xargs -r cp -n -t "$OUT/lib"
done
