# Whether the core's doors are its only ones: with the include directories that other rooms get, each header of
# core/include compiles by itself, and no other header of the core can be found.
#
#   cmake -DCC=cc -DCORE=DIR "-DSEEN=DIR;DIR" "-DROOMS=GLOB;GLOB" -DPRIMITIVES=FILE -DWORK=DIR -P CheckDoors.cmake
#
# SEEN: the include directories; ROOMS: sources of other rooms, which must not reach into the core by a path either.
# PRIMITIVES: of all sources the one that includes libsodium.
cmake_minimum_required(VERSION 3.18)

list(TRANSFORM SEEN PREPEND "-I")
file(MAKE_DIRECTORY "${WORK}")

# Compiles door.c of these lines; what the compiler says, or "" if it is content.
function(compile out)
  list(JOIN ARGN "\n" text)
  file(WRITE "${WORK}/door.c" "${text}\nint door;\n")
  execute_process(COMMAND "${CC}" -std=c11 -fsyntax-only ${SEEN} door.c WORKING_DIRECTORY "${WORK}"
    OUTPUT_VARIABLE said ERROR_VARIABLE said RESULT_VARIABLE status)
  if(status EQUAL 0)
    set(said "")
  endif()
  set(${out} "${said}" PARENT_SCOPE)
endfunction()

file(GLOB doors RELATIVE "${CORE}/include" "${CORE}/include/*.h")
file(GLOB inner RELATIVE "${CORE}" "${CORE}/*/*.h")
list(FILTER inner EXCLUDE REGEX "^include/")
if(NOT doors OR NOT inner)
  message(FATAL_ERROR "${CORE} has no headers to look at")
endif()
foreach(door ${doors})
  compile(said "#include \"${door}\"")
  if(said)
    message(SEND_ERROR "the door ${door} does not compile by itself: ${said}")
  endif()
endforeach()
set(lines)
foreach(header ${inner})
  get_filename_component(name "${header}" NAME)
  foreach(way "${header}" "${name}")
    list(APPEND lines "#if __has_include(\"${way}\")" "#error ${way} is the core's own and can be included" "#endif")
  endforeach()
endforeach()
compile(said ${lines})
if(said)
  message(SEND_ERROR "${said}")
endif()

file(GLOB_RECURSE sources ${ROOMS})
foreach(source ${sources})
  file(STRINGS "${source}" reaching REGEX "^[ \t]*#[ \t]*include[ \t]*\"[^\"]*core/")
  if(reaching)
    message(SEND_ERROR "${source} reaches into the core: ${reaching}")
  endif()
endforeach()

file(GLOB_RECURSE own "${CORE}/*.[ch]")
foreach(source ${own} ${sources})
  file(STRINGS "${source}" sodium REGEX "^[ \t]*#[ \t]*include[ \t]*[<\"]sodium")
  if(sodium AND NOT source STREQUAL PRIMITIVES)
    message(SEND_ERROR "${source} includes libsodium, and is not its door")
  endif()
endforeach()
