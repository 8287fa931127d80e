# Uthash::Uthash: hash tables as macros, headers only.
find_path(UTHASH_INCLUDE_DIR NAMES uthash.h)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Uthash
  REQUIRED_VARS UTHASH_INCLUDE_DIR)

if(Uthash_FOUND AND NOT TARGET Uthash::Uthash)
  add_library(Uthash::Uthash INTERFACE IMPORTED)
  target_include_directories(Uthash::Uthash SYSTEM INTERFACE "${UTHASH_INCLUDE_DIR}")
endif()
mark_as_advanced(UTHASH_INCLUDE_DIR)
