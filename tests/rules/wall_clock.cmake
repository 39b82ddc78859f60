# Nothing asks the system for the date: a deadline that did would follow whoever sets the clock. All times are those of
# `Scheduler::now`, which is a steady clock.
#
#   cmake -DROOT=<tree> -P wall_clock.cmake

cmake_minimum_required(VERSION 3.25)

# Calls by the names of C and POSIX, and the clocks of <chrono> that are no steady ones (high_resolution_clock may be either).
set(calls "(time|gettimeofday|ftime|timespec_get|localtime|localtime_r|gmtime|gmtime_r|mktime|uv_gettimeofday|uv_clock_gettime)")
set(clocks "(system_clock|high_resolution_clock|utc_clock|tai_clock|gps_clock|file_clock|CLOCK_REALTIME|CLOCK_TAI)")

if(NOT IS_DIRECTORY "${ROOT}/src")
    message(FATAL_ERROR "no sources in '${ROOT}'")
endif()
file(GLOB_RECURSE files RELATIVE "${ROOT}" "${ROOT}/include/*.hpp" "${ROOT}/src/*.hpp" "${ROOT}/src/*.cpp")
set(refused 0)
foreach(file IN LISTS files)
    file(READ "${ROOT}/${file}" text)
    string(REGEX REPLACE "//[^\n]*" "" text "${text}")
    if(text MATCHES "(^|[^A-Za-z0-9_])${clocks}([^A-Za-z0-9_]|$)")
        message("refused: ${file}: ${CMAKE_MATCH_2} follows the wall clock")
        math(EXPR refused "${refused} + 1")
    endif()
    if(text MATCHES "(^|[^A-Za-z0-9_.>])${calls}[ \t\n]*\\(")
        message("refused: ${file}: ${CMAKE_MATCH_2}() follows the wall clock")
        math(EXPR refused "${refused} + 1")
    endif()
endforeach()
list(LENGTH files count)
if(refused)
    message(FATAL_ERROR "${refused} uses of the wall clock")
endif()
message("${count} files ask nobody for the date")
