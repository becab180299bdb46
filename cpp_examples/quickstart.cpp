// Turnkeep in C++: keep a conversation, ask what goes into the prompt. Run it twice: the second time it remembers.

#include <turnkeep/turnkeep.hpp>

#include <iostream>
#include <string>

int main(int argc, char** argv) {
    try {
        turnkeep::store store{argc > 1 ? argv[1] : "chat.db"};
        turnkeep::session_options demo;
        demo.id = "demo";
        auto session = store.session_exists("demo") ? store.open_session("demo") : store.create_session(demo);
        session.append(turnkeep::role::user, "Hello!");

        std::string prompt;
        for (const auto& message : session.window()) prompt.append(message.content()) += '\n';
        std::cout << prompt;
        store.close();
        return 0;
    } catch (const turnkeep::error& error) {
        std::cerr << "quickstart: " << error.what() << '\n';
        return 1;
    }
}
