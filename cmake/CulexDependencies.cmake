# What Culex stands on. Debian ships no CMake package for libuv and wolfSSL, hence the find modules next to this file.

include_guard()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(libuv REQUIRED)

set(CULEX_IO_LIBRARIES libuv::uv fmt::fmt Threads::Threads)
set(CULEX_PRIVATE_LIBRARIES fmt::fmt Threads::Threads)
if(CULEX_TLS)
    find_package(wolfssl QUIET)
    if(NOT wolfssl_FOUND)
        message(FATAL_ERROR "wolfSSL was not found: install libwolfssl-dev, or build without TLS (-DCULEX_TLS=OFF).")
    endif()
    list(APPEND CULEX_IO_LIBRARIES wolfssl::wolfssl)
    list(APPEND CULEX_PRIVATE_LIBRARIES wolfssl::wolfssl)
endif()
