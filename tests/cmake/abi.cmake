# What programs know that are already built: the header and the library against every version in abi/, and a program
# built with the header of each version, run with the library of now.

file(GLOB abi_programs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/abi/*.c)
foreach(source IN LISTS abi_programs)
    get_filename_component(version ${source} NAME_WLE)
    add_executable(abi_${version} ${source})
    # The library as a file: the target would bring today's header with it.
    target_include_directories(abi_${version} PRIVATE ${PROJECT_SOURCE_DIR}/abi/${version})
    if(TARGET turnkeep_cargo)
        add_dependencies(abi_${version} turnkeep_cargo)
    endif()
    if(WIN32)
        target_link_libraries(abi_${version} PRIVATE $<TARGET_LINKER_FILE:Turnkeep::shared> turnkeep_programs)
    else()
        target_link_libraries(abi_${version} PRIVATE $<TARGET_FILE:Turnkeep::shared> turnkeep_programs)
        set_target_properties(abi_${version} PROPERTIES BUILD_RPATH $<TARGET_FILE_DIR:Turnkeep::shared>)
    endif()
    add_test(NAME abi/program/${version}
        COMMAND ${CMAKE_COMMAND} -D PROGRAM=$<TARGET_FILE:abi_${version}> -D SCRATCH=${scratch}/abi_${version}
            -P ${PROJECT_SOURCE_DIR}/tests/cmake/run_in_scratch.cmake)
endforeach()

find_program(PYTHON3 python3)
find_program(READELF readelf)
find_program(ABIDW abidw)
find_program(ABIDIFF abidiff)
# The frozen layouts are those of 64-bit Linux.
if(CMAKE_SYSTEM_NAME STREQUAL Linux AND CMAKE_SIZEOF_VOID_P EQUAL 8 AND PYTHON3 AND READELF AND ABIDW AND ABIDIFF)
    add_test(NAME abi/compatible
        COMMAND ${PYTHON3} ${PROJECT_SOURCE_DIR}/scripts/abi.py check $<TARGET_FILE:Turnkeep::shared> ${CMAKE_C_COMPILER})
    add_test(NAME abi/rules COMMAND ${PYTHON3} ${PROJECT_SOURCE_DIR}/tests/abi/test_rules.py)
else()
    message(STATUS "abidw and abidiff (abigail-tools), readelf and python3 are not all here, or this is not 64-bit Linux: "
        "the layout is not compared with abi/")
endif()
