# The public headers pull in nothing heavy, not even through each other or through the standard library.
#
#   cmake -DROOT=<tree> -DCXX=<compiler> -P light_headers.cmake

cmake_minimum_required(VERSION 3.25)

set(heavy "/(uv\\.h|wolfssl/.*|fmt/.*|functional|regex|iostream|fstream|filesystem|random)$")

file(GLOB_RECURSE headers RELATIVE "${ROOT}/include" "${ROOT}/include/culex/*.hpp")
list(REMOVE_ITEM headers culex/uv.hpp)
set(refused FALSE)
foreach(header IN LISTS headers)
    execute_process(COMMAND "${CXX}" -std=c++20 "-I${ROOT}/include" -x c++ -M "${ROOT}/include/${header}"
        OUTPUT_VARIABLE dependencies COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX REPLACE "[ \\\n]+" ";" dependencies "${dependencies}")
    foreach(file IN LISTS dependencies)
        if(file MATCHES "${heavy}")
            message("refused: ${header}: reaches <${CMAKE_MATCH_1}>")
            set(refused TRUE)
        endif()
    endforeach()
endforeach()
list(LENGTH headers count)
if(refused)
    message(FATAL_ERROR "public headers are read in each file of each user: keep them light (g++ -H shows the way)")
endif()
message("${count} public headers are light")
