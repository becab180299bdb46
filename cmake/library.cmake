# The targets Turnkeep::shared, Turnkeep::static and Turnkeep::turnkeep, built by cargo.

if(CMAKE_CROSSCOMPILING)
    message(FATAL_ERROR "Turnkeep's CMake build is for the machine it runs on. To build for ${CMAKE_SYSTEM_NAME}, call "
        "`cargo build --release --lib --target <triple>` and link what it makes.")
endif()

find_program(CARGO cargo HINTS $ENV{CARGO_HOME}/bin $ENV{HOME}/.cargo/bin DOC "The cargo that builds Turnkeep")
if(NOT CARGO)
    message(FATAL_ERROR "Turnkeep needs cargo, and there is none on the PATH. Install Rust (https://rustup.rs), or set "
        "-DCARGO=/path/to/cargo.")
endif()
find_package(Threads REQUIRED)

# A host's build keeps everything below its own folder. Here, cargo's usual folder saves building SQLite twice.
if(DEFINED ENV{CARGO_TARGET_DIR})
    set(default_target_dir $ENV{CARGO_TARGET_DIR})
elseif(PROJECT_IS_TOP_LEVEL)
    set(default_target_dir ${PROJECT_SOURCE_DIR}/target)
else()
    set(default_target_dir ${PROJECT_BINARY_DIR}/cargo)
endif()
set(TURNKEEP_TARGET_DIR ${default_target_dir} CACHE PATH "Where cargo keeps what it builds")

set(cargo_options --locked)
if(TURNKEEP_OFFLINE)
    list(APPEND cargo_options --offline)
endif()
if(TURNKEEP_FEATURES)
    string(REPLACE ";" "," features "${TURNKEEP_FEATURES}")
    list(APPEND cargo_options --features ${features})
endif()

# Said now, in words, and not after a minute of building by cargo.
execute_process(
    COMMAND ${CARGO} tree ${cargo_options} --edges normal,build
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    RESULT_VARIABLE failed OUTPUT_QUIET ERROR_VARIABLE why)
if(failed AND TURNKEEP_OFFLINE)
    message(FATAL_ERROR "cargo cannot build Turnkeep without the network:\n${why}\n"
        "If crates are missing, run `cargo fetch --locked` in ${PROJECT_SOURCE_DIR} once, or set -DTURNKEEP_OFFLINE=OFF.")
elseif(failed)
    message(FATAL_ERROR "cargo cannot build Turnkeep:\n${why}")
endif()

# The version in a shared library's name: what may be exchanged without linking anew. Before 1.0 that is the minor
# version. build.rs says the same; the test `symbols` compares them.
if(PROJECT_VERSION_MAJOR EQUAL 0)
    set(TURNKEEP_ABI 0.${PROJECT_VERSION_MINOR})
else()
    set(TURNKEEP_ABI ${PROJECT_VERSION_MAJOR})
endif()

# Files as cargo names them, as they are named here, and the links that stand beside them.
set(TURNKEEP_SHARED_LINKS "")
set(TURNKEEP_IMPORT_FILE "")
set(cargo_import_file "")
set(TURNKEEP_STATIC_LIBRARIES "")
if(WIN32)
    set(cargo_shared_file turnkeep.dll)
    set(TURNKEEP_SHARED_FILE turnkeep.dll)
    if(MSVC)
        set(cargo_import_file turnkeep.dll.lib)
        set(TURNKEEP_STATIC_FILE turnkeep.lib)
    else()
        set(cargo_import_file libturnkeep.dll.a)
        set(TURNKEEP_STATIC_FILE libturnkeep.a)
    endif()
    set(TURNKEEP_IMPORT_FILE ${cargo_import_file})
    set(TURNKEEP_STATIC_LIBRARIES bcrypt advapi32 kernel32 ntdll userenv ws2_32 dbghelp)
else()
    set(cargo_shared_file libturnkeep${CMAKE_SHARED_LIBRARY_SUFFIX})
    set(TURNKEEP_STATIC_FILE libturnkeep.a)
    if(APPLE)
        set(TURNKEEP_SHARED_FILE libturnkeep.${PROJECT_VERSION}.dylib)
        set(TURNKEEP_SHARED_LINKS libturnkeep.${TURNKEEP_ABI}.dylib libturnkeep.dylib)
        set(TURNKEEP_SONAME @rpath/libturnkeep.${TURNKEEP_ABI}.dylib)
        set(TURNKEEP_STATIC_LIBRARIES "-framework CoreFoundation" iconv)
    else()
        set(TURNKEEP_SHARED_FILE libturnkeep.so.${PROJECT_VERSION})
        set(TURNKEEP_SHARED_LINKS libturnkeep.so.${TURNKEEP_ABI} libturnkeep.so)
        set(TURNKEEP_SONAME libturnkeep.so.${TURNKEEP_ABI})
        set(TURNKEEP_STATIC_LIBRARIES ${CMAKE_DL_LIBS} m)
    endif()
endif()

set(cargo_profile $<IF:$<CONFIG:Debug>,dev,release>)
set(library_dir ${PROJECT_BINARY_DIR}/lib)
set(TURNKEEP_LIBRARY_DIR ${library_dir}/$<IF:$<CONFIG:Debug>,debug,release>)
set(byproducts ${TURNKEEP_SHARED_FILE} ${TURNKEEP_IMPORT_FILE} ${TURNKEEP_STATIC_FILE})
list(TRANSFORM byproducts PREPEND ${TURNKEEP_LIBRARY_DIR}/)

# ALL only where the library is wanted for itself: a host that links it depends on it.
set(all "")
if(PROJECT_IS_TOP_LEVEL OR TURNKEEP_INSTALL)
    set(all ALL)
endif()

# Cargo alone knows what has changed, so it is always asked. The script copies only what is new, so nothing is linked
# again without need.
add_custom_target(turnkeep_cargo ${all}
    COMMAND ${CMAKE_COMMAND}
        -D CARGO=${CARGO}
        -D PROFILE=${cargo_profile}
        -D "OPTIONS=${cargo_options}"
        -D TARGET_DIR=${TURNKEEP_TARGET_DIR}
        -D OUTPUT_DIR=${TURNKEEP_LIBRARY_DIR}
        -D "COPIES=${cargo_shared_file}=${TURNKEEP_SHARED_FILE};${cargo_import_file}=${TURNKEEP_IMPORT_FILE}"
        -D "LINKS=${TURNKEEP_SHARED_LINKS}"
        -D STATIC_FILE=${TURNKEEP_STATIC_FILE}
        -D LINKER=${CMAKE_LINKER}
        -D OBJCOPY=${CMAKE_OBJCOPY}
        -D AR=${CMAKE_AR}
        -P ${PROJECT_SOURCE_DIR}/cmake/build_library.cmake
    BYPRODUCTS ${byproducts}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    COMMENT "Asking cargo for libturnkeep"
    USES_TERMINAL VERBATIM)

foreach(kind IN ITEMS shared static)
    string(TOUPPER ${kind} KIND)
    add_library(Turnkeep::${kind} ${KIND} IMPORTED GLOBAL)
    add_dependencies(Turnkeep::${kind} turnkeep_cargo)
    set_target_properties(Turnkeep::${kind} PROPERTIES
        IMPORTED_LOCATION ${library_dir}/release/${TURNKEEP_${KIND}_FILE}
        IMPORTED_LOCATION_DEBUG ${library_dir}/debug/${TURNKEEP_${KIND}_FILE}
        INTERFACE_INCLUDE_DIRECTORIES ${PROJECT_SOURCE_DIR}/include)
endforeach()
if(TURNKEEP_IMPORT_FILE)
    set_target_properties(Turnkeep::shared PROPERTIES
        IMPORTED_IMPLIB ${library_dir}/release/${TURNKEEP_IMPORT_FILE}
        IMPORTED_IMPLIB_DEBUG ${library_dir}/debug/${TURNKEEP_IMPORT_FILE})
else()
    set_target_properties(Turnkeep::shared PROPERTIES IMPORTED_SONAME ${TURNKEEP_SONAME})
endif()
set_target_properties(Turnkeep::static PROPERTIES
    INTERFACE_COMPILE_DEFINITIONS TURNKEEP_STATIC
    INTERFACE_LINK_LIBRARIES "Threads::Threads;${TURNKEEP_STATIC_LIBRARIES}")

# Shared where nobody has chosen: one copy in memory for all programs, and it can be exchanged.
if(DEFINED BUILD_SHARED_LIBS AND NOT BUILD_SHARED_LIBS)
    add_library(Turnkeep::turnkeep ALIAS Turnkeep::static)
else()
    add_library(Turnkeep::turnkeep ALIAS Turnkeep::shared)
endif()
