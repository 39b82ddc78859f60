# Proves that a check can fail: runs it on a bad sample and wants exactly the refusals that a file lists.
#
#   cmake -DEXPECTED=<file> -P expect.cmake -- <command> [arguments...]

cmake_minimum_required(VERSION 3.25)

set(command)
set(started FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(index RANGE ${last})
    if(started)
        list(APPEND command "${CMAKE_ARGV${index}}")
    elseif(CMAKE_ARGV${index} STREQUAL "--")
        set(started TRUE)
    endif()
endforeach()

execute_process(COMMAND ${command} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0)
    message(FATAL_ERROR "the bad sample was accepted:\n${output}")
endif()

file(STRINGS "${EXPECTED}" expected)
string(REGEX REPLACE "[][;]" " " output "${output}")
string(REGEX MATCHALL "refused: [^\n]*" actual "${output}")
list(SORT expected)
list(SORT actual)
if(NOT actual STREQUAL expected)
    list(JOIN expected "\n" expected)
    message(FATAL_ERROR "expected:\n${expected}\n\nthe check said:\n${output}")
endif()
list(LENGTH actual count)
message("all ${count} faults of the bad sample are refused")
