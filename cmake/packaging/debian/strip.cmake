# Run by CPack: takes from the static libraries what Debian wants stripped (policy 10.1), as dh_strip does.
file(GLOB_RECURSE libraries "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*.a")
if(NOT libraries)
    message(FATAL_ERROR "no static library lies in ${CPACK_TEMPORARY_INSTALL_DIRECTORY}")
endif()
execute_process(COMMAND_ERROR_IS_FATAL ANY
    COMMAND "${CPACK_CULEX_STRIP}" --strip-debug --remove-section=.comment --remove-section=.note --enable-deterministic-archives ${libraries})
