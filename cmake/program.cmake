# The program `turnkeep`, built by cargo and installed beside the library (TURNKEEP_BUILD_CLI).

set(program turnkeep${CMAKE_EXECUTABLE_SUFFIX})
set(program_dir ${PROJECT_BINARY_DIR}/bin/$<IF:$<CONFIG:Debug>,debug,release>)

# Cargo builds the library once more for it, with other features, and puts it where the other one lay: so the other one
# must have been fetched before. The copy keeps what is installed from being exchanged by a later call of cargo.
add_custom_target(turnkeep_program ALL
    COMMAND ${CARGO} build --bin turnkeep --features cli --profile ${cargo_profile} ${cargo_options}
        --target-dir ${TURNKEEP_TARGET_DIR}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${program_dir}
    COMMAND ${CMAKE_COMMAND} -E copy_if_different
        ${TURNKEEP_TARGET_DIR}/$<IF:$<CONFIG:Debug>,debug,release>/${program} ${program_dir}/${program}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    COMMENT "Asking cargo for the program turnkeep"
    USES_TERMINAL VERBATIM)
add_dependencies(turnkeep_program turnkeep_cargo)

if(TURNKEEP_INSTALL)
    install(PROGRAMS ${program_dir}/${program} DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT turnkeep_program)
endif()
