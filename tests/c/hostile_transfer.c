/* What a host can do wrong in section 13 of the header. */

#include "../support/hostile.h"

static turnkeep_status swallow(void *user_data, const char *data, size_t len) {
    (void)data;
    *(size_t *)user_data += len;
    return TURNKEEP_OK;
}

static turnkeep_status ignore(void *user_data, const char *data, size_t len) {
    (void)data;
    (void)len;
    return user_data == NULL ? TURNKEEP_OK : TURNKEEP_ERROR_INVALID;
}

static turnkeep_export_options as_turnkeep(void) {
    turnkeep_export_options options = TURNKEEP_EXPORT_OPTIONS_INIT;
    options.format = TURNKEEP_FORMAT_TURNKEEP;
    return options;
}

static void null_in_transfer(void) {
    const turnkeep_export_options wanted = as_turnkeep();
    turnkeep_transfer_report *report = NULL;
    const char *file = fresh_path();
    size_t bytes = 0;
    int32_t format = 0;

    NULL_REFUSED(turnkeep_store_export_file, store, turnkeep_store_export_file(NULL, file, &wanted, &report, &failure));
    NULL_REFUSED(turnkeep_store_export_file, path, turnkeep_store_export_file(store, NULL, &wanted, &report, &failure));
    NULL_REFUSED(turnkeep_store_export_file, options, turnkeep_store_export_file(store, file, NULL, &report, &failure));
    CHECK(report == NULL);
    NULL_ALLOWED(turnkeep_store_export_file, out,
                 turnkeep_store_export_file(store, file, &wanted, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_store_export_file, error,
                 turnkeep_store_export_file(NULL, file, &wanted, &report, NULL) == TURNKEEP_ERROR_INVALID);

    NULL_REFUSED(turnkeep_store_export, store,
                 turnkeep_store_export(NULL, &wanted, swallow, &bytes, &report, &failure));
    NULL_REFUSED(turnkeep_store_export, options,
                 turnkeep_store_export(store, NULL, swallow, &bytes, &report, &failure));
    FAILS(INVALID, "write is NULL", turnkeep_store_export(store, &wanted, NULL, &bytes, &report, &failure));
    CHECK(report == NULL);
    CHECK_EQUAL(bytes, 0);
    NULL_ALLOWED(turnkeep_store_export, out,
                 turnkeep_store_export(store, &wanted, swallow, &bytes, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_store_export, user_data,
                 turnkeep_store_export(store, &wanted, ignore, NULL, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_store_export, error,
                 turnkeep_store_export(store, NULL, swallow, &bytes, NULL, NULL) == TURNKEEP_ERROR_INVALID);

    NULL_REFUSED(turnkeep_store_import, store, turnkeep_store_import(NULL, file, NULL, &report, &failure));
    NULL_REFUSED(turnkeep_store_import, path, turnkeep_store_import(spare, NULL, NULL, &report, &failure));
    CHECK(report == NULL);
    NULL_ALLOWED(turnkeep_store_import, options,
                 turnkeep_store_import(spare, file, NULL, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_store_import, out, turnkeep_store_import(spare, file, NULL, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_store_import, error,
                 turnkeep_store_import(spare, "no such file", NULL, NULL, NULL) == TURNKEEP_ERROR_NOT_FOUND);

    NULL_ALLOWED(turnkeep_transfer_report_counts, report, turnkeep_transfer_report_counts(NULL) == NULL);
    NULL_ALLOWED(turnkeep_transfer_report_len, report, turnkeep_transfer_report_len(NULL) == 0);
    NULL_ALLOWED(turnkeep_transfer_report_at, report, turnkeep_transfer_report_at(NULL, 0) == NULL);
    NULL_ALLOWED(turnkeep_transfer_report_loss_len, report, turnkeep_transfer_report_loss_len(NULL) == 0);
    NULL_ALLOWED(turnkeep_transfer_report_loss_at, report, turnkeep_transfer_report_loss_at(NULL, 0) == NULL);
    NULL_ALLOWED(turnkeep_transfer_report_free, report, (turnkeep_transfer_report_free(NULL), 1));
    NULL_REFUSED(turnkeep_format_by_name, name, turnkeep_format_by_name(NULL, &format, &failure));
    NULL_REFUSED(turnkeep_format_by_name, format, turnkeep_format_by_name("html", NULL, &failure));
    NULL_ALLOWED(turnkeep_format_by_name, error,
                 turnkeep_format_by_name("no format", &format, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK_EQUAL(format, 0);
}

static void structs_of_transfer_of_a_wrong_size_are_refused(void) {
    SIZE(turnkeep_export_options, turnkeep_store_export_file(store, fresh_path(), sized, NULL, &failure));
    SIZE(turnkeep_import_options, turnkeep_store_import(store, "no such file", sized, NULL, &failure));
}

static turnkeep_status export_of_named(const char *id, turnkeep_error **error) {
    turnkeep_export_options options = as_turnkeep();
    options.session_ids = &id;
    options.session_id_count = 1;
    return turnkeep_store_export_file(store, fresh_path(), &options, NULL, error);
}

static void text_of_transfer_that_is_not_utf_8_is_refused(void) {
    int32_t format = 0;
    const turnkeep_export_options wanted = as_turnkeep();
    TEXT(turnkeep_store_export_file, path, turnkeep_store_export_file(store, bad, &wanted, NULL, &error));
    TEXT(turnkeep_export_options, session_ids, export_of_named(bad, &error));
    TEXT(turnkeep_format_by_name, name, turnkeep_format_by_name(bad, &format, &error));
    TEXT(turnkeep_store_import, path, turnkeep_store_import(store, bad, NULL, NULL, &error));
}

static void a_format_has_a_name(void) {
    int32_t format = 0;
    OK(turnkeep_format_by_name("gemma-sessions-db", &format, &failure));
    CHECK_EQUAL(format, TURNKEEP_FORMAT_GEMMA_SESSIONS_DB);
    FAILS(INVALID, "there are turnkeep, openai", turnkeep_format_by_name("HTML", &format, &failure));
    FAILS(INVALID, "no format ''", turnkeep_format_by_name("", &format, &failure));
    CHECK_EQUAL(format, TURNKEEP_FORMAT_GEMMA_SESSIONS_DB);
}

static turnkeep_status export_reserved(uint32_t reserved) {
    turnkeep_export_options options = as_turnkeep();
    options.reserved = reserved;
    return turnkeep_store_export_file(store, fresh_path(), &options, NULL, &failure);
}

static void numbers_of_transfer_that_mean_nothing_are_refused(void) {
    const char *file = fresh_path();
    const turnkeep_export_options wanted = as_turnkeep();
    OK(turnkeep_store_export_file(store, file, &wanted, NULL, &failure));
    NUMBER(turnkeep_export_options, format, int32_t,
           turnkeep_store_export_file(store, fresh_path(), WITH(turnkeep_export_options, format), NULL, &failure), 0,
           -1, 16, INT32_MAX, INT32_MIN);
    NUMBER(turnkeep_export_options, reserved, uint32_t, export_reserved(bad), 1, UINT32_MAX);
    NUMBER(turnkeep_import_options, format, int32_t,
           turnkeep_store_import(spare, file, WITH(turnkeep_import_options, format), NULL, &failure), -1, 16, INT32_MAX,
           INT32_MIN);
    NUMBER(turnkeep_import_options, existing, int32_t,
           turnkeep_store_import(spare, file, WITH(turnkeep_import_options, existing), NULL, &failure), -1, 4,
           INT32_MAX, INT32_MIN);
    NUMBER(turnkeep_import_options, dry_run, int32_t,
           turnkeep_store_import(spare, file, WITH(turnkeep_import_options, dry_run), NULL, &failure), -1, 2, INT32_MAX,
           INT32_MIN);
    NUMBER(turnkeep_import_options, reserved, uint32_t,
           turnkeep_store_import(spare, file, WITH(turnkeep_import_options, reserved), NULL, &failure), 1, UINT32_MAX);
}

static void formats_that_go_one_way_only_say_so(void) {
    turnkeep_export_options out = TURNKEEP_EXPORT_OPTIONS_INIT;
    turnkeep_import_options in = TURNKEEP_IMPORT_OPTIONS_INIT;
    int32_t format;
    for (format = TURNKEEP_FORMAT_LLAMA_CPP; format <= TURNKEEP_FORMAT_EINK_DB; format++) {
        out.format = format;
        FAILS(UNSUPPORTED, "not exported", turnkeep_store_export_file(store, fresh_path(), &out, NULL, &failure));
    }
    out.format = TURNKEEP_FORMAT_TEXT;
    {
        const char *file = fresh_path();
        OK(turnkeep_store_export_file(store, file, &out, NULL, &failure));
        for (format = TURNKEEP_FORMAT_MARKDOWN; format <= TURNKEEP_FORMAT_HTML; format++) {
            in.format = format;
            FAILS(UNSUPPORTED, "for people to read", turnkeep_store_import(spare, file, &in, NULL, &failure));
        }
    }
    check_unchanged(__LINE__);
}

static void a_choice_of_sessions_that_is_none_is_refused(void) {
    const char *ids[] = {"s", "nobody"};
    const char *nothing[] = {""};
    turnkeep_filter filter = TURNKEEP_FILTER_INIT;
    turnkeep_export_options options = as_turnkeep();
    options.session_ids = ids;
    FAILS(INVALID, "session_id_count of 0", turnkeep_store_export_file(store, fresh_path(), &options, NULL, &failure));
    options.session_id_count = 2;
    FAILS(NOT_FOUND, "nobody", turnkeep_store_export_file(store, fresh_path(), &options, NULL, &failure));
    options.session_id_count = SIZE_MAX;
    FAILS(INVALID, "more than memory", turnkeep_store_export_file(store, fresh_path(), &options, NULL, &failure));
    options.session_ids = nothing;
    options.session_id_count = 1;
    FAILS(INVALID, "id is empty", turnkeep_store_export_file(store, fresh_path(), &options, NULL, &failure));
    options.filter = &filter;
    FAILS(INVALID, "both given", turnkeep_store_export_file(store, fresh_path(), &options, NULL, &failure));
    FAILS(INVALID, "is a folder",
          turnkeep_store_export_file(store, ".",
                                     &(turnkeep_export_options){.struct_size = sizeof(turnkeep_export_options),
                                                                .format = TURNKEEP_FORMAT_TURNKEEP},
                                     NULL, &failure));
    check_unchanged(__LINE__);
}

int main(int argc, char **argv) {
    begin_hostile(argc, argv);
    RUN(null_in_transfer);
    RUN(structs_of_transfer_of_a_wrong_size_are_refused);
    RUN(text_of_transfer_that_is_not_utf_8_is_refused);
    RUN(a_format_has_a_name);
    RUN(numbers_of_transfer_that_mean_nothing_are_refused);
    RUN(formats_that_go_one_way_only_say_so);
    RUN(a_choice_of_sessions_that_is_none_is_refused);
    return end_hostile();
}
