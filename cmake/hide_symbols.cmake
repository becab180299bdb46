# Makes OUTPUT of INPUT: the static archive in which only turnkeep_* can be seen from outside.
#
# Cargo's archive shows every function of the SQLite and the Rust runtime inside it. A host that links its own SQLite
# beside it would get one of the two, silently, for both. So all objects become one, in which every other name is local.
# The tools that understand everything rustc writes are rustc's own; those of the C toolchain serve where Rust comes
# without them (some distributions).
#
# Only ELF has such tools everywhere. Elsewhere the archive stays as it is: link Turnkeep::shared beside another SQLite.

if(NOT CMAKE_HOST_UNIX OR CMAKE_HOST_APPLE)
    file(COPY_FILE ${INPUT} ${OUTPUT})
    return()
endif()

set(rustc $ENV{RUSTC})
if(NOT rustc)
    get_filename_component(rustc ${CARGO} DIRECTORY)
    set(rustc ${rustc}/rustc)
    if(NOT EXISTS ${rustc})
        set(rustc rustc)
    endif()
endif()
execute_process(COMMAND ${rustc} --print sysroot OUTPUT_VARIABLE sysroot OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
file(GLOB tools LIST_DIRECTORIES true ${sysroot}/lib/rustlib/*/bin)
find_program(rust_ld ld.lld PATHS ${tools} PATH_SUFFIXES gcc-ld NO_DEFAULT_PATH NO_CACHE)
find_program(rust_objcopy rust-objcopy PATHS ${tools} NO_DEFAULT_PATH NO_CACHE)

if(rust_ld AND rust_objcopy)
    set(ld ${rust_ld})
    set(objcopy ${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${sysroot}/lib ${rust_objcopy})
elseif(LINKER AND OBJCOPY)
    set(ld ${LINKER})
    set(objcopy ${OBJCOPY})
else()
    message(FATAL_ERROR "The static libturnkeep needs a linker and objcopy to hide the SQLite inside it: rustc's own "
        "(rust-lld and rust-objcopy, which rustup installs; looked in ${sysroot}/lib/rustlib), or GNU binutils.")
endif()

set(object ${OUTPUT}.o)
function(run what)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
    if(failed)
        message(FATAL_ERROR "Could not ${what} of the static libturnkeep (${ARGV1}):\n${said}")
    endif()
endfunction()

# Groups would let the host's linker drop our copy of a local name for somebody else's.
run("join the objects" ${ld} -r --force-group-allocation --whole-archive ${INPUT} -o ${object})
set(strip "")
if(NOT PROFILE STREQUAL "dev")
    set(strip --strip-debug)
endif()
# Bitcode serves nobody but the same rustc, is a third of the size, and makes ar and nm crash where an older LLVM has
# put its plugin beside them.
run("hide the symbols" ${objcopy} --wildcard "--keep-global-symbol=turnkeep_*" ${strip}
    --remove-section=.llvmbc --remove-section=.llvmcmd --remove-section=.llvm_addrsig ${object})
file(REMOVE ${OUTPUT})
run("make an archive" ${AR} rcsD ${OUTPUT} ${object})
file(REMOVE ${object})
