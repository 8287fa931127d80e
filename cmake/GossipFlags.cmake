# gossip_flags: how every file of this project is compiled. Linked PRIVATE, so that none of it leaks to a user.
add_library(gossip_flags INTERFACE)

target_compile_options(gossip_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Wcast-qual -Wstrict-prototypes
  $<$<BOOL:${GOSSIP_WERROR}>:-Werror>)

if(GOSSIP_SANITIZE)
  set(GOSSIP_SANITIZERS -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(gossip_flags INTERFACE ${GOSSIP_SANITIZERS})
  target_link_options(gossip_flags INTERFACE ${GOSSIP_SANITIZERS})
else()
  # Hardening, each where the compiler has it:
  #   a smashed stack is seen, and none is jumped over to what lies behind it;
  #   jumps and returns go where a program's may (CET; on arm64 PAC and BTI), where processor and system look after that;
  #   a variable that nobody has set is zero, and not what was on the stack before. With this gcc clears the padding of
  #   variables that somebody has set, too; and behind an array of structures it clears the array's beginning in place
  #   of the padding (gcc 12, on every processor): of a key ring 7 bytes of its first key. So it is taken where the
  #   compiler does that right, which the linker tells: what a right one knows to be never called does not exist.
  include(CheckCCompilerFlag)
  include(CheckCSourceCompiles)
  foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard
      -ftrivial-auto-var-init=zero)
    string(MAKE_C_IDENTIFIER "GOSSIP_HAS${flag}" has)
    set(CMAKE_REQUIRED_FLAGS -Werror) # clang warns of what it ignores
    check_c_compiler_flag(${flag} ${has})
    unset(CMAKE_REQUIRED_FLAGS)
    if(${has} AND flag MATCHES "auto-var-init")
      set(CMAKE_REQUIRED_FLAGS "-Werror -O2 ${flag}")
      file(READ "${CMAKE_CURRENT_LIST_DIR}/clears_padding.c" clears_padding)
      check_c_source_compiles("${clears_padding}" GOSSIP_CLEARS_PADDING_ALONE)
      unset(CMAKE_REQUIRED_FLAGS)
      if(NOT GOSSIP_CLEARS_PADDING_ALONE)
        continue()
      endif()
    endif()
    if(${has})
      target_compile_options(gossip_flags INTERFACE ${flag})
    endif()
  endforeach()
  # FORTIFY needs optimisation; a toolchain that sets its own level (or none) is left alone. Of level 3 compiler and C
  # library must both know.
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT "${CMAKE_C_FLAGS} $ENV{CPPFLAGS}" MATCHES "_FORTIFY_SOURCE")
    set(CMAKE_REQUIRED_FLAGS "-Werror -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
    check_c_source_compiles("
      #include <string.h>
      #if defined(__GLIBC__) && __USE_FORTIFY_LEVEL < 3
      #error unknown to the C library
      #endif
      int main(void) { return (int)strlen(\"\"); }" GOSSIP_FORTIFY_3)
    unset(CMAKE_REQUIRED_FLAGS)
    target_compile_options(gossip_flags INTERFACE -U_FORTIFY_SOURCE
      -D_FORTIFY_SOURCE=$<IF:$<BOOL:${GOSSIP_FORTIFY_3}>,3,2>)
  endif()
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    target_link_options(gossip_flags INTERFACE LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
  endif()
endif()

if(GOSSIP_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "GOSSIP_FUZZ needs clang (libFuzzer); this is ${CMAKE_C_COMPILER_ID}. Try CC=clang.")
  endif()
  # Which edges are taken guides the fuzzers, not what is compared: that costs a quarter of the time. Where they have
  # been in the tests' own code (GOSSIP_UNGUIDED) tells them nothing, and costs as much again.
  # Another engine (test/c/fuzz/engines) has flags of its own for that, in CFLAGS or in its compiler.
  set(guided "$<NOT:$<BOOL:$<TARGET_PROPERTY:GOSSIP_UNGUIDED>>>")
  if(NOT GOSSIP_FUZZ_ENGINE)
    target_compile_options(gossip_flags INTERFACE
      "$<${guided}:-fsanitize-coverage=inline-8bit-counters,pc-table>")
    target_link_options(gossip_flags INTERFACE -fsanitize=fuzzer-no-link)
  endif()
  target_compile_definitions(gossip_flags INTERFACE PENDING_MAX=12) # a story can fill it; and it is cleared so often
endif()

# -std=c11 hides everything beyond ISO C. io and the program ask for the system's interfaces here; core gets none.
set(GOSSIP_SYSTEM_DEFINITIONS
  $<$<PLATFORM_ID:Linux>:_GNU_SOURCE>
  $<$<PLATFORM_ID:Darwin>:_DARWIN_C_SOURCE>
  $<$<PLATFORM_ID:Darwin>:__APPLE_USE_RFC_3542>)
