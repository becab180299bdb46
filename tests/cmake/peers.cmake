# The benchmark beside other stores: its own logic, and a short run of what needs no package.

find_program(PYTHON3 python3)
if(CMAKE_SYSTEM_NAME STREQUAL Linux AND PYTHON3)
    add_executable(peers_turnkeep ${PROJECT_SOURCE_DIR}/benches/peers/turnkeep.c)
    target_link_libraries(peers_turnkeep PRIVATE Turnkeep::shared turnkeep_programs)
    add_test(NAME peers/report
        COMMAND ${PYTHON3} ${PROJECT_SOURCE_DIR}/tests/bench_peers.py $<TARGET_FILE:peers_turnkeep>
            $<TARGET_FILE:Turnkeep::shared> ${scratch}/peers)
endif()
