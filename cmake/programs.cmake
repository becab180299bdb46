# What tests and examples have in common: strict warnings, and sanitizers if asked for.
#
# The sanitizers see the C and C++ code only: they find what a host does wrong with the library, and what the library
# gives a host to do wrong.

add_library(turnkeep_programs INTERFACE)
target_compile_features(turnkeep_programs INTERFACE c_std_11 cxx_std_17)
if(MSVC)
    target_compile_options(turnkeep_programs INTERFACE /W4 /WX /utf-8)
else()
    target_compile_options(turnkeep_programs INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror)
endif()
if(TURNKEEP_SANITIZE)
    string(REPLACE ";" "," sanitizers "${TURNKEEP_SANITIZE}")
    set(sanitize -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_compile_options(turnkeep_programs INTERFACE ${sanitize})
    target_link_options(turnkeep_programs INTERFACE ${sanitize})
endif()
find_package(Threads REQUIRED)
target_link_libraries(turnkeep_programs INTERFACE Threads::Threads)
