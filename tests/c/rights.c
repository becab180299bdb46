/* Who may read the files: whoever made them, and nobody else, whatever the process's umask. */

#include "../support/check.h"

#ifdef _WIN32
int main(void) {
    puts("skipped: this is about the rights of files as POSIX has them");
    return 0;
}
#else

#include "../support/process.h"

static mode_t rights_of(const char *path, const char *end) {
    char name[PATH_BYTES + 8];
    struct stat status;
    snprintf(name, sizeof name, "%s%s", path, end);
    if (stat(name, &status) != 0) check_fail(__FILE__, __LINE__, "%s is not there", name);
    return status.st_mode & 07777;
}

static void write_something(turnkeep_store *store) {
    turnkeep_session *session = create(store, NULL);
    say(session, "for my eyes only");
    turnkeep_session_close(session);
}

static void new_files_are_for_their_owner_alone(void) {
    const mode_t masks[] = {0, 022, 077, 0277, 0777};
    unsigned each;
    for (each = 0; each < sizeof masks / sizeof *masks; each++) {
        const mode_t before = umask(masks[each]);
        const char *path = fresh_path(), *copy = fresh_path(), *salvaged = fresh_path(), *export = fresh_path();
        turnkeep_store *store = open_store(path);
        turnkeep_salvage_report *report = NULL;
        turnkeep_transfer_report *exported = NULL;
        turnkeep_export_options all = TURNKEEP_EXPORT_OPTIONS_INIT;
        all.format = TURNKEEP_FORMAT_TURNKEEP;
        write_something(store);
        CHECK_EQUAL(rights_of(path, ""), 0600);
        CHECK_EQUAL(rights_of(path, "-wal"), 0600);
        CHECK_EQUAL(rights_of(path, "-shm"), 0600);
        OK(turnkeep_store_backup(store, copy, NULL, &failure));
        CHECK_EQUAL(rights_of(copy, ""), 0600);
        OK(turnkeep_store_export_file(store, export, &all, &exported, &failure));
        turnkeep_transfer_report_free(exported);
        CHECK_EQUAL(rights_of(export, ""), 0600);
        OK(turnkeep_store_vacuum(store, &failure));
        close_store(store);
        OK(turnkeep_store_salvage(path, salvaged, &report, &failure));
        turnkeep_salvage_report_free(report);
        CHECK_EQUAL(rights_of(salvaged, ""), 0600);
        umask(before);
    }
}

static void what_is_there_keeps_its_rights(void) {
    const char *path = fresh_path(), *copy = fresh_path();
    turnkeep_backup_options over = TURNKEEP_BACKUP_OPTIONS_INIT;
    turnkeep_store *store;
    write_file(path, "", 0);
    CHECK_EQUAL(chmod(path, 0640), 0);
    store = open_store(path);
    write_something(store);
    CHECK_EQUAL(rights_of(path, ""), 0640);
    CHECK_EQUAL(rights_of(path, "-wal"), 0640);
    CHECK_EQUAL(rights_of(path, "-shm"), 0640);
    OK(turnkeep_store_backup(store, copy, NULL, &failure));
    CHECK_EQUAL(chmod(copy, 0660), 0);
    over.overwrite = 1;
    OK(turnkeep_store_backup(store, copy, &over, &failure));
    CHECK_EQUAL(rights_of(copy, ""), 0660);
    close_store(store);
    close_store(open_store(path));
    CHECK_EQUAL(rights_of(path, ""), 0640);
}

static void a_link_to_a_file_that_is_not_there_yet_leads_to_one_for_its_owner_alone(void) {
    const char *target = fresh_path(), *link = in_scratch("link.db");
    const mode_t before = umask(0);
    turnkeep_store *store;
    CHECK_EQUAL(symlink(target, link), 0);
    store = open_store(link);
    write_something(store);
    CHECK_EQUAL(rights_of(target, ""), 0600);
    close_store(store);
    umask(before);
}

/* The files that a killed process leaves while it salvages are as private as the others; they go when it ends well. */
static void nothing_is_left_beside_a_store(void) {
    const char *path = in_scratch("alone/chat.db");
    char command[PATH_BYTES + 64];
    FILE *listing;
    char line[256];
    int lines = 0;
    turnkeep_store *store = open_store(path);
    write_something(store);
    snprintf(command, sizeof command, "ls -A '%s'", in_scratch("alone"));
    listing = popen(command, "r");
    CHECK(listing != NULL);
    while (fgets(line, sizeof line, listing) != NULL) {
        CHECK(strncmp(line, "chat.db", 7) == 0 && strstr(line, "partial") == NULL);
        lines++;
    }
    CHECK_EQUAL(pclose(listing), 0);
    CHECK_EQUAL(lines, 3);
    close_store(store);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(new_files_are_for_their_owner_alone);
    RUN(what_is_there_keeps_its_rights);
    RUN(a_link_to_a_file_that_is_not_there_yet_leads_to_one_for_its_owner_alone);
    RUN(nothing_is_left_beside_a_store);
    return 0;
}

#endif
