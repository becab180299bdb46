# Each header alone: nothing included before it, and again after itself, without a warning in any standard we promise.

find_program(GCC gcc)
find_program(GXX g++)
find_program(CLANG clang)
find_program(CLANGXX clang++)

function(add_header_test header compiler standard language)
    if(NOT ${compiler})
        return()
    endif()
    get_filename_component(compiler_name ${${compiler}} NAME)
    get_filename_component(header_name ${header} NAME)
    foreach(times IN ITEMS once twice)
        set(include -include ${header})
        if(times STREQUAL twice)
            list(APPEND include -include ${header})
        endif()
        add_test(NAME headers/${header_name}/${compiler_name}/${standard}/${times}
            COMMAND ${${compiler}} -x ${language} -std=${standard} -fsyntax-only
                -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Werror
                -I ${PROJECT_SOURCE_DIR}/include ${include} /dev/null)
    endforeach()
endfunction()

foreach(standard IN ITEMS c99 c11)
    add_header_test(turnkeep/turnkeep.h GCC ${standard} c)
    add_header_test(turnkeep/turnkeep.h CLANG ${standard} c)
endforeach()
foreach(header IN ITEMS turnkeep/turnkeep.h turnkeep/turnkeep.hpp)
    if(EXISTS ${PROJECT_SOURCE_DIR}/include/${header})
        foreach(standard IN ITEMS c++17 c++20)
            add_header_test(${header} GXX ${standard} c++)
            add_header_test(${header} CLANGXX ${standard} c++)
        endforeach()
    endif()
endforeach()
