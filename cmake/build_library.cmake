# Lets cargo build libturnkeep and puts it where CMake's targets expect it. Run by the target turnkeep_cargo.
#
# PROFILE, OPTIONS      cargo's
# TARGET_DIR            where cargo works
# OUTPUT_DIR            where the libraries go
# COPIES                "name there=name here" of files that are only copied
# LINKS                 links to the first of them
# STATIC_FILE           the archive, which goes through hide_symbols.cmake
# LINKER, OBJCOPY, AR   for it, where rustc has not brought its own

cmake_minimum_required(VERSION 3.21)

execute_process(
    # With an rlib among the crate types cargo leaves link-time optimisation out.
    COMMAND ${CARGO} rustc --lib --profile ${PROFILE} ${OPTIONS} --target-dir ${TARGET_DIR}
        --crate-type cdylib --crate-type staticlib
    RESULT_VARIABLE failed)
if(failed)
    message(FATAL_ERROR "cargo could not build libturnkeep; its own words stand above.")
endif()

set(built ${TARGET_DIR}/release)
if(PROFILE STREQUAL "dev")
    set(built ${TARGET_DIR}/debug)
endif()
if(NOT EXISTS ${built}/${STATIC_FILE})
    message(FATAL_ERROR "cargo built libturnkeep, but not in ${built}: does a cargo configuration set build.target?")
endif()

set(first "")
foreach(copy IN LISTS COPIES)
    if(copy MATCHES "^(.+)=(.+)$")
        set(name ${CMAKE_MATCH_2})
        # Not copy_file(ONLY_IF_DIFFERENT): that gives the copy cargo's time, which may be older than the last link.
        execute_process(
            COMMAND ${CMAKE_COMMAND} -E copy_if_different ${built}/${CMAKE_MATCH_1} ${OUTPUT_DIR}/${name}
            COMMAND_ERROR_IS_FATAL ANY)
        if(NOT first)
            set(first ${name})
        endif()
    endif()
endforeach()
foreach(link IN LISTS LINKS)
    if(NOT EXISTS ${OUTPUT_DIR}/${link})
        file(CREATE_LINK ${first} ${OUTPUT_DIR}/${link} SYMBOLIC)
    endif()
endforeach()

# What the archive was made from is remembered by its hash: cargo may exchange it for an older one of other features.
file(SHA256 ${built}/${STATIC_FILE} hash)
set(made_from "")
if(EXISTS ${OUTPUT_DIR}/${STATIC_FILE} AND EXISTS ${OUTPUT_DIR}/${STATIC_FILE}.from)
    file(READ ${OUTPUT_DIR}/${STATIC_FILE}.from made_from)
endif()
file(SHA256 ${CMAKE_CURRENT_LIST_DIR}/hide_symbols.cmake script_hash)
if(NOT made_from STREQUAL "${hash} ${script_hash}")
    set(INPUT ${built}/${STATIC_FILE})
    set(OUTPUT ${OUTPUT_DIR}/${STATIC_FILE})
    include(${CMAKE_CURRENT_LIST_DIR}/hide_symbols.cmake)
    file(WRITE ${OUTPUT}.from "${hash} ${script_hash}")
endif()
