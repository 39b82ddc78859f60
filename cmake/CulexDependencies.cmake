# What Culex stands on. Debian ships no CMake package for libuv and wolfSSL, hence the find modules next to this file.

include_guard()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(libuv REQUIRED)

set(CULEX_IO_LIBRARIES libuv::uv fmt::fmt Threads::Threads)
set(CULEX_PRIVATE_LIBRARIES fmt::fmt Threads::Threads)
# How the files begin that are left out. WebSocket needs wolfCrypt's SHA-1 and random numbers.
set(CULEX_TLS_ABSENT "(tls|ws|websocket)_")
set(CULEX_TLS_DEFINES)
if(CULEX_TLS)
    set(CULEX_TLS_ABSENT no_tls)
    find_package(wolfssl QUIET)
    if(NOT wolfssl_FOUND)
        message(FATAL_ERROR "wolfSSL was not found: install libwolfssl-dev, or build without TLS (-DCULEX_TLS=OFF).")
    endif()
    list(APPEND CULEX_IO_LIBRARIES wolfssl::wolfssl)
    list(APPEND CULEX_PRIVATE_LIBRARIES wolfssl::wolfssl)

    # Debian's headers declare what its library was built without: only linking tells.
    include(CheckCXXSourceCompiles)
    set(CMAKE_REQUIRED_LIBRARIES wolfssl::wolfssl)
    check_cxx_source_compiles("#include <wolfssl/options.h>
        #include <wolfssl/ssl.h>
        int main() { wolfSSL_CTX_set_keylog_callback(nullptr, nullptr); }" CULEX_WOLFSSL_KEY_LOG)
    unset(CMAKE_REQUIRED_LIBRARIES)
    if(CULEX_WOLFSSL_KEY_LOG)
        list(APPEND CULEX_TLS_DEFINES CULEX_WOLFSSL_KEY_LOG=1)
    endif()
endif()
