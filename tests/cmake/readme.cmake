# What the README shows is run as it stands there.

find_program(PYTHON3 python3)
if(PYTHON3 AND UNIX AND EXISTS ${PROJECT_SOURCE_DIR}/README.md)
    foreach(language IN ITEMS c cpp python)
        set(compiler ${CMAKE_CXX_COMPILER})
        if(language STREQUAL c)
            set(compiler ${CMAKE_C_COMPILER})
        endif()
        add_test(NAME readme/${language}
            COMMAND ${PYTHON3} ${PROJECT_SOURCE_DIR}/tests/readme.py ${language}
                $<TARGET_FILE_DIR:Turnkeep::shared> ${compiler} ${scratch}/readme_${language})
    endforeach()
endif()
