# How Culex's own targets are compiled, and the functions that make them.

include_guard()

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    find_program(CULEX_CCACHE ccache)
    mark_as_advanced(CULEX_CCACHE)
    if(CULEX_CCACHE)
        # With a precompiled header ccache wants to be told that times and defines are ours to answer for. The other two
        # let a second clone profit from the first, at the price of debug information that may name the first.
        set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros
            "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${CULEX_CCACHE}")
    endif()
endif()

# Sets on a target of ours: the language, the warnings (made errors by the presets, never for those who embed us), tail
# calls, without which g++ at -O0 and -O1 lets a chain of resumptions grow the stack, and leave to inline what position
# independent code could otherwise have replaced at load time.
function(culex_own target)
    target_compile_features(${target} PUBLIC cxx_std_20)
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
    target_compile_options(${target} PRIVATE
        -foptimize-sibling-calls -fno-semantic-interposition
        -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
        -Wold-style-cast -Wcast-qual -Wnull-dereference)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
        # It sees writes out of bounds in its own std::string where two are added (GCC bugs 105329 and 105651).
        target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow)
        # To store two neighbours at once it builds a vector first, which takes longer: 13 instructions for each message received.
        target_compile_options(${target} PRIVATE -fno-tree-slp-vectorize)
    elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
        # Without it a coroutine's promise may not have a sized operator delete alone.
        target_compile_options(${target} PRIVATE -fsized-deallocation)
    endif()
endfunction()

# culex_precompile(target group headers...): targets of one group share one precompiled header; they must be compiled alike.
function(culex_precompile target group)
    if(NOT CULEX_PCH)
        return()
    endif()
    get_property(owner GLOBAL PROPERTY culex_pch_${group})
    if(owner)
        target_precompile_headers(${target} REUSE_FROM ${owner})
    else()
        target_precompile_headers(${target} PRIVATE ${ARGN})
        set_property(GLOBAL PROPERTY culex_pch_${group} ${target})
    endif()
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>) # for ccache
endfunction()

set(CULEX_PCH_HEADERS <algorithm> <array> <atomic> <chrono> <coroutine> <cstdint> <deque> <memory> <mutex> <optional>
    <span> <string> <string_view> <system_error> <unordered_map> <utility> <variant> <vector>)

# culex_glob(out patterns...): the sources that match, or an empty one, so that a folder may wait for its first file.
function(culex_glob out)
    list(TRANSFORM ARGN PREPEND "${PROJECT_SOURCE_DIR}/" OUTPUT_VARIABLE patterns)
    file(GLOB found CONFIGURE_DEPENDS ${patterns})
    if(NOT found)
        set(found "${PROJECT_BINARY_DIR}/empty.cpp")
        file(WRITE "${found}" "")
    endif()
    set(${out} ${found} PARENT_SCOPE)
endfunction()

# The target of a floor: culex_floor_target(out testing/loopback) gives culex_floor_testing_loopback.
function(culex_floor_target out name)
    string(REPLACE "/" "_" name "${name}")
    set(${out} culex_floor_${name} PARENT_SCOPE)
endfunction()

# culex_floor(name [SEES floors...] [LINKS libraries...] [DEFINES macros...] [WITHOUT pattern]): the object library of
# src/<name>/*.cpp, but for the files whose names match the pattern.
function(culex_floor name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "WITHOUT" "SEES;LINKS;DEFINES")
    culex_floor_target(target ${name})
    culex_glob(sources src/${name}/*.cpp)
    if(arg_WITHOUT)
        list(FILTER sources EXCLUDE REGEX "/${arg_WITHOUT}[^/]*$")
    endif()
    add_library(${target} OBJECT ${sources})
    culex_own(${target})
    culex_precompile(${target} floors ${CULEX_PCH_HEADERS} <fmt/format.h>)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_include_directories(${target} PUBLIC "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src")
    target_compile_definitions(${target} PRIVATE ${arg_DEFINES})
    foreach(floor IN LISTS arg_SEES)
        culex_floor_target(floor ${floor})
        target_link_libraries(${target} PUBLIC ${floor})
    endforeach()
    target_link_libraries(${target} PUBLIC ${arg_LINKS})
endfunction()

# culex_library(name FLOORS floors... HEADERS patterns...): a static library of the floors' objects, with its public headers.
function(culex_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "FLOORS;HEADERS")
    set(objects)
    foreach(floor IN LISTS arg_FLOORS)
        culex_floor_target(target ${floor})
        list(APPEND objects $<TARGET_OBJECTS:${target}>)
    endforeach()
    list(TRANSFORM arg_HEADERS PREPEND "${PROJECT_SOURCE_DIR}/")
    file(GLOB headers CONFIGURE_DEPENDS ${arg_HEADERS})
    add_library(${name} STATIC ${objects})
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
    target_compile_features(${name} PUBLIC cxx_std_20)
    target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${headers})
endfunction()
