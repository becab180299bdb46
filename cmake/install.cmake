# `cmake --install`: libraries, headers, the CMake package and the pkg-config file. The tree may be moved afterwards.
#
# Components: turnkeep_runtime (the shared library), turnkeep_development (all the rest); turnkeep_program is in
# program.cmake.

include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Turnkeep)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(shared_dir ${CMAKE_INSTALL_LIBDIR})
if(WIN32)
    set(shared_dir ${CMAKE_INSTALL_BINDIR})
endif()

install(PROGRAMS ${TURNKEEP_LIBRARY_DIR}/${TURNKEEP_SHARED_FILE} DESTINATION ${shared_dir} COMPONENT turnkeep_runtime)
foreach(link IN LISTS TURNKEEP_SHARED_LINKS)
    install(FILES ${TURNKEEP_LIBRARY_DIR}/${link} DESTINATION ${shared_dir} COMPONENT turnkeep_runtime)
endforeach()
foreach(file IN ITEMS ${TURNKEEP_STATIC_FILE} ${TURNKEEP_IMPORT_FILE})
    install(FILES ${TURNKEEP_LIBRARY_DIR}/${file}
        DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT turnkeep_development)
endforeach()
install(DIRECTORY include/turnkeep DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT turnkeep_development)
install(FILES LICENSE-MIT LICENSE-APACHE CHANGELOG.md
    DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/turnkeep COMPONENT turnkeep_development)

# Before 1.0 a minor version may break: it is not taken for an older one.
set(compatibility SameMajorVersion)
if(PROJECT_VERSION_MAJOR EQUAL 0)
    set(compatibility SameMinorVersion)
endif()
set(package_files ${PROJECT_BINARY_DIR}/package)
configure_package_config_file(cmake/TurnkeepConfig.cmake.in ${package_files}/TurnkeepConfig.cmake
    INSTALL_DESTINATION ${package_dir}
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR shared_dir)
write_basic_package_version_file(${package_files}/TurnkeepConfigVersion.cmake COMPATIBILITY ${compatibility})
install(FILES ${package_files}/TurnkeepConfig.cmake ${package_files}/TurnkeepConfigVersion.cmake cmake/gemma_session.cmake
    DESTINATION ${package_dir} COMPONENT turnkeep_development)

# From where the .pc file lies to the prefix, so that the tree may be moved.
file(RELATIVE_PATH prefix_from_pkgconfig /prefix/${pkgconfig_dir} /prefix)
string(REGEX REPLACE "/$" "" prefix_from_pkgconfig ${prefix_from_pkgconfig})
set(private_libraries ${CMAKE_THREAD_LIBS_INIT})
foreach(library IN LISTS TURNKEEP_STATIC_LIBRARIES)
    if(library MATCHES "^-")
        string(APPEND private_libraries " ${library}")
    else()
        string(APPEND private_libraries " -l${library}")
    endif()
endforeach()
string(STRIP "${private_libraries}" private_libraries)
configure_file(cmake/turnkeep.pc.in ${package_files}/turnkeep.pc @ONLY)
install(FILES ${package_files}/turnkeep.pc DESTINATION ${pkgconfig_dir} COMPONENT turnkeep_development)
