# The examples, run as a reader of the README would run them. Run by CTest as a script for one, included to be registered.

if(NOT CMAKE_SCRIPT_MODE_FILE)
    foreach(name IN ITEMS quickstart quickstart_c)
        if(TARGET ${name})
            add_test(NAME examples/${name}
                COMMAND ${CMAKE_COMMAND} -D PROGRAM=$<TARGET_FILE:${name}>
                    -D SCRATCH=${CMAKE_CURRENT_BINARY_DIR}/scratch/${name} -P ${CMAKE_CURRENT_LIST_FILE})
        endif()
    endforeach()
    if(TARGET gemma_session)
        add_test(NAME examples/gemma_session
            COMMAND ${CMAKE_COMMAND} -D PROGRAM=$<TARGET_FILE:gemma_session>
                -D SCRATCH=${CMAKE_CURRENT_BINARY_DIR}/scratch/gemma_session
                -P ${PROJECT_SOURCE_DIR}/tests/cmake/run_in_scratch.cmake)
    endif()
    find_program(BASH bash)
    if(UNIX AND BASH AND TARGET chat_host)
        add_test(NAME examples/demo COMMAND ${BASH} ${PROJECT_SOURCE_DIR}/scripts/demo.sh $<TARGET_FILE:chat_host>)
    endif()
    find_program(PYTHON3 python3)
    if(UNIX AND PYTHON3 AND TARGET chat_host)
        add_test(NAME examples/recordings
            COMMAND ${PYTHON3} ${PROJECT_SOURCE_DIR}/tests/recordings.py $<TARGET_FILE:chat_host>
                $<TARGET_FILE:Turnkeep::shared> ${CMAKE_CURRENT_BINARY_DIR}/scratch/recordings)
        set_tests_properties(examples/recordings PROPERTIES SKIP_RETURN_CODE 77)
    endif()
    return()
endif()

file(REMOVE_RECURSE ${SCRATCH})
file(MAKE_DIRECTORY ${SCRATCH})
foreach(expected IN ITEMS "Hello!\n" "Hello!\nHello!\n")
    execute_process(COMMAND ${PROGRAM} WORKING_DIRECTORY ${SCRATCH} OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
    if(NOT said STREQUAL expected)
        message(FATAL_ERROR "${PROGRAM} should have said\n${expected}and said\n${said}")
    endif()
endforeach()
