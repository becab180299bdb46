// A host with a SQLite of its own: both work in one program, on files of their own, and neither gets the other's code.

#include <sqlite3.h>
#include <turnkeep/turnkeep.h>

#include <cstdio>
#include <cstring>
#include <string>

static int fail(const std::string &what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    return 1;
}

static int host_sqlite(const std::string &path) {
    sqlite3 *database = nullptr;
    const bool works = sqlite3_open(path.c_str(), &database) == SQLITE_OK &&
                       sqlite3_exec(database, "CREATE TABLE notes(text); INSERT INTO notes VALUES('mine')", nullptr,
                                    nullptr, nullptr) == SQLITE_OK &&
                       sqlite3_changes(database) == 1;
    sqlite3_close(database);
    return works ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        return fail("usage: host FOLDER");
    }
    const std::string folder = argv[1];

    // The header came with the host's SQLite: this fails if Turnkeep's has taken its place.
    if (std::strcmp(sqlite3_libversion(), SQLITE_VERSION) != 0 ||
        std::strcmp(sqlite3_sourceid(), SQLITE_SOURCE_ID) != 0) {
        return fail(std::string("the host was built with SQLite " SQLITE_VERSION ", and runs with ") +
                    sqlite3_libversion());
    }
    if (host_sqlite(folder + "/notes.db") != 0) {
        return fail("the host's SQLite does not work");
    }

    // Turnkeep refuses a SQLite below 3.51.3. So if the host's is older, opening a store proves that it uses its own.
    turnkeep_error *error = nullptr;
    turnkeep_store *store = nullptr;
    turnkeep_session *session = nullptr;
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    if (turnkeep_store_open((folder + "/chat.db").c_str(), nullptr, &store, &error) != TURNKEEP_OK ||
        turnkeep_session_create(store, nullptr, &session, &error) != TURNKEEP_OK ||
        turnkeep_session_append(session, TURNKEEP_ROLE_USER, "Hello!", 6, &receipt, &error) != TURNKEEP_OK ||
        turnkeep_store_close(store, &error) != TURNKEEP_OK) {
        return fail(turnkeep_error_message(error).data);
    }
    turnkeep_session_close(session);
    if (receipt.last_seq != 1) {
        return fail("the message has no place");
    }
    std::printf("host: SQLite %s; Turnkeep %s beside it%s\n", sqlite3_libversion(), turnkeep_version(),
                sqlite3_libversion_number() < 3051003 ? " with its own" : "");
    return 0;
}
