# gossip_link_statically(TARGET): without any shared library, so that it runs where the C library is another one or of
# another version. As a position independent executable where the compiler can, so that its addresses stay random.
include(CheckCSourceCompiles)

function(gossip_link_statically target)
  set(CMAKE_REQUIRED_QUIET ON)
  unset(CMAKE_POSITION_INDEPENDENT_CODE) # for the checks, too
  foreach(way static-pie static)
    string(MAKE_C_IDENTIFIER "GOSSIP_LINKS_${way}" works)
    set(CMAKE_REQUIRED_LINK_OPTIONS -${way})
    check_c_source_compiles("int main(void) { return 0; }" ${works})
    if(${works})
      if(way STREQUAL "static-pie")
        target_compile_options(${target} PRIVATE -fPIE)
      endif()
      set_property(TARGET ${target} PROPERTY POSITION_INDEPENDENT_CODE) # neither: CMake would say -pie, or -no-pie
      target_link_options(${target} PRIVATE -${way})
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "GOSSIP_STATIC: this compiler links nothing statically. On Debian the C library's archives are in "
    "libc6-dev, on Fedora in glibc-static; musl has them always.")
endfunction()
