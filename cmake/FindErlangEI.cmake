# Erlang::EI, the term library of the running Erlang. In order:
#   -DERL_EI_INCLUDE_DIR / -DERL_EI_LIBDIR       (what `mix compile` passes)
#   the environment variables of the same names  (what Nerves and other cross builds set)
#   the `erl` on the PATH, which is asked where its erl_interface lives
foreach(variable ERL_EI_INCLUDE_DIR ERL_EI_LIBDIR)
  if(NOT ${variable} AND DEFINED ENV{${variable}})
    set(${variable} "$ENV{${variable}}")
  endif()
endforeach()

if(NOT ERL_EI_INCLUDE_DIR OR NOT ERL_EI_LIBDIR)
  find_program(ERL_EXECUTABLE NAMES erl)
  if(ERL_EXECUTABLE AND NOT CMAKE_CROSSCOMPILING)
    execute_process(
      COMMAND "${ERL_EXECUTABLE}" -noshell -noinput -eval
        "Dir = case code:lib_dir(erl_interface) of {error, _} -> filename:join(code:root_dir(), \"usr\"); D -> D end, io:format(\"~ts\", [Dir]), halt()."
      OUTPUT_VARIABLE erl_ei_root ERROR_QUIET)
  endif()
endif()

# The directories were named or found by asking: nothing else may be picked up, least of all another Erlang's library.
find_path(ERLANGEI_INCLUDE NAMES ei.h
  PATHS "${ERL_EI_INCLUDE_DIR}" "${erl_ei_root}/include" NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
find_library(ERLANGEI_LIBRARY NAMES libei.a ei
  PATHS "${ERL_EI_LIBDIR}" "${erl_ei_root}/lib" NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ErlangEI
  REQUIRED_VARS ERLANGEI_LIBRARY ERLANGEI_INCLUDE)

if(ErlangEI_FOUND AND NOT TARGET Erlang::EI)
  find_package(Threads REQUIRED)
  add_library(Erlang::EI UNKNOWN IMPORTED)
  set_target_properties(Erlang::EI PROPERTIES IMPORTED_LOCATION "${ERLANGEI_LIBRARY}")
  target_include_directories(Erlang::EI SYSTEM INTERFACE "${ERLANGEI_INCLUDE}")
  target_link_libraries(Erlang::EI INTERFACE Threads::Threads)
endif()
mark_as_advanced(ERLANGEI_INCLUDE ERLANGEI_LIBRARY ERL_EXECUTABLE)
