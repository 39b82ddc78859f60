# Finds libuv: libuv::uv, libuv_FOUND, libuv_VERSION. Upstream's package has the same target name.

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
    pkg_check_modules(PC_LIBUV QUIET libuv)
endif()
find_path(libuv_INCLUDE_DIR uv.h HINTS ${PC_LIBUV_INCLUDE_DIRS})
find_library(libuv_LIBRARY NAMES uv HINTS ${PC_LIBUV_LIBRARY_DIRS})
mark_as_advanced(libuv_INCLUDE_DIR libuv_LIBRARY)

if(libuv_INCLUDE_DIR AND EXISTS "${libuv_INCLUDE_DIR}/uv/version.h")
    file(STRINGS "${libuv_INCLUDE_DIR}/uv/version.h" _libuv_version REGEX "#define UV_VERSION_(MAJOR|MINOR|PATCH) ")
    string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*PATCH ([0-9]+).*" "\\1.\\2.\\3"
        libuv_VERSION "${_libuv_version}")
    unset(_libuv_version)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(libuv REQUIRED_VARS libuv_LIBRARY libuv_INCLUDE_DIR VERSION_VAR libuv_VERSION)

if(libuv_FOUND AND NOT TARGET libuv::uv)
    find_package(Threads REQUIRED)
    add_library(libuv::uv UNKNOWN IMPORTED)
    set_target_properties(libuv::uv PROPERTIES
        IMPORTED_LOCATION "${libuv_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${libuv_INCLUDE_DIR}"
        INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS}")
endif()
