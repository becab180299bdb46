# What the libraries show: the header's functions and nothing else. Run by CTest as a script, included to be registered.

if(NOT CMAKE_SCRIPT_MODE_FILE)
    find_program(READELF readelf)
    if(TURNKEEP_SONAME AND READELF AND NOT APPLE)
        foreach(kind IN ITEMS shared static)
            add_test(NAME symbols/${kind}
                COMMAND ${CMAKE_COMMAND} -D KIND=${kind} -D FILE=$<TARGET_FILE:Turnkeep::${kind}>
                    -D SONAME=${TURNKEEP_SONAME} -D READELF=${READELF}
                    -D HEADER=${PROJECT_SOURCE_DIR}/include/turnkeep/turnkeep.h -P ${CMAKE_CURRENT_LIST_FILE})
        endforeach()
    endif()
    return()
endif()

cmake_minimum_required(VERSION 3.21)

function(read_elf out)
    execute_process(COMMAND ${READELF} --wide ${ARGN} ${FILE}
        OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
    # Lists of lines: what is special to a list in CMake must not stand in one.
    string(REGEX REPLACE "[][;]" "_" text "${text}")
    string(REPLACE "\n" ";" text "${text}")
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

# Num: Value Size Type Bind Vis Ndx Name; a defined symbol that is not LOCAL can be seen.
set(table --symbols)
if(KIND STREQUAL shared)
    set(table --dyn-syms)
endif()
read_elf(symbols ${table})
list(FILTER symbols INCLUDE REGEX " (GLOBAL|WEAK|UNIQUE) +[A-Z]+ +([0-9]+|ABS|COM) ")
list(TRANSFORM symbols REPLACE "^.* " "")
list(TRANSFORM symbols REPLACE "@.*$" "")
list(SORT symbols)
list(REMOVE_DUPLICATES symbols)

file(READ ${HEADER} header)
string(REGEX MATCHALL "TURNKEEP_API [^(;]*[ *]turnkeep_[a-z0-9_]+\\(" functions "${header}")
list(TRANSFORM functions REPLACE "^.*[ *](turnkeep_[a-z0-9_]+)\\($" "\\1")
list(SORT functions)

set(extra ${symbols})
list(REMOVE_ITEM extra ${functions})
set(missing ${functions})
list(REMOVE_ITEM missing ${symbols})
list(LENGTH functions count)
if(count LESS 10)
    message(FATAL_ERROR "only ${count} functions found in ${HEADER}: does this test still read it rightly?")
endif()
if(missing)
    message(SEND_ERROR "in turnkeep.h, but not in ${FILE}: ${missing}")
endif()
if(extra)
    message(SEND_ERROR "not in turnkeep.h, but shown by ${FILE}: ${extra}")
endif()

if(KIND STREQUAL shared)
    read_elf(dynamic --dynamic)
    if(NOT dynamic MATCHES "SONAME[^;]*_${SONAME}_")
        message(SEND_ERROR "${FILE} does not call itself ${SONAME}: build.rs and cmake/library.cmake disagree")
    endif()
    if(NOT dynamic MATCHES "NODELETE")
        message(SEND_ERROR "${FILE} may be unloaded by dlclose while its threads still run: -z nodelete is missing")
    endif()
endif()
message(STATUS "${KIND}: ${count} functions")
