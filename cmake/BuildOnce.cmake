# Configures and builds gossipd for `mix compile`, and puts it in its place, while nobody else does in this build
# directory: two terminals with `iex -S mix` right after a clone would otherwise remove each other's half-built files.
#
#     cmake -DBUILD_DIR=... -DARGUMENTS=... -DSETTINGS=... (and so on) -P BuildOnce.cmake
#
#   BUILD_DIR    used as it is where it was configured with the same SETTINGS, emptied otherwise, or with FORCE
#   ARGUMENTS    a list: what CMake is configured with
#   JOBS         how many files are compiled side by side
#   EXECUTABLE   where the finished gossipd goes
#   MANIFEST     removed before, and MANIFEST.PART put in its place after: it stands only beside what it tells of
#   PART         the caller's own name for that
#
# Its last line is `-- gossipd: built`, `not configured` or `not built`; whatever failed has said why above it.
#
# The lock is the kernel's, on a file that stays. It ends with this process, however that ends; and as long as this
# process lives somebody builds, even where the mix that began it is gone.
cmake_minimum_required(VERSION 3.18)

get_filename_component(app "${BUILD_DIR}" DIRECTORY)
file(MAKE_DIRECTORY "${app}")
file(LOCK "${BUILD_DIR}.lock" GUARD PROCESS RESULT_VARIABLE unlocked)
if(NOT unlocked EQUAL 0)
  message(STATUS "two builds at once would disturb each other here, since this file system has no locks: ${unlocked}")
endif()

file(REMOVE "${MANIFEST}")
set(settings "")
if(EXISTS "${BUILD_DIR}/settings")
  file(READ "${BUILD_DIR}/settings" settings)
endif()

if(FORCE OR NOT settings STREQUAL SETTINGS)
  file(REMOVE_RECURSE "${BUILD_DIR}")
  execute_process(COMMAND ${CMAKE_COMMAND} ${ARGUMENTS} -B "${BUILD_DIR}" RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(STATUS "gossipd: not configured")
    return()
  endif()
  file(WRITE "${BUILD_DIR}/settings" "${SETTINGS}")
endif()

execute_process(COMMAND ${CMAKE_COMMAND} --build "${BUILD_DIR}" --target gossipd --parallel "${JOBS}"
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(STATUS "gossipd: not built")
  return()
endif()

# A running gossipd keeps its old file: writing into it would fail with "text file busy".
get_filename_component(directory "${EXECUTABLE}" DIRECTORY)
file(MAKE_DIRECTORY "${directory}")
file(COPY "${BUILD_DIR}/gossipd" DESTINATION "${BUILD_DIR}/new" FILE_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
file(RENAME "${BUILD_DIR}/new/gossipd" "${EXECUTABLE}")
file(RENAME "${MANIFEST}.${PART}" "${MANIFEST}")
message(STATUS "gossipd: built")
