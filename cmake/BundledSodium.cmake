# Sodium::Sodium from libsodium's own sources, where the system has no libsodium:
#
#   -DGOSSIP_SODIUM_SOURCE=PATH    libsodium-VERSION.tar.gz, or the folder that it unpacks to
#   -DGOSSIP_SODIUM_SHA256=HEX     only for what cmake/libsodium.sums does not list: its digest, which you vouch for
#
# Nothing is downloaded, patched or configured by scripts of libsodium's. Of the sources only the files that gossipd's
# primitives come from are taken, copied into the build tree, and compiled as portable C: no assembler, no SIMD. A
# tarball is held to its SHA-256 before anything in it is read; a folder to the SHA-256 of the list of those files and
# theirs (`sha256  path` a line, sorted by path), taken of the copy that is then compiled.

# What primitives.c needs, and what sodium_init() names besides: it chooses implementations for all of libsodium.
set(sodium_folders
  crypto_aead/aegis128l crypto_aead/aegis256 crypto_aead/xchacha20poly1305
  crypto_core/ed25519/ref10 crypto_core/hchacha20 crypto_core/salsa crypto_core/softaes
  crypto_generichash crypto_hash/sha256 crypto_onetimeauth/poly1305 crypto_pwhash/argon2 crypto_scalarmult/curve25519
  crypto_shorthash crypto_stream/chacha20 crypto_stream/salsa20 crypto_verify randombytes sodium)

set(sodium_dir "${CMAKE_CURRENT_BINARY_DIR}/libsodium")
get_filename_component(sodium_source "${GOSSIP_SODIUM_SOURCE}" ABSOLUTE)

# sodium_version(KIND DIGEST): sets SODIUM_VERSION, or ends with what was expected.
function(sodium_version kind digest)
  file(STRINGS "${CMAKE_CURRENT_SOURCE_DIR}/cmake/libsodium.sums" lines REGEX "^[0-9a-f]+  ${kind} ")
  foreach(line ${lines})
    if(line MATCHES "^${digest}  ${kind} ([^ ]+)")
      set(SODIUM_VERSION "${CMAKE_MATCH_1}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  string(TOLOWER "${GOSSIP_SODIUM_SHA256}" vouched)
  if(vouched STREQUAL digest)
    set(SODIUM_VERSION "of your own" PARENT_SCOPE)
    return()
  endif()
  string(REGEX REPLACE "[0-9a-f]+  ${kind} " "" known "${lines}")
  string(REPLACE ";" ", " known "${known}")
  set(wanted "one of those in cmake/libsodium.sums (libsodium ${known})")
  if(GOSSIP_SODIUM_SHA256)
    set(wanted "GOSSIP_SODIUM_SHA256, ${GOSSIP_SODIUM_SHA256}")
  endif()
  message(FATAL_ERROR "GOSSIP_SODIUM_SOURCE is refused: the SHA-256 of the ${kind} ${sodium_source} is ${digest}, and "
    "must be ${wanted}.")
endfunction()

# Whatever an earlier run has left is not what is checked now.
file(REMOVE_RECURSE "${sodium_dir}")
if(IS_DIRECTORY "${sodium_source}")
  set(sodium_root "${sodium_source}")
elseif(EXISTS "${sodium_source}")
  file(SHA256 "${sodium_source}" digest)
  sodium_version(tarball "${digest}")
  file(MAKE_DIRECTORY "${sodium_dir}/unpacked")
  execute_process(COMMAND ${CMAKE_COMMAND} -E tar xf "${sodium_source}" WORKING_DIRECTORY "${sodium_dir}/unpacked"
    RESULT_VARIABLE status ERROR_VARIABLE said)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "GOSSIP_SODIUM_SOURCE cannot be unpacked: ${sodium_source}: ${said}")
  endif()
  file(GLOB sodium_root LIST_DIRECTORIES true "${sodium_dir}/unpacked/*")
else()
  message(FATAL_ERROR "GOSSIP_SODIUM_SOURCE does not exist: ${sodium_source}")
endif()
if(NOT EXISTS "${sodium_root}/src/libsodium/sodium/core.c")
  message(FATAL_ERROR "GOSSIP_SODIUM_SOURCE holds no sources of libsodium (src/libsodium/sodium/core.c): ${sodium_source}")
endif()

foreach(folder ${sodium_folders} include)
  if(IS_DIRECTORY "${sodium_root}/src/libsodium/${folder}")
    get_filename_component(parent "${sodium_dir}/src/${folder}" DIRECTORY)
    file(COPY "${sodium_root}/src/libsodium/${folder}" DESTINATION "${parent}"
      FILES_MATCHING PATTERN "*.c" PATTERN "*.h" PATTERN "version.h.in")
  endif()
endforeach()
# It tells the version, to nobody here; and a folder that was configured has version.h of its own.
file(REMOVE "${sodium_dir}/src/sodium/version.c" "${sodium_dir}/src/include/sodium/version.h")

if(IS_DIRECTORY "${sodium_source}")
  file(GLOB_RECURSE files RELATIVE "${sodium_dir}/src" "${sodium_dir}/src/*")
  list(SORT files)
  set(list)
  foreach(file ${files})
    file(SHA256 "${sodium_dir}/src/${file}" digest)
    string(APPEND list "${digest}  ${file}\n")
  endforeach()
  string(SHA256 digest "${list}")
  sodium_version(folder "${digest}")
endif()

# As configure would: the version, and what this system has.
set(VERSION "${SODIUM_VERSION}")
set(SODIUM_LIBRARY_VERSION_MAJOR 0)
set(SODIUM_LIBRARY_VERSION_MINOR 0)
set(SODIUM_LIBRARY_MINIMAL_DEF)
configure_file("${sodium_dir}/src/include/sodium/version.h.in" "${sodium_dir}/src/include/sodium/version.h" @ONLY)

include(CheckCSourceCompiles)
include(CheckSymbolExists)
include(TestBigEndian)
set(sodium_definitions CONFIGURED=1 _GNU_SOURCE)
if(APPLE)
  list(APPEND sodium_definitions _DARWIN_C_SOURCE __STDC_WANT_LIB_EXT1__=1)
endif()
function(sodium_has symbol header)
  string(TOUPPER "HAVE_${symbol}" macro)
  set(CMAKE_REQUIRED_DEFINITIONS ${sodium_definitions})
  list(TRANSFORM CMAKE_REQUIRED_DEFINITIONS PREPEND "-D")
  set(CMAKE_REQUIRED_QUIET ON)
  check_symbol_exists(${symbol} "${header}" SODIUM_${macro})
  if(SODIUM_${macro})
    set(sodium_definitions ${sodium_definitions} ${macro}=1 PARENT_SCOPE)
  endif()
endfunction()
sodium_has(mlock sys/mman.h)
sodium_has(mmap sys/mman.h)
sodium_has(mprotect sys/mman.h)
sodium_has(madvise sys/mman.h)
sodium_has(posix_memalign stdlib.h)
sodium_has(getpid unistd.h)
sodium_has(sysconf unistd.h)
sodium_has(nanosleep time.h)
sodium_has(raise signal.h)
sodium_has(explicit_bzero string.h)
sodium_has(memset_s string.h)
sodium_has(getrandom sys/random.h)
sodium_has(getentropy "unistd.h;sys/random.h")
if(SODIUM_HAVE_MMAP)
  list(APPEND sodium_definitions HAVE_SYS_MMAN_H=1)
endif()
if(SODIUM_HAVE_GETRANDOM OR SODIUM_HAVE_GETENTROPY)
  list(APPEND sodium_definitions HAVE_SYS_RANDOM_H=1)
endif()
test_big_endian(sodium_big_endian)
list(APPEND sodium_definitions $<IF:$<BOOL:${sodium_big_endian}>,NATIVE_BIG_ENDIAN,NATIVE_LITTLE_ENDIAN>=1)
set(CMAKE_REQUIRED_QUIET ON)
check_c_source_compiles("typedef unsigned wide __attribute__((mode(TI))); int main(void) { return (int)(wide)0; }"
  SODIUM_HAVE_TI_MODE)
if(SODIUM_HAVE_TI_MODE)
  list(APPEND sodium_definitions HAVE_TI_MODE=1)
endif()
# How a wipe is kept from the optimiser where the system has no function for it.
check_c_source_compiles("__attribute__((weak)) void f(void *p) { (void)p; } int main(void) { f(0); return 0; }"
  SODIUM_HAVE_WEAK_SYMBOLS)
if(SODIUM_HAVE_WEAK_SYMBOLS)
  list(APPEND sodium_definitions HAVE_WEAK_SYMBOLS=1)
endif()
check_c_source_compiles("int main(void) { static volatile int lock; __sync_lock_test_and_set(&lock, 1);
  __sync_lock_release(&lock); return lock; }" SODIUM_HAVE_ATOMIC_OPS)
if(SODIUM_HAVE_ATOMIC_OPS)
  list(APPEND sodium_definitions HAVE_ATOMIC_OPS=1)
endif()
unset(CMAKE_REQUIRED_QUIET)

find_package(Threads REQUIRED)
file(GLOB_RECURSE sodium_sources "${sodium_dir}/src/*.c")
add_library(gossip_sodium STATIC ${sodium_sources})
target_include_directories(gossip_sodium SYSTEM INTERFACE "${sodium_dir}/src/include")
target_include_directories(gossip_sodium PRIVATE "${sodium_dir}/src/include" "${sodium_dir}/src/include/sodium")
target_compile_definitions(gossip_sodium INTERFACE SODIUM_STATIC=1
  PRIVATE ${sodium_definitions} HAVE_PTHREAD=1 SODIUM_STATIC=1)
# Its warnings are not ours to mend. Always optimised, since Argon2id is asked for time; and never under sanitizers, as
# no system's libsodium is.
target_compile_options(gossip_sodium PRIVATE -w -fvisibility=hidden -O2 -fstack-protector-strong)
set_target_properties(gossip_sodium PROPERTIES C_EXTENSIONS ON EXPORT_COMPILE_COMMANDS OFF)
target_link_libraries(gossip_sodium PUBLIC Threads::Threads)
add_library(Sodium::Sodium ALIAS gossip_sodium)
set(Sodium_FOUND TRUE)
message(STATUS "libsodium ${SODIUM_VERSION} is built from ${sodium_source}")
