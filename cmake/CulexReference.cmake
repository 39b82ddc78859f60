# The reference and the guides. `cmake --build <folder> --target culex_reference` writes HTML to <folder>/reference (needs
# doxygen). The guides are installed as documentation; they are Markdown, and no headers.

include_guard()

if(PROJECT_IS_TOP_LEVEL)
    add_custom_target(culex_reference VERBATIM COMMENT "Making the reference"
        COMMAND "${PROJECT_SOURCE_DIR}/cmake/reference.sh" "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}/reference"
            "${PROJECT_VERSION}")
endif()
if(CULEX_INSTALL)
    include(GNUInstallDirs)
    set(guides_in "${CMAKE_INSTALL_DOCDIR}")
    if(CULEX_PACKAGE)
        set(guides_in share/doc/libculex-dev) # the folder of the Debian package
    endif()
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/culex/guides" DESTINATION "${guides_in}")
endif()
