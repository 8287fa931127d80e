# gossip_link_statically(TARGET): without any shared library, so that it runs where the C library is another one or of
# another version. As a position independent executable where the compiler can, so that its addresses stay random.
include(CheckCSourceCompiles)

function(gossip_link_statically target)
  set(CMAKE_REQUIRED_QUIET ON)
  set(CMAKE_POSITION_INDEPENDENT_CODE OFF) # -pie or -no-pie is said here
  foreach(way static-pie static)
    string(MAKE_C_IDENTIFIER "GOSSIP_LINKS_${way}" works)
    set(CMAKE_REQUIRED_LINK_OPTIONS -${way})
    check_c_source_compiles("int main(void) { return 0; }" ${works})
    if(${works})
      if(way STREQUAL "static-pie")
        set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
        target_compile_options(${target} PRIVATE -fPIE)
      endif()
      target_link_options(${target} PRIVATE -${way})
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "GOSSIP_STATIC: this compiler links nothing statically. On Debian the C library's archives are in "
    "libc6-dev, on Fedora in glibc-static; musl has them always.")
endfunction()
