/* What a host can do wrong in section 12 of the header, and with what was added to section 2 for it. */

#include "../support/hostile.h"

static void null_in_maintenance(void) {
    turnkeep_check_report *check = NULL;
    turnkeep_salvage_report *salvaged = NULL;
    turnkeep_sizes sizes = TURNKEEP_SIZES_INIT;
    turnkeep_erase_report report = TURNKEEP_ERASE_REPORT_INIT;
    turnkeep_store *opened = NULL;
    const char *copy = fresh_path();

    NULL_REFUSED(turnkeep_store_backup, store, turnkeep_store_backup(NULL, copy, NULL, &failure));
    NULL_REFUSED(turnkeep_store_backup, path, turnkeep_store_backup(store, NULL, NULL, &failure));
    NULL_ALLOWED(turnkeep_store_backup, options, turnkeep_store_backup(store, copy, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_store_backup, error, turnkeep_store_backup(store, copy, NULL, NULL) == TURNKEEP_ERROR_EXISTS);

    NULL_REFUSED(turnkeep_store_check, store, turnkeep_store_check(NULL, &check, &failure));
    NULL_REFUSED(turnkeep_store_check, out, turnkeep_store_check(store, NULL, &failure));
    NULL_ALLOWED(turnkeep_store_check, error, turnkeep_store_check(NULL, &check, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK(check == NULL);
    NULL_ALLOWED(turnkeep_check_report_len, report, turnkeep_check_report_len(NULL) == 0);
    NULL_ALLOWED(turnkeep_check_report_at, report, turnkeep_check_report_at(NULL, 0).len == 0);
    NULL_ALLOWED(turnkeep_check_report_counts, report, turnkeep_check_report_counts(NULL) == NULL);
    NULL_ALLOWED(turnkeep_check_report_free, report, (turnkeep_check_report_free(NULL), 1));

    NULL_REFUSED(turnkeep_store_vacuum, store, turnkeep_store_vacuum(NULL, &failure));
    NULL_ALLOWED(turnkeep_store_vacuum, error, turnkeep_store_vacuum(NULL, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_REFUSED(turnkeep_store_optimize, store, turnkeep_store_optimize(NULL, &failure));
    NULL_ALLOWED(turnkeep_store_optimize, error, turnkeep_store_optimize(NULL, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_REFUSED(turnkeep_store_sizes, store, turnkeep_store_sizes(NULL, &sizes, &failure));
    NULL_REFUSED(turnkeep_store_sizes, sizes, turnkeep_store_sizes(store, NULL, &failure));
    NULL_ALLOWED(turnkeep_store_sizes, error, turnkeep_store_sizes(NULL, &sizes, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK_EQUAL(sizes.database, 0);

    NULL_REFUSED(turnkeep_store_salvage, source, turnkeep_store_salvage(NULL, fresh_path(), &salvaged, &failure));
    NULL_REFUSED(turnkeep_store_salvage, target, turnkeep_store_salvage(copy, NULL, &salvaged, &failure));
    NULL_REFUSED(turnkeep_store_salvage, out, turnkeep_store_salvage(copy, fresh_path(), NULL, &failure));
    NULL_ALLOWED(turnkeep_store_salvage, error,
                 turnkeep_store_salvage(copy, copy, &salvaged, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK(salvaged == NULL);
    NULL_ALLOWED(turnkeep_salvage_report_len, report, turnkeep_salvage_report_len(NULL) == 0);
    NULL_ALLOWED(turnkeep_salvage_report_at, report, turnkeep_salvage_report_at(NULL, 0).len == 0);
    NULL_ALLOWED(turnkeep_salvage_report_counts, report, turnkeep_salvage_report_counts(NULL) == NULL);
    NULL_ALLOWED(turnkeep_salvage_report_free, report, (turnkeep_salvage_report_free(NULL), 1));

    NULL_REFUSED(turnkeep_session_erase, store, turnkeep_session_erase(NULL, "s", &report, &failure));
    NULL_REFUSED(turnkeep_session_erase, id, turnkeep_session_erase(store, NULL, &report, &failure));
    turnkeep_session_close(create(spare, "to be erased"));
    NULL_ALLOWED(turnkeep_session_erase, report,
                 turnkeep_session_erase(spare, "to be erased", NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_session_erase, error,
                 turnkeep_session_erase(store, "nobody", &report, NULL) == TURNKEEP_ERROR_NOT_FOUND);

    NULL_REFUSED(turnkeep_store_open_config, path, turnkeep_store_open_config(NULL, &opened, &failure));
    NULL_REFUSED(turnkeep_store_open_config, out, turnkeep_store_open_config("settings.toml", NULL, &failure));
    NULL_ALLOWED(turnkeep_store_open_config, error,
                 turnkeep_store_open_config("no such file", &opened, NULL) == TURNKEEP_ERROR_NOT_FOUND);
    CHECK(opened == NULL);
}

static void structs_of_maintenance_of_a_wrong_size_are_refused(void) {
    SIZE(turnkeep_backup_options, turnkeep_store_backup(store, fresh_path(), sized, &failure));
    SIZE(turnkeep_sizes, turnkeep_store_sizes(store, sized, &failure));
    SIZE(turnkeep_erase_report, turnkeep_session_erase(store, "s", sized, &failure));
}

static void text_of_maintenance_that_is_not_utf_8_is_refused(void) {
    turnkeep_salvage_report *salvaged = NULL;
    turnkeep_store *opened = NULL;
    TEXT(turnkeep_store_backup, path, turnkeep_store_backup(store, bad, NULL, &error));
    TEXT(turnkeep_store_salvage, source, turnkeep_store_salvage(bad, "x", &salvaged, &error));
    TEXT(turnkeep_store_salvage, target, turnkeep_store_salvage("x", bad, &salvaged, &error));
    TEXT(turnkeep_session_erase, id, turnkeep_session_erase(store, bad, NULL, &error));
    TEXT(turnkeep_store_open_config, path, turnkeep_store_open_config(bad, &opened, &error));
}

static void numbers_of_maintenance_that_mean_nothing_are_refused(void) {
    turnkeep_store *opened = NULL;
    NUMBER(turnkeep_backup_options, overwrite, int32_t,
           turnkeep_store_backup(store, fresh_path(), WITH(turnkeep_backup_options, overwrite), &failure), -1, 2,
           INT32_MAX, INT32_MIN);
    NUMBER(turnkeep_store_options, reserved, uint32_t,
           turnkeep_store_open(":memory:", WITH(turnkeep_store_options, reserved), &(turnkeep_store *){NULL}, &failure),
           1, UINT32_MAX);
    NUMBER(turnkeep_backup_options, reserved, uint32_t,
           turnkeep_store_backup(store, fresh_path(), WITH(turnkeep_backup_options, reserved), &failure), 1,
           UINT32_MAX);
    NUMBER(turnkeep_store_options, compression_level, int32_t,
           turnkeep_store_open(":memory:", WITH(turnkeep_store_options, compression_level), &opened, &failure), -1, 23,
           INT32_MAX, INT32_MIN);
    CHECK(opened == NULL);
}

static void an_empty_or_impossible_id_is_refused_by_erase(void) {
    FAILS(INVALID, "id is empty", turnkeep_session_erase(store, "", NULL, &failure));
    FAILS(INVALID, "control character", turnkeep_session_erase(store, "a\nb", NULL, &failure));
    FAILS(NOT_FOUND, "nobody", turnkeep_session_erase(store, "nobody", NULL, &failure));
    FAILS(INVALID, "give the path", turnkeep_store_backup(store, "", NULL, &failure));
    check_unchanged(__LINE__);
}

int main(int argc, char **argv) {
    begin_hostile(argc, argv);
    RUN(null_in_maintenance);
    RUN(structs_of_maintenance_of_a_wrong_size_are_refused);
    RUN(text_of_maintenance_that_is_not_utf_8_is_refused);
    RUN(numbers_of_maintenance_that_mean_nothing_are_refused);
    RUN(an_empty_or_impossible_id_is_refused_by_erase);
    return end_hostile();
}
