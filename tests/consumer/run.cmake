# Configures, builds and runs one consumer project. See tests/cmake/consumers.cmake for its parameters.

cmake_minimum_required(VERSION 3.21)

file(REMOVE_RECURSE ${WORK_DIR})
file(MAKE_DIRECTORY ${WORK_DIR})

function(run)
    execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(configure)
    execute_process(
        COMMAND ${CMAKE_COMMAND} -S ${SOURCE_DIR}/tests/consumer/${PROJECT} -B ${WORK_DIR} -G ${GENERATOR} ${ARGN}
            -D CMAKE_BUILD_TYPE=${CONFIG} -D CMAKE_CXX_COMPILER=${CXX} -D "CMAKE_PREFIX_PATH=${PREFIX}"
            -D CMAKE_RUNTIME_OUTPUT_DIRECTORY=${WORK_DIR}/bin
            -D SOURCE_DIR=${SOURCE_DIR} -D KIND=${KIND} -D SQLITE3_ARCHIVE=${SQLITE3_ARCHIVE}
            -D CARGO=${CARGO} -D TURNKEEP_FEATURES=${FEATURES} -D TURNKEEP_TARGET_DIR=${TARGET_DIR}
        RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
    set(failed ${failed} PARENT_SCOPE)
    set(said "${said}" PARENT_SCOPE)
endfunction()

if(NAME STREQUAL install)
    run(${CMAKE_COMMAND} --install ${BUILD_DIR} --config ${CONFIG} --prefix ${PREFIX})
    return()
elseif(NAME STREQUAL move)
    # Installed elsewhere first, so that nothing is left where the tree believed itself to be.
    file(REMOVE_RECURSE ${PREFIX})
    run(${CMAKE_COMMAND} --install ${BUILD_DIR} --config ${CONFIG} --prefix ${WORK_DIR}/first)
    file(RENAME ${WORK_DIR}/first ${PREFIX})
    return()
elseif(NAME STREQUAL wrong_version)
    string(REGEX MATCHALL "[0-9]+" parts ${VERSION})
    list(GET parts 0 major)
    list(GET parts 1 minor)
    math(EXPR next_minor "${minor} + 1")
    math(EXPR next_major "${major} + 1")
    foreach(wanted IN ITEMS ${major}.${next_minor} ${next_major}.0)
        configure(-D VERSION=${wanted})
        if(NOT failed)
            message(FATAL_ERROR "Turnkeep ${VERSION} was accepted where ${wanted} was asked for")
        elseif(NOT said MATCHES "requested[ \n]+version[ \n]+\"${wanted}\"")
            message(FATAL_ERROR "refused, but not for its version:\n${said}")
        endif()
    endforeach()
    return()
elseif(NAME MATCHES "pkg_config")
    # With blanks in the path: pkg-config escapes them, and eval reads them back as a build system would.
    set(ENV{PKG_CONFIG_PATH} ${PREFIX}/${LIBDIR}/pkgconfig)
    set(ENV{PKG_CONFIG} ${PKG_CONFIG})
    set(ENV{CXX} ${CXX})
    set(ENV{LD_LIBRARY_PATH} ${PREFIX}/${LIBDIR})
    run(${PKG_CONFIG} --exact-version ${VERSION} turnkeep)
    run(sh ${SOURCE_DIR}/tests/consumer/pkg_config.sh ${KIND} ${SOURCE_DIR}/tests/consumer/main.cpp ${WORK_DIR}/consumer)
    run(${WORK_DIR}/consumer)
    return()
endif()

configure(-D VERSION=${VERSION})
if(failed)
    message(FATAL_ERROR "${said}")
endif()
run(${CMAKE_COMMAND} --build ${WORK_DIR} --config ${CONFIG})

file(GLOB_RECURSE programs ${WORK_DIR}/bin/*)
list(FILTER programs EXCLUDE REGEX "\\.(pdb|ilk)$")
if(NOT programs)
    message(FATAL_ERROR "nothing was built in ${WORK_DIR}")
endif()
foreach(program IN LISTS programs)
    get_filename_component(name ${program} NAME)
    file(MAKE_DIRECTORY ${WORK_DIR}/files/${name})
    run(${program} ${WORK_DIR}/files/${name})
endforeach()
