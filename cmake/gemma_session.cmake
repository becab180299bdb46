# Turnkeep::gemma_session: turnkeep/gemma_session.hpp for hosts of the Gemma.cpp session management, with the headers' old
# names on the include path. With TURNKEEP_GEMMA_ALIAS it is also Gemma::Session.
#
# Included where Turnkeep is built, and installed for its package.

function(turnkeep_describe_gemma_session target include_dir)
    set(compat ${include_dir}/turnkeep/gemma_session/compat)
    set(libraries Turnkeep::turnkeep)
    # Hosts got it from there. Without it the header looks for it by itself, and does without.
    if(NOT TARGET nlohmann_json::nlohmann_json)
        find_package(nlohmann_json CONFIG QUIET)
    endif()
    if(TARGET nlohmann_json::nlohmann_json)
        list(APPEND libraries nlohmann_json::nlohmann_json)
    endif()
    set_target_properties(${target} PROPERTIES
        INTERFACE_LINK_LIBRARIES "${libraries}"
        INTERFACE_INCLUDE_DIRECTORIES "${compat};${compat}/gemma;${compat}/gemma/session"
        INTERFACE_COMPILE_FEATURES cxx_std_17
        INTERFACE_COMPILE_DEFINITIONS GEMMA_HAS_SESSION_MANAGEMENT=1)
endfunction()
