# Seccomp::Seccomp, libseccomp: for the list of system calls alone (priv_src/io/syscall_filter.h), so it may be missing.
# The static archive is preferred, as with libsodium: a release needs nothing installed where it runs. Which calls the C
# library makes, and which the processor has, was looked at for glibc on x86-64 and arm64.
find_path(SECCOMP_INCLUDE_DIR NAMES seccomp.h)
find_library(SECCOMP_LIBRARY NAMES libseccomp.a seccomp)

if(SECCOMP_INCLUDE_DIR AND SECCOMP_LIBRARY)
  include(CheckCSourceCompiles)
  set(CMAKE_REQUIRED_INCLUDES "${SECCOMP_INCLUDE_DIR}")
  set(CMAKE_REQUIRED_LIBRARIES "${SECCOMP_LIBRARY}")
  # openat2 is of version 2.5.
  check_c_source_compiles("
    #include <seccomp.h>
    #include <stdlib.h>
    #if !defined(__GLIBC__) || !(defined(__x86_64__) || defined(__aarch64__)) || defined(__ILP32__)
    #error not looked at
    #endif
    int main(void)
    {
        return seccomp_init(SCMP_ACT_TRAP) == NULL || SCMP_SYS(openat2) == 0;
    }" SECCOMP_WORKS)
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LIBRARIES)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Seccomp REQUIRED_VARS SECCOMP_LIBRARY SECCOMP_INCLUDE_DIR SECCOMP_WORKS)

if(Seccomp_FOUND AND NOT TARGET Seccomp::Seccomp)
  add_library(Seccomp::Seccomp UNKNOWN IMPORTED)
  set_target_properties(Seccomp::Seccomp PROPERTIES
    IMPORTED_LOCATION "${SECCOMP_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${SECCOMP_INCLUDE_DIR}")
endif()
mark_as_advanced(SECCOMP_INCLUDE_DIR SECCOMP_LIBRARY)
