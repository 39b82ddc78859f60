# The certificates of the tests and of the example of TLS: made anew in each build folder, and never kept elsewhere. They
# outlast any build folder but for `expired`, which is expired from the start.

include_guard()

# culex_use_certificates(target): the target finds their folder in CULEX_CERTIFICATES.
function(culex_use_certificates target)
    set(folder "${PROJECT_BINARY_DIR}/certificates")
    if(NOT TARGET culex_certificates)
        set(script "${PROJECT_SOURCE_DIR}/tests/support/make_certificates.sh")
        add_custom_command(OUTPUT "${folder}/ca.pem" COMMAND "${script}" "${folder}" DEPENDS "${script}" VERBATIM
            COMMENT "Making certificates")
        add_custom_target(culex_certificates DEPENDS "${folder}/ca.pem")
    endif()
    add_dependencies(${target} culex_certificates)
    target_compile_definitions(${target} PRIVATE "CULEX_CERTIFICATES=\"${folder}\"")
endfunction()
