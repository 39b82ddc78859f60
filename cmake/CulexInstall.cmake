# Installation: libraries, headers, the CMake package `culex` with its find modules, and files for pkg-config.

include_guard()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/culex")
set_target_properties(culex_testing PROPERTIES EXPORT_NAME testing)

install(TARGETS culex culex_testing EXPORT culex-targets FILE_SET HEADERS)
install(EXPORT culex-targets NAMESPACE culex:: DESTINATION "${package_dir}")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/culexConfig.cmake.in" culexConfig.cmake
    INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 every minor version may break what stood before.
write_basic_package_version_file(culexConfigVersion.cmake COMPATIBILITY SameMinorVersion)
set(package_files "${CMAKE_CURRENT_BINARY_DIR}/culexConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/culexConfigVersion.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/Findlibuv.cmake")
if(CULEX_TLS)
    list(APPEND package_files "${PROJECT_SOURCE_DIR}/cmake/Findwolfssl.cmake")
endif()
install(FILES ${package_files} DESTINATION "${package_dir}")

# The .pc files find their prefix from where they lie, so that an installed tree may be moved.
file(RELATIVE_PATH CULEX_PC_UP "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" CULEX_PC_UP "${CULEX_PC_UP}")
file(RELATIVE_PATH CULEX_PC_LIBDIR "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_LIBDIR}")
file(RELATIVE_PATH CULEX_PC_INCLUDEDIR "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
set(CULEX_PC_REQUIRES "libuv, fmt")
if(CULEX_TLS)
    string(APPEND CULEX_PC_REQUIRES ", wolfssl")
endif()
foreach(name IN ITEMS culex culex-testing)
    configure_file("${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in" ${name}.pc @ONLY)
    install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()
