# The Debian package libculex-dev, made by CPack: `cmake --workflow --preset package`. The files under doc/ are an install
# component of their own, so that `cmake --install` leaves Debian's alone.

include_guard()

set(debian "${PROJECT_SOURCE_DIR}/cmake/packaging/debian")
set(documents "${CMAKE_CURRENT_BINARY_DIR}/debian")
set(document_dir share/doc/libculex-dev)

# Debian's policy 12.7 and 12.3: as small as gzip can, and without a time, so that a package can be made again bit by bit.
find_program(CULEX_GZIP gzip)
mark_as_advanced(CULEX_GZIP)
function(culex_compress source target)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
    execute_process(COMMAND "${CULEX_GZIP}" -9nc "${source}" OUTPUT_FILE "${target}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(STRINGS "${debian}/changelog" changelog LIMIT_COUNT 1)
if(NOT changelog MATCHES "^culex \\(${PROJECT_VERSION}-([0-9]+)\\)")
    message(FATAL_ERROR "the first line of ${debian}/changelog is not about version ${PROJECT_VERSION}")
endif()
set(CPACK_DEBIAN_PACKAGE_RELEASE ${CMAKE_MATCH_1})

# Whoever builds a package for others is its maintainer, and says so as Debian's own tools want it.
set(maintainer "The Culex authors <culex@localhost>")
if(DEFINED ENV{DEBFULLNAME} AND DEFINED ENV{DEBEMAIL})
    set(maintainer "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
endif()

# What a static library was compiled against it has to be linked with. fmt's symbols bear its major version; wolfSSL's
# structures, of which some are ours to allocate, may change with its minor one.
function(culex_debian_range out package version pattern)
    string(REGEX MATCH "${pattern}" series "${version}")
    string(REGEX MATCH "[0-9]+$" last "${series}")
    math(EXPR next "${last} + 1")
    string(REGEX REPLACE "[0-9]+$" "${next}" next "${series}")
    set(${out} "${package} (>= ${version}), ${package} (<< ${next}~)" PARENT_SCOPE)
endfunction()
culex_debian_range(depends_fmt libfmt-dev "${fmt_VERSION}" "^[0-9]+")
set(depends "libuv1-dev (>= ${libuv_VERSION}), ${depends_fmt}")
if(CULEX_TLS)
    culex_debian_range(depends_wolfssl libwolfssl-dev "${wolfssl_VERSION}" "^[0-9]+\\.[0-9]+")
    string(APPEND depends ", ${depends_wolfssl}")
endif()

if(CULEX_GZIP)
    file(MAKE_DIRECTORY "${documents}")
    culex_compress("${debian}/changelog" "${documents}/changelog.Debian.gz")
    culex_compress("${PROJECT_SOURCE_DIR}/README.md" "${documents}/README.md.gz")
    install(FILES "${debian}/copyright" "${documents}/changelog.Debian.gz" "${documents}/README.md.gz"
        DESTINATION "${document_dir}" COMPONENT debian EXCLUDE_FROM_ALL)
    file(GLOB examples CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/examples/*.cpp")
    install(FILES ${examples} DESTINATION "${document_dir}/examples" COMPONENT debian EXCLUDE_FROM_ALL)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME libculex-dev)
set(CPACK_PACKAGE_VENDOR "The Culex authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "MQTT client library for C++20 coroutines (development files)")
set(CPACK_PACKAGE_DESCRIPTION
"Culex is a client library for MQTT 3.1.1 and 5. Every operation can be awaited
on a libuv loop; a blocking client with callbacks, for programs that have
threads and no coroutines, is a thin layer over the same core. TLS and
WebSocket are part of it, as are reconnection with exponential backoff and
bounded queues.
.
This package contains the static library, its headers, a CMake package, files
for pkg-config, and culex::testing, a broker for the tests of one's own
program that lives in the test's process and can work in virtual time.")
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_CMAKE_PROJECTS
    "${PROJECT_BINARY_DIR};Culex;ALL;/;${PROJECT_BINARY_DIR};Culex;debian;/")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
    GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_CULEX_STRIP "${CMAKE_STRIP}")
set(CPACK_PRE_BUILD_SCRIPTS "${debian}/strip.cmake")

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${maintainer}")
set(CPACK_DEBIAN_PACKAGE_DEPENDS "${depends}")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

include(CPack)
