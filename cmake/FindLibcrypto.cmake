# Libcrypto::Libcrypto, OpenSSL's: for libcluster's secret alone (priv_src/io/cbc.h), so it may be missing. The static
# archive is preferred, as with libsodium: of it a few kilobytes are linked, and a release needs nothing installed.
find_path(LIBCRYPTO_INCLUDE_DIR NAMES openssl/aes.h HINTS "$ENV{OPENSSL_ROOT_DIR}/include")
find_library(LIBCRYPTO_LIBRARY NAMES libcrypto.a crypto HINTS "$ENV{OPENSSL_ROOT_DIR}/lib")

if(LIBCRYPTO_INCLUDE_DIR AND LIBCRYPTO_LIBRARY)
  find_package(Threads)
  include(CheckCSourceCompiles)
  set(CMAKE_REQUIRED_INCLUDES "${LIBCRYPTO_INCLUDE_DIR}")
  set(CMAKE_REQUIRED_LIBRARIES "${LIBCRYPTO_LIBRARY}" Threads::Threads ${CMAKE_DL_LIBS})
  # A libcrypto may be built without these.
  check_c_source_compiles("
    #define OPENSSL_SUPPRESS_DEPRECATED
    #include <openssl/aes.h>
    int main(void)
    {
        AES_KEY key;
        unsigned char block[16] = {0}, bytes[32] = {0};
        AES_set_decrypt_key(bytes, 256, &key);
        AES_cbc_encrypt(bytes, bytes, 32, &key, block, AES_DECRYPT);
        return 0;
    }" LIBCRYPTO_HAS_AES)
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LIBRARIES)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libcrypto REQUIRED_VARS LIBCRYPTO_LIBRARY LIBCRYPTO_INCLUDE_DIR LIBCRYPTO_HAS_AES)

if(Libcrypto_FOUND AND NOT TARGET Libcrypto::Libcrypto)
  add_library(Libcrypto::Libcrypto UNKNOWN IMPORTED)
  set_target_properties(Libcrypto::Libcrypto PROPERTIES
    IMPORTED_LOCATION "${LIBCRYPTO_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LIBCRYPTO_INCLUDE_DIR}")
  target_link_libraries(Libcrypto::Libcrypto INTERFACE Threads::Threads ${CMAKE_DL_LIBS})
endif()
mark_as_advanced(LIBCRYPTO_INCLUDE_DIR LIBCRYPTO_LIBRARY)
