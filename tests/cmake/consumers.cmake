# Projects that use Turnkeep from outside: each is configured, built and run as its author would. See tests/consumer.

find_program(PKG_CONFIG pkg-config)
find_program(SH sh)
find_path(SQLITE3_INCLUDE sqlite3.h)
find_library(SQLITE3_ARCHIVE libsqlite3.a)

set(consumer_dir ${CMAKE_CURRENT_BINARY_DIR}/consumer)
# A path with a blank in it: what forgets its quotes is found here.
set(prefix "${consumer_dir}/installed here")
set(moved_prefix "${consumer_dir}/moved there")

function(add_consumer_test name)
    add_test(NAME consumer/${name}
        COMMAND ${CMAKE_COMMAND}
            -D NAME=${name}
            -D SOURCE_DIR=${PROJECT_SOURCE_DIR}
            -D BUILD_DIR=${PROJECT_BINARY_DIR}
            -D WORK_DIR=${consumer_dir}/${name}
            -D VERSION=${PROJECT_VERSION}
            -D GENERATOR=${CMAKE_GENERATOR}
            -D CONFIG=$<CONFIG>
            -D CXX=${CMAKE_CXX_COMPILER}
            -D CARGO=${CARGO}
            -D FEATURES=${TURNKEEP_FEATURES}
            -D TARGET_DIR=${TURNKEEP_TARGET_DIR}
            -D PKG_CONFIG=${PKG_CONFIG}
            -D LIBDIR=${CMAKE_INSTALL_LIBDIR}
            ${ARGN}
            -P ${PROJECT_SOURCE_DIR}/tests/consumer/run.cmake)
endfunction()

function(consumer_uses name fixture)
    set_tests_properties(consumer/${name} PROPERTIES FIXTURES_REQUIRED ${fixture})
endfunction()

add_consumer_test(install -D "PREFIX=${prefix}")
set_tests_properties(consumer/install PROPERTIES FIXTURES_SETUP installed)
add_consumer_test(move -D "PREFIX=${moved_prefix}")
set_tests_properties(consumer/move PROPERTIES FIXTURES_SETUP moved)

foreach(kind IN ITEMS shared static turnkeep)
    add_consumer_test(find_package_${kind} -D PROJECT=find_package -D KIND=${kind} -D "PREFIX=${prefix}")
    consumer_uses(find_package_${kind} installed)
endforeach()
foreach(kind IN ITEMS shared static)
    add_consumer_test(moved_find_package_${kind} -D PROJECT=find_package -D KIND=${kind} -D "PREFIX=${moved_prefix}")
    consumer_uses(moved_find_package_${kind} moved)
endforeach()

add_consumer_test(gemma_session -D PROJECT=gemma_session -D "PREFIX=${prefix}")
consumer_uses(gemma_session installed)
add_consumer_test(moved_gemma_session -D PROJECT=gemma_session -D "PREFIX=${moved_prefix}")
consumer_uses(moved_gemma_session moved)

add_consumer_test(wrong_version -D PROJECT=find_package -D KIND=turnkeep -D "PREFIX=${prefix}")
consumer_uses(wrong_version installed)

foreach(project IN ITEMS subdirectory fetch_content)
    add_consumer_test(${project} -D PROJECT=${project})
    # Two at once would wait for each other in cargo.
    set_tests_properties(consumer/${project} PROPERTIES RESOURCE_LOCK cargo)
endforeach()

if(PKG_CONFIG AND SH)
    foreach(kind IN ITEMS shared static archive)
        add_consumer_test(pkg_config_${kind} -D KIND=${kind} -D "PREFIX=${prefix}")
        consumer_uses(pkg_config_${kind} installed)
    endforeach()
    add_consumer_test(moved_pkg_config -D KIND=shared -D "PREFIX=${moved_prefix}")
    consumer_uses(moved_pkg_config moved)
else()
    message(STATUS "No pkg-config: its consumers are left out")
endif()

if(SQLITE3_INCLUDE)
    add_consumer_test(own_sqlite -D PROJECT=own_sqlite -D "PREFIX=${prefix}" -D SQLITE3_ARCHIVE=${SQLITE3_ARCHIVE})
    consumer_uses(own_sqlite installed)
else()
    message(STATUS "No sqlite3.h: the host with a SQLite of its own is left out")
endif()
