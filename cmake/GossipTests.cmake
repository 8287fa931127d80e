# The C tests.
#   test/c/*_test.c        each an own cmocka executable, linked with core, io and the parts of gossipd
#   test/c/fuzz/*_fuzz.c   each a libFuzzer target (GOSSIP_FUZZ), and everywhere a replay of its corpus as a plain test
#   test/c/fuzz/engines/   what builds them for other engines than libFuzzer (GOSSIP_FUZZ_ENGINE)
#   test/c/corpus/STEM/    the corpus of STEM_fuzz.c
#   test/c/support/*.c     a small library linked to all of them
#   test/c/sim/*.c         gossip_sim, linking core only
#   test/c/circles/*/      what the checks of the core's floors must find
set(FUZZ_SECONDS 60 CACHE STRING "How long ctest runs each fuzzer")

set(wanted "${GOSSIP_TESTS}")
if(wanted STREQUAL "AUTO")
  set(wanted ${GOSSIP_TOP_LEVEL})
  if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/test/c") # the package has no tests
    set(wanted OFF)
  endif()
  if(wanted)
    find_package(cmocka CONFIG QUIET)
    set(wanted ${cmocka_FOUND})
    if(NOT wanted)
      message(STATUS "cmocka is not installed: the C tests are not built (-DGOSSIP_TESTS=ON insists)")
    endif()
  endif()
endif()
if(NOT wanted)
  return()
endif()

find_package(cmocka CONFIG QUIET)
if(NOT cmocka_FOUND)
  message(FATAL_ERROR "cmocka is missing and the C tests were asked for. "
    "Debian/Ubuntu: libcmocka-dev; Alpine: cmocka-dev; Fedora: libcmocka-devel; Homebrew: cmocka. "
    "-DGOSSIP_TESTS=OFF builds without them.")
endif()
# cmocka's own CMake file gives variables on old versions and a target on new ones.
add_library(gossip_cmocka INTERFACE)
if(TARGET cmocka::cmocka)
  target_link_libraries(gossip_cmocka INTERFACE cmocka::cmocka)
else()
  target_link_libraries(gossip_cmocka INTERFACE ${CMOCKA_LIBRARIES})
  target_include_directories(gossip_cmocka SYSTEM INTERFACE ${CMOCKA_INCLUDE_DIR})
endif()

enable_testing()

# The inside of the core, which only tests and the simulator see.
add_library(gossip_core_inside INTERFACE)
target_include_directories(gossip_core_inside INTERFACE priv_src/core)
target_link_libraries(gossip_core_inside INTERFACE gossip_core)

# What a test may use: everything that exists of the house, the system's interfaces, and its own include directory.
add_library(gossip_tested INTERFACE)
target_link_libraries(gossip_tested INTERFACE gossip_flags gossip_core_inside $<TARGET_NAME_IF_EXISTS:gossip_io>
  $<TARGET_NAME_IF_EXISTS:gossipd_parts>)
target_include_directories(gossip_tested INTERFACE test/c/support)
target_compile_definitions(gossip_tested INTERFACE ${GOSSIP_SYSTEM_DEFINITIONS}
  GOSSIP_TEST_DIR="${CMAKE_CURRENT_SOURCE_DIR}/test/c" $<$<BOOL:${GOSSIP_PORTABLE}>:GOSSIP_PORTABLE>)

file(GLOB support_sources CONFIGURE_DEPENDS test/c/support/*.c)
if(support_sources)
  add_library(gossip_test_support STATIC ${support_sources})
  target_link_libraries(gossip_test_support PUBLIC gossip_tested gossip_cmocka)
  set_target_properties(gossip_test_support PROPERTIES GOSSIP_UNGUIDED ON)
endif()

# Whether a test sees anything of io or of gossipd, itself or through its support. One that does not is the same program
# with the portable twins, to the byte, and is run with the Linux files alone.
function(gossip_sees_io result source)
  set(waiting "${source}")
  set(seen)
  while(waiting)
    list(POP_FRONT waiting file)
    list(APPEND seen "${file}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(STRINGS "${file}" includes REGEX "^#include \"")
    foreach(line IN LISTS includes)
      string(REGEX REPLACE "^#include \"(.*)\".*" "\\1" header "${line}")
      foreach(room io gossipd doctor watch)
        if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/priv_src/${room}/${header}")
          set(${result} TRUE PARENT_SCOPE)
          return()
        endif()
      endforeach()
      set(support "${CMAKE_CURRENT_SOURCE_DIR}/test/c/support/${header}")
      if(EXISTS "${support}" AND NOT "${support}" IN_LIST seen)
        list(APPEND waiting "${support}")
      endif()
    endforeach()
  endwhile()
  set(${result} FALSE PARENT_SCOPE)
endfunction()

file(GLOB test_sources CONFIGURE_DEPENDS test/c/*_test.c)
if(GOSSIP_FUZZ) # a build for the fuzzers, which run in it alone
  set(test_sources)
endif()
foreach(source ${test_sources})
  get_filename_component(name "${source}" NAME_WE)
  if(GOSSIP_PORTABLE)
    gossip_sees_io(sees_io "${source}")
    if(NOT sees_io)
      continue()
    endif()
  endif()
  add_executable(${name} "${source}")
  target_link_libraries(${name} PRIVATE $<TARGET_NAME_IF_EXISTS:gossip_test_support> gossip_tested gossip_cmocka)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS unit)
endforeach()

# What a beat costs: built only where it is asked for by its name, without the sanitizers.
if(TARGET gossip_test_support AND EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/test/c/cost/main.c")
  add_executable(gossip_beat_cost EXCLUDE_FROM_ALL test/c/cost/main.c)
  target_link_libraries(gossip_beat_cost PRIVATE gossip_test_support gossip_tested gossip_cmocka)
endif()

# Tests that see what the house asks of others: the linker puts them between.
include(CheckLinkerFlag)
check_linker_flag(C -Wl,--wrap=malloc GOSSIP_LINKER_WRAPS)
function(gossip_wrap name)
  if(NOT TARGET ${name})
    return()
  elseif(GOSSIP_LINKER_WRAPS)
    list(TRANSFORM ARGN PREPEND "-Wl,--wrap=")
    target_link_options(${name} PRIVATE ${ARGN})
  else()
    message(STATUS "${name} is not run: this linker knows no --wrap")
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    set_tests_properties(${name} PROPERTIES DISABLED ON)
  endif()
endfunction()

# Memory is short: support/refuse.c is the allocator.
foreach(name short_memory_test uplink_short_memory_test)
  gossip_wrap(${name} malloc calloc realloc aligned_alloc)
endforeach()
gossip_wrap(attack_secrets_test free primitives_wipe primitives_stretch)

file(GLOB fuzz_sources CONFIGURE_DEPENDS test/c/fuzz/*_fuzz.c)
foreach(source ${fuzz_sources})
  get_filename_component(name "${source}" NAME_WE)
  string(REGEX REPLACE "_fuzz$" "" stem "${name}")
  set(corpus "${CMAKE_CURRENT_SOURCE_DIR}/test/c/corpus/${stem}")

  if(GOSSIP_FUZZ)
    add_executable(${name} "${source}")
    target_link_libraries(${name} PRIVATE $<TARGET_NAME_IF_EXISTS:gossip_test_support> gossip_tested)
    if(GOSSIP_FUZZ_ENGINE)
      target_link_libraries(${name} PRIVATE "${GOSSIP_FUZZ_ENGINE}")
      continue() # it is run by what has built it
    endif()
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    # New inputs go to the first directory, in the build tree; the checked-in corpus is only read.
    set(found "${CMAKE_CURRENT_BINARY_DIR}/corpus/${stem}")
    file(MAKE_DIRECTORY "${found}")
    set(pace)
    if(stem STREQUAL "gossip") # many short stories reach more than few long ones, and choosing among them takes long
      set(pace -max_len=512 -entropic=0)
    endif()
    add_test(NAME ${name} COMMAND ${name} ${pace} -max_total_time=${FUZZ_SECONDS} -timeout=10 -rss_limit_mb=2048
      -print_final_stats=1 "-artifact_prefix=${found}-" "${found}" "${corpus}")
    math(EXPR limit "${FUZZ_SECONDS} + 600")
    set_tests_properties(${name} PROPERTIES TIMEOUT ${limit} LABELS fuzz)
    continue()
  endif()
  set(sees_io TRUE)
  if(GOSSIP_PORTABLE)
    gossip_sees_io(sees_io "${source}")
  endif()
  if(sees_io)
    add_executable(${name}_replay "${source}" test/c/fuzz/standalone.c)
    target_link_libraries(${name}_replay PRIVATE $<TARGET_NAME_IF_EXISTS:gossip_test_support> gossip_tested)
    add_test(NAME ${name}_replay COMMAND ${name}_replay "${corpus}")
    set_tests_properties(${name}_replay PROPERTIES TIMEOUT 600 LABELS unit)
  endif()
endforeach()

# A package has no test folder.
if(IS_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/test/c/circles")
  include(GossipFloors)
endif()

if(sim_sources AND NOT GOSSIP_FUZZ AND NOT GOSSIP_PORTABLE) # it sees nothing but the core
  include(GossipSim)
endif()
