// A host of the Gemma.cpp session management, over Turnkeep: every call of its SessionManager, then those of its Session and
// its SessionStorage. See docs/moving.md.
//
// Usage: gemma_session [FOLDER]

#include <turnkeep/gemma_session.hpp>

#include <chrono>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using gemma::session::ConversationMessage;
using gemma::session::Session;
using gemma::session::SessionManager;
using gemma::session::SessionStorage;
using Role = ConversationMessage::Role;

namespace {

template <typename Messages>
void show(const char* what, const Messages& messages) {
    static constexpr const char* names[] = {"user", "assistant", "system"};
    std::cout << what << '\n';
    for (const auto& message : messages) {
        std::cout << "  " << names[static_cast<int>(message.role)] << " (" << message.token_count
                  << " tokens): " << message.content << '\n';
    }
}

/// What a call that answers true or false should have answered.
void expect(bool done, const char* what) {
    if (!done) throw std::runtime_error(std::string{"this failed: "} + what);
}

void use_a_session(Session& session) {
    session.add_message(Role::USER, "And through the session itself?", 6);
    session.touch();
    session.set_max_context_tokens(2048);
    show("history of the session", session.get_conversation_history());
    show("its context", session.get_context_messages());
    std::cout << session.get_session_id() << ": " << session.get_total_tokens() << " tokens, "
              << session.get_context_tokens() << " of them in a context of " << session.get_max_context_tokens()
              << '\n';
    const auto age = session.get_last_activity() - session.get_created_at();
    std::cout << "in use for " << std::chrono::duration_cast<std::chrono::milliseconds>(age).count() << " ms\n";
    std::cout << "metadata: " << session.get_metadata().dump() << '\n';
}

void use_sessions_of_ones_own(SessionManager& manager, const std::string& id) {
    Session copy{manager.get_session(id)->to_json()};
    Session scratch("scratch", 512);
    scratch.from_json(copy.to_json());
    scratch.clear_history();
    copy = std::move(scratch);

    ConversationMessage note{Role::SYSTEM, "A note.", std::chrono::system_clock::now(), 2};
    gemma::session::json value;
    note.to_json(value);
    note.from_json(value);
    copy.add_message(note.role, note.content, note.token_count);
    std::cout << "on its own: " << copy.to_json().dump() << '\n';
}

void use_a_manager(SessionManager& manager, const std::string& folder) {
    manager.set_event_callback([](const std::string& event, const gemma::session::json& data) {
        std::cout << "[" << event << "] " << data.dump() << '\n';
    });
    expect(manager.initialize(), "initialize");

    SessionManager::CreateOptions options;
    options.max_context_tokens = 1024;
    options.metadata = gemma::session::json::parse(R"({"user":"kim"})");
    const std::string id = manager.create_session(options);
    const std::string other = manager.create_session();
    expect(manager.session_exists(id), "session_exists");

    expect(manager.add_message(id, Role::SYSTEM, "Be brief.", 3), "add_message");
    expect(manager.add_message(id, Role::USER, "Hello!", 2), "add_message");
    expect(manager.add_message(id, Role::ASSISTANT, "Hi. How can I help?", 6), "add_message");
    show("history", manager.get_conversation_history(id));
    show("context", manager.get_context_messages(id));
    use_a_session(*manager.get_session(id));
    use_sessions_of_ones_own(manager, id);

    expect(manager.update_session_context_size(id, 4096), "update_session_context_size");
    expect(manager.clear_session_history(other), "clear_session_history");
    for (const auto& row : manager.list_sessions(10, 0, "created_at", true)) std::cout << row.dump() << '\n';

    const std::string file = folder + "/sessions.json";
    expect(manager.export_sessions(file, {id}), "export_sessions");
    expect(manager.delete_session(id), "delete_session");
    expect(!manager.delete_session(id), "delete_session of one that is gone");
    expect(manager.import_sessions(file) == 1, "import_sessions");
    expect(manager.get_conversation_history(id).size() == 4, "the history after the import");
    std::cout << manager.cleanup_expired_sessions() << " sessions had been unused for "
              << manager.get_config().storage_config.session_ttl.count() << " hours\n";

    std::cout << manager.get_statistics().dump() << '\n';
    const SessionManager::Metrics metrics = manager.get_metrics();
    std::cout << metrics.total_messages_processed << " messages, " << metrics.avg_tokens_per_session
              << " tokens in a session on average\n";
    manager.reset_metrics();
    manager.shutdown();
}

void use_a_storage(const SessionStorage::Config& config) {
    SessionStorage storage(config);
    expect(storage.initialize(), "initialize");
    const auto session = std::make_shared<Session>("from-elsewhere");
    session->add_message(Role::USER, "Keep me.", 3);
    expect(storage.save_session(session), "save_session");
    show("loaded", storage.load_session("from-elsewhere")->get_conversation_history());
    expect(storage.session_exists("from-elsewhere"), "session_exists");
    for (const auto& row : storage.list_sessions()) std::cout << row.dump() << '\n';
    for (const auto& row : storage.list_sessions(1, 0, "session_id")) std::cout << row.dump() << '\n';
    const auto file = storage.get_config().db_path + ".json";
    expect(storage.export_to_json(file), "export_to_json");
    expect(storage.delete_session("from-elsewhere"), "delete_session");
    expect(storage.import_from_json(file), "import_from_json");
    storage.cleanup_expired_sessions();
    std::cout << storage.get_statistics().dump() << '\n';
    storage.close();
}

} // namespace

int main(int argc, char** argv) {
    try {
        const std::string folder = argc > 1 ? argv[1] : ".";
        SessionManager::Config config;
        config.storage_config.db_path = folder + "/sessions.db";
        config.default_max_context_tokens = 8192;
        SessionManager manager(config);
        use_a_manager(manager, folder);
        use_a_storage(config.storage_config);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "gemma_session: " << error.what() << '\n';
        return 1;
    }
}
