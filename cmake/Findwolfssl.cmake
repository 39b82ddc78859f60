# Finds wolfSSL: wolfssl::wolfssl, wolfssl_FOUND, wolfssl_VERSION. Upstream's package has the same target name.

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
    pkg_check_modules(PC_WOLFSSL QUIET wolfssl)
endif()
find_path(wolfssl_INCLUDE_DIR wolfssl/options.h HINTS ${PC_WOLFSSL_INCLUDE_DIRS})
find_library(wolfssl_LIBRARY NAMES wolfssl HINTS ${PC_WOLFSSL_LIBRARY_DIRS})
mark_as_advanced(wolfssl_INCLUDE_DIR wolfssl_LIBRARY)

if(wolfssl_INCLUDE_DIR AND EXISTS "${wolfssl_INCLUDE_DIR}/wolfssl/version.h")
    file(STRINGS "${wolfssl_INCLUDE_DIR}/wolfssl/version.h" _wolfssl_version
        REGEX "#define LIBWOLFSSL_VERSION_STRING ")
    string(REGEX REPLACE ".*\"([0-9.]+).*" "\\1" wolfssl_VERSION "${_wolfssl_version}")
    unset(_wolfssl_version)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(wolfssl
    REQUIRED_VARS wolfssl_LIBRARY wolfssl_INCLUDE_DIR VERSION_VAR wolfssl_VERSION)

if(wolfssl_FOUND AND NOT TARGET wolfssl::wolfssl)
    add_library(wolfssl::wolfssl UNKNOWN IMPORTED)
    set_target_properties(wolfssl::wolfssl PROPERTIES
        IMPORTED_LOCATION "${wolfssl_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${wolfssl_INCLUDE_DIR}")
endif()
