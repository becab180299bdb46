// A host of the Gemma.cpp session management as its documentation has hosts: quick start, configuration, events.
//
// Usage: host FOLDER

#undef NDEBUG

#include "SessionManager.h"

// The other places from which hosts have included it.
#include "Session.h"
#include "session/SessionStorage.h"
#include <gemma/session/SessionManager.h>

#include "../../support/check.hpp"

#include <chrono>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#ifndef GEMMA_HAS_SESSION_MANAGEMENT
#error "Hosts ask for this macro."
#endif

#if !TURNKEEP_GEMMA_NLOHMANN
// All that such a host does with a value is to hand it on as text.
namespace nlohmann {
using json = gemma::session::json;
}
#endif

using namespace gemma::session;

namespace {

std::string folder;

void the_quick_start_runs_as_it_stood() {
    SessionManager::Config config;
    config.storage_config.db_path = folder + "/quick_start.db";
    config.default_max_context_tokens = 8192;

    SessionManager manager(config);
    manager.initialize();

    std::string session_id = manager.create_session();
    manager.add_message(session_id, ConversationMessage::Role::USER, "What is a session?", 5);
    manager.add_message(session_id, ConversationMessage::Role::ASSISTANT, "A conversation that is kept.", 6);

    auto history = manager.get_conversation_history(session_id);
    auto context = manager.get_context_messages(session_id);

    CHECK_EQUAL(history.size(), 2u);
    CHECK_EQUAL(history[1].content, "A conversation that is kept.");
    CHECK_EQUAL(context.size(), 2u);
}

void the_advanced_configuration_runs_as_it_stood() {
    SessionManager::Config config;
    config.storage_config.db_path = folder + "/configured.db";
    config.storage_config.cache_capacity = 200;
    config.storage_config.session_ttl = std::chrono::hours(72);
    config.storage_config.enable_auto_cleanup = true;
    config.storage_config.cleanup_interval = std::chrono::minutes(30);
    config.default_max_context_tokens = 32768;
    config.enable_metrics = true;
    config.metrics_interval = std::chrono::minutes(1);

    SessionManager manager(config);
    CHECK(manager.initialize());

    SessionManager::CreateOptions options;
    options.session_id = "user-42";
    options.max_context_tokens = 16384;
#if TURNKEEP_GEMMA_NLOHMANN
    options.metadata = nlohmann::json{{"user", "kim"}, {"purpose", "support"}};
#endif
    CHECK_EQUAL(manager.create_session(options), "user-42");
    CHECK_EQUAL(manager.get_session("user-42")->get_max_context_tokens(), 16384u);
    CHECK_EQUAL(manager.get_config().storage_config.session_ttl.count(), 72);
#if TURNKEEP_GEMMA_NLOHMANN
    auto stats = manager.get_statistics();
    CHECK_EQUAL(stats["storage"]["cache_capacity"].get<size_t>(), 200u);
    CHECK_EQUAL(stats["metrics"]["total_sessions_created"].get<size_t>(), 1u);
    for (const auto& row : manager.list_sessions()) CHECK_EQUAL(row["session_id"].get<std::string>(), "user-42");
#endif
}

void the_events_run_as_they_stood() {
    std::ostringstream log;
    SessionManager::Config config;
    config.storage_config.db_path = folder + "/events.db";
    SessionManager manager(config);
    manager.set_event_callback([&log](const std::string& event, const nlohmann::json& data) {
        log << "Event: " << event << " Data: " << data.dump() << std::endl;
    });

    manager.initialize();
    const auto id = manager.create_session();
    manager.delete_session(id);
    manager.shutdown();

    for (const auto* event : {"manager_initialized", "session_created", "session_deleted", "manager_shutdown"}) {
        CHECK(log.str().find(std::string{"Event: "} + event + " Data: {") != std::string::npos);
    }
    CHECK(log.str().find(id) != std::string::npos);
}

void errors_come_as_they_did() {
    SessionManager manager;
    try {
        manager.create_session();
        CHECK(false);
    } catch (const std::runtime_error&) {
    }
    try {
        Session session("", 100);
        CHECK(false);
    } catch (const std::invalid_argument&) {
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    folder = argv[1];
    return check::run({
        TEST(the_quick_start_runs_as_it_stood),
        TEST(the_advanced_configuration_runs_as_it_stood),
        TEST(the_events_run_as_they_stood),
        TEST(errors_come_as_they_did),
    });
}
