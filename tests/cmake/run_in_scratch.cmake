# Runs PROGRAM with an empty folder SCRATCH as its first argument. What a failed test left there stays to be looked at.

file(REMOVE_RECURSE ${SCRATCH})
file(MAKE_DIRECTORY ${SCRATCH})
execute_process(COMMAND ${PROGRAM} ${SCRATCH} WORKING_DIRECTORY ${SCRATCH} RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "${PROGRAM} ended with ${result}; its files are in ${SCRATCH}")
endif()
file(REMOVE_RECURSE ${SCRATCH})
