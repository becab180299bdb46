/*
 * The layout of every struct of turnkeep.h on 64-bit machines, as programs that are already built know it.
 *
 * If this fails, such programs break. A field may be added at the end of a struct that begins with struct_size, and
 * then gets its line here, but not into the padding at its end: the struct would not grow, and the library could not
 * tell a caller who set the field from one who has never heard of it. What the struct measured before goes into its
 * OLDER_SIZES in src/ffi: tests/abi/0.1.c fails until it does.
 */

#include <stdio.h>
#include <turnkeep/turnkeep.h>

struct entry {
    const char *name;
    size_t is;
    size_t was;
};

#define SIZE(type, size) \
    { "sizeof(" #type ")", sizeof(type), size }
#define FIELD(type, field, offset) \
    { #type "." #field, offsetof(type, field), offset }

/* clang-format off */
static const struct entry entries[] = {
    SIZE(turnkeep_text, 16),
    FIELD(turnkeep_text, data, 0),
    FIELD(turnkeep_text, len, 8),

    SIZE(turnkeep_store_options, 144),
    FIELD(turnkeep_store_options, struct_size, 0),
    FIELD(turnkeep_store_options, durability, 8),
    FIELD(turnkeep_store_options, autosave_ms, 12),
    FIELD(turnkeep_store_options, cache_sessions, 16),
    FIELD(turnkeep_store_options, cache_bytes, 24),
    FIELD(turnkeep_store_options, window_tokens, 32),
    FIELD(turnkeep_store_options, busy_timeout_ms, 40),
    FIELD(turnkeep_store_options, readers, 44),
    FIELD(turnkeep_store_options, exclusive, 48),
    FIELD(turnkeep_store_options, read_only, 52),
    FIELD(turnkeep_store_options, must_exist, 56),
    FIELD(turnkeep_store_options, no_search, 60),
    FIELD(turnkeep_store_options, count_tokens, 64),
    FIELD(turnkeep_store_options, user_data, 72),
    FIELD(turnkeep_store_options, destroy, 80),
    FIELD(turnkeep_store_options, tokenizer, 88),
    FIELD(turnkeep_store_options, expire_after_ms, 96),
    FIELD(turnkeep_store_options, expire_sliding, 104),
    FIELD(turnkeep_store_options, cleanup_interval_ms, 108),
    FIELD(turnkeep_store_options, event_log_rows, 112),
    FIELD(turnkeep_store_options, max_session_bytes, 120),
    FIELD(turnkeep_store_options, compress_min_bytes, 128),
    FIELD(turnkeep_store_options, compression_level, 136),
    FIELD(turnkeep_store_options, reserved, 140),

    SIZE(turnkeep_session_options, 120),
    FIELD(turnkeep_session_options, struct_size, 0),
    FIELD(turnkeep_session_options, id, 8),
    FIELD(turnkeep_session_options, user_id, 16),
    FIELD(turnkeep_session_options, name, 24),
    FIELD(turnkeep_session_options, title, 32),
    FIELD(turnkeep_session_options, model, 40),
    FIELD(turnkeep_session_options, summary, 48),
    FIELD(turnkeep_session_options, metadata, 56),
    FIELD(turnkeep_session_options, window_tokens, 64),
    FIELD(turnkeep_session_options, expires_us, 72),
    FIELD(turnkeep_session_options, expires_after_ms, 80),
    FIELD(turnkeep_session_options, max_bytes, 88),
    FIELD(turnkeep_session_options, tags, 96),
    FIELD(turnkeep_session_options, tag_count, 104),
    FIELD(turnkeep_session_options, like, 112),

    SIZE(turnkeep_session_changes, 136),
    FIELD(turnkeep_session_changes, struct_size, 0),
    FIELD(turnkeep_session_changes, expected_revision, 8),
    FIELD(turnkeep_session_changes, name, 16),
    FIELD(turnkeep_session_changes, title, 24),
    FIELD(turnkeep_session_changes, model, 32),
    FIELD(turnkeep_session_changes, summary, 40),
    FIELD(turnkeep_session_changes, metadata, 48),
    FIELD(turnkeep_session_changes, window_tokens, 56),
    FIELD(turnkeep_session_changes, metadata_patch, 64),
    FIELD(turnkeep_session_changes, add_tags, 72),
    FIELD(turnkeep_session_changes, add_tag_count, 80),
    FIELD(turnkeep_session_changes, remove_tags, 88),
    FIELD(turnkeep_session_changes, remove_tag_count, 96),
    FIELD(turnkeep_session_changes, expires_us, 104),
    FIELD(turnkeep_session_changes, expires_after_ms, 112),
    FIELD(turnkeep_session_changes, max_bytes, 120),
    FIELD(turnkeep_session_changes, status, 128),
    FIELD(turnkeep_session_changes, reserved, 132),

    SIZE(turnkeep_session_info, 248),
    FIELD(turnkeep_session_info, id, 0),
    FIELD(turnkeep_session_info, user_id, 16),
    FIELD(turnkeep_session_info, name, 32),
    FIELD(turnkeep_session_info, title, 48),
    FIELD(turnkeep_session_info, model, 64),
    FIELD(turnkeep_session_info, summary, 80),
    FIELD(turnkeep_session_info, metadata, 96),
    FIELD(turnkeep_session_info, parent_id, 112),
    FIELD(turnkeep_session_info, created_us, 128),
    FIELD(turnkeep_session_info, updated_us, 136),
    FIELD(turnkeep_session_info, expires_us, 144),
    FIELD(turnkeep_session_info, revision, 152),
    FIELD(turnkeep_session_info, head_seq, 160),
    FIELD(turnkeep_session_info, fork_seq, 168),
    FIELD(turnkeep_session_info, message_count, 176),
    FIELD(turnkeep_session_info, total_tokens, 184),
    FIELD(turnkeep_session_info, window_tokens, 192),
    FIELD(turnkeep_session_info, tags, 200),
    FIELD(turnkeep_session_info, tag_count, 208),
    FIELD(turnkeep_session_info, expires_after_ms, 216),
    FIELD(turnkeep_session_info, bytes, 224),
    FIELD(turnkeep_session_info, max_bytes, 232),
    FIELD(turnkeep_session_info, status, 240),
    FIELD(turnkeep_session_info, reserved, 244),

    SIZE(turnkeep_message_details, 64),
    FIELD(turnkeep_message_details, tool_calls, 0),
    FIELD(turnkeep_message_details, tool_call_id, 16),
    FIELD(turnkeep_message_details, model, 32),
    FIELD(turnkeep_message_details, metadata, 48),

    SIZE(turnkeep_message, 64),
    FIELD(turnkeep_message, content, 0),
    FIELD(turnkeep_message, created_us, 16),
    FIELD(turnkeep_message, total_tokens, 24),
    FIELD(turnkeep_message, details, 32),
    FIELD(turnkeep_message, seq, 40),
    FIELD(turnkeep_message, turn, 48),
    FIELD(turnkeep_message, tokens, 52),
    FIELD(turnkeep_message, role, 56),
    FIELD(turnkeep_message, flags, 60),

    SIZE(turnkeep_receipt, 40),
    FIELD(turnkeep_receipt, struct_size, 0),
    FIELD(turnkeep_receipt, first_seq, 8),
    FIELD(turnkeep_receipt, last_seq, 16),
    FIELD(turnkeep_receipt, revision, 24),
    FIELD(turnkeep_receipt, durability, 32),
    FIELD(turnkeep_receipt, repeated, 36),

    SIZE(turnkeep_new_message, 80),
    FIELD(turnkeep_new_message, struct_size, 0),
    FIELD(turnkeep_new_message, role, 8),
    FIELD(turnkeep_new_message, flags, 12),
    FIELD(turnkeep_new_message, content, 16),
    FIELD(turnkeep_new_message, content_len, 24),
    FIELD(turnkeep_new_message, tokens, 32),
    FIELD(turnkeep_new_message, created_us, 40),
    FIELD(turnkeep_new_message, tool_calls, 48),
    FIELD(turnkeep_new_message, tool_call_id, 56),
    FIELD(turnkeep_new_message, model, 64),
    FIELD(turnkeep_new_message, metadata, 72),

    SIZE(turnkeep_append_options, 32),
    FIELD(turnkeep_append_options, struct_size, 0),
    FIELD(turnkeep_append_options, expected_revision, 8),
    FIELD(turnkeep_append_options, idempotency_key, 16),
    FIELD(turnkeep_append_options, durability, 24),
    FIELD(turnkeep_append_options, reserved, 28),

    SIZE(turnkeep_window_options, 56),
    FIELD(turnkeep_window_options, struct_size, 0),
    FIELD(turnkeep_window_options, max_tokens, 8),
    FIELD(turnkeep_window_options, reserve_tokens, 16),
    FIELD(turnkeep_window_options, summary_tokens, 24),
    FIELD(turnkeep_window_options, message_overhead, 32),
    FIELD(turnkeep_window_options, low_water_percent, 36),
    FIELD(turnkeep_window_options, keep_first_turns, 40),
    FIELD(turnkeep_window_options, max_messages, 44),
    FIELD(turnkeep_window_options, leave_out, 48),
    FIELD(turnkeep_window_options, reserved, 52),

    SIZE(turnkeep_window_report, 80),
    FIELD(turnkeep_window_report, tokens, 0),
    FIELD(turnkeep_window_report, budget_tokens, 8),
    FIELD(turnkeep_window_report, cut_seq, 16),
    FIELD(turnkeep_window_report, head_seq, 24),
    FIELD(turnkeep_window_report, front_messages, 32),
    FIELD(turnkeep_window_report, left_out_messages, 40),
    FIELD(turnkeep_window_report, left_out_tokens, 48),
    FIELD(turnkeep_window_report, left_out_first_seq, 56),
    FIELD(turnkeep_window_report, left_out_last_seq, 64),
    FIELD(turnkeep_window_report, revision, 72),

    SIZE(turnkeep_exchange, 88),
    FIELD(turnkeep_exchange, struct_size, 0),
    FIELD(turnkeep_exchange, input, 8),
    FIELD(turnkeep_exchange, input_len, 16),
    FIELD(turnkeep_exchange, input_name, 24),
    FIELD(turnkeep_exchange, input_type, 32),
    FIELD(turnkeep_exchange, answer, 40),
    FIELD(turnkeep_exchange, answer_len, 48),
    FIELD(turnkeep_exchange, processing_us, 56),
    FIELD(turnkeep_exchange, tokens_used, 64),
    FIELD(turnkeep_exchange, model, 72),
    FIELD(turnkeep_exchange, metadata, 80),

    SIZE(turnkeep_turn, 136),
    FIELD(turnkeep_turn, input, 0),
    FIELD(turnkeep_turn, input_name, 16),
    FIELD(turnkeep_turn, input_type, 32),
    FIELD(turnkeep_turn, answer, 48),
    FIELD(turnkeep_turn, metadata, 64),
    FIELD(turnkeep_turn, number, 80),
    FIELD(turnkeep_turn, first_seq, 88),
    FIELD(turnkeep_turn, last_seq, 96),
    FIELD(turnkeep_turn, tokens, 104),
    FIELD(turnkeep_turn, created_us, 112),
    FIELD(turnkeep_turn, processing_us, 120),
    FIELD(turnkeep_turn, tokens_used, 128),

    SIZE(turnkeep_branch_options, 32),
    FIELD(turnkeep_branch_options, struct_size, 0),
    FIELD(turnkeep_branch_options, expected_revision, 8),
    FIELD(turnkeep_branch_options, fork, 16),
    FIELD(turnkeep_branch_options, branching, 24),
    FIELD(turnkeep_branch_options, reserved, 28),

    SIZE(turnkeep_comparison, 32),
    FIELD(turnkeep_comparison, struct_size, 0),
    FIELD(turnkeep_comparison, common_seq, 8),
    FIELD(turnkeep_comparison, one_head_seq, 16),
    FIELD(turnkeep_comparison, other_head_seq, 24),

    SIZE(turnkeep_metadata_condition, 32),
    FIELD(turnkeep_metadata_condition, struct_size, 0),
    FIELD(turnkeep_metadata_condition, pointer, 8),
    FIELD(turnkeep_metadata_condition, value, 16),
    FIELD(turnkeep_metadata_condition, relation, 24),
    FIELD(turnkeep_metadata_condition, reserved, 28),

    SIZE(turnkeep_filter, 152),
    FIELD(turnkeep_filter, struct_size, 0),
    FIELD(turnkeep_filter, user_id, 8),
    FIELD(turnkeep_filter, statuses, 16),
    FIELD(turnkeep_filter, has_messages, 20),
    FIELD(turnkeep_filter, all_tags, 24),
    FIELD(turnkeep_filter, all_tag_count, 32),
    FIELD(turnkeep_filter, any_tags, 40),
    FIELD(turnkeep_filter, any_tag_count, 48),
    FIELD(turnkeep_filter, model, 56),
    FIELD(turnkeep_filter, text, 64),
    FIELD(turnkeep_filter, metadata, 72),
    FIELD(turnkeep_filter, metadata_count, 80),
    FIELD(turnkeep_filter, created_from, 88),
    FIELD(turnkeep_filter, created_to, 96),
    FIELD(turnkeep_filter, updated_from, 104),
    FIELD(turnkeep_filter, updated_to, 112),
    FIELD(turnkeep_filter, expires_from, 120),
    FIELD(turnkeep_filter, expires_to, 128),
    FIELD(turnkeep_filter, parent_id, 136),
    FIELD(turnkeep_filter, utc_offset_minutes, 144),
    FIELD(turnkeep_filter, reserved, 148),

    SIZE(turnkeep_session_list_options, 40),
    FIELD(turnkeep_session_list_options, struct_size, 0),
    FIELD(turnkeep_session_list_options, filter, 8),
    FIELD(turnkeep_session_list_options, page, 16),
    FIELD(turnkeep_session_list_options, limit, 24),
    FIELD(turnkeep_session_list_options, sort, 28),
    FIELD(turnkeep_session_list_options, ascending, 32),
    FIELD(turnkeep_session_list_options, reserved, 36),

    SIZE(turnkeep_search_options, 72),
    FIELD(turnkeep_search_options, struct_size, 0),
    FIELD(turnkeep_search_options, text, 8),
    FIELD(turnkeep_search_options, filter, 16),
    FIELD(turnkeep_search_options, message_from, 24),
    FIELD(turnkeep_search_options, message_to, 32),
    FIELD(turnkeep_search_options, utc_offset_minutes, 40),
    FIELD(turnkeep_search_options, order, 44),
    FIELD(turnkeep_search_options, roles, 48),
    FIELD(turnkeep_search_options, time_limit_ms, 52),
    FIELD(turnkeep_search_options, limit, 56),
    FIELD(turnkeep_search_options, neighbours, 60),
    FIELD(turnkeep_search_options, snippet_chars, 64),
    FIELD(turnkeep_search_options, raw, 68),

    SIZE(turnkeep_mark, 16),
    FIELD(turnkeep_mark, begin, 0),
    FIELD(turnkeep_mark, end, 8),

    SIZE(turnkeep_hit, 120),
    FIELD(turnkeep_hit, session_id, 0),
    FIELD(turnkeep_hit, title, 16),
    FIELD(turnkeep_hit, snippet, 32),
    FIELD(turnkeep_hit, marks, 48),
    FIELD(turnkeep_hit, mark_count, 56),
    FIELD(turnkeep_hit, messages, 64),
    FIELD(turnkeep_hit, message_count, 72),
    FIELD(turnkeep_hit, message_index, 80),
    FIELD(turnkeep_hit, seq, 88),
    FIELD(turnkeep_hit, created_us, 96),
    FIELD(turnkeep_hit, score, 104),
    FIELD(turnkeep_hit, role, 112),
    FIELD(turnkeep_hit, reserved, 116),

    SIZE(turnkeep_event, 104),
    FIELD(turnkeep_event, number, 0),
    FIELD(turnkeep_event, at_us, 8),
    FIELD(turnkeep_event, session_id, 16),
    FIELD(turnkeep_event, other_session_id, 32),
    FIELD(turnkeep_event, name, 48),
    FIELD(turnkeep_event, revision, 64),
    FIELD(turnkeep_event, first_seq, 72),
    FIELD(turnkeep_event, last_seq, 80),
    FIELD(turnkeep_event, count, 88),
    FIELD(turnkeep_event, kind, 96),
    FIELD(turnkeep_event, reserved, 100),

    SIZE(turnkeep_metrics, 336),
    FIELD(turnkeep_metrics, struct_size, 0),
    FIELD(turnkeep_metrics, opened_us, 8),
    FIELD(turnkeep_metrics, reset_us, 16),
    FIELD(turnkeep_metrics, sessions_created, 24),
    FIELD(turnkeep_metrics, sessions_deleted, 32),
    FIELD(turnkeep_metrics, messages_appended, 40),
    FIELD(turnkeep_metrics, tokens_appended, 48),
    FIELD(turnkeep_metrics, windows, 56),
    FIELD(turnkeep_metrics, searches, 64),
    FIELD(turnkeep_metrics, cache_hits, 72),
    FIELD(turnkeep_metrics, cache_misses, 80),
    FIELD(turnkeep_metrics, cache_evictions, 88),
    FIELD(turnkeep_metrics, commits, 96),
    FIELD(turnkeep_metrics, busy_waits, 104),
    FIELD(turnkeep_metrics, busy_wait_us, 112),
    FIELD(turnkeep_metrics, busy_failures, 120),
    FIELD(turnkeep_metrics, events_delivered, 128),
    FIELD(turnkeep_metrics, event_failures, 136),
    FIELD(turnkeep_metrics, appends_per_commit_p50, 144),
    FIELD(turnkeep_metrics, appends_per_commit_p90, 152),
    FIELD(turnkeep_metrics, appends_per_commit_p99, 160),
    FIELD(turnkeep_metrics, appends_per_commit_max, 168),
    FIELD(turnkeep_metrics, append_count, 176),
    FIELD(turnkeep_metrics, append_p50_ns, 184),
    FIELD(turnkeep_metrics, append_p90_ns, 192),
    FIELD(turnkeep_metrics, append_p99_ns, 200),
    FIELD(turnkeep_metrics, append_max_ns, 208),
    FIELD(turnkeep_metrics, window_count, 216),
    FIELD(turnkeep_metrics, window_p50_ns, 224),
    FIELD(turnkeep_metrics, window_p90_ns, 232),
    FIELD(turnkeep_metrics, window_p99_ns, 240),
    FIELD(turnkeep_metrics, window_max_ns, 248),
    FIELD(turnkeep_metrics, cache_sessions, 256),
    FIELD(turnkeep_metrics, cache_bytes, 264),
    FIELD(turnkeep_metrics, wal_bytes, 272),
    FIELD(turnkeep_metrics, active_sessions, 280),
    FIELD(turnkeep_metrics, archived_sessions, 288),
    FIELD(turnkeep_metrics, trashed_sessions, 296),
    FIELD(turnkeep_metrics, total_messages, 304),
    FIELD(turnkeep_metrics, total_tokens, 312),
    FIELD(turnkeep_metrics, total_bytes, 320),
    FIELD(turnkeep_metrics, total_duration_us, 328),

    SIZE(turnkeep_backup_options, 32),
    FIELD(turnkeep_backup_options, struct_size, 0),
    FIELD(turnkeep_backup_options, overwrite, 8),
    FIELD(turnkeep_backup_options, reserved, 12),
    FIELD(turnkeep_backup_options, progress, 16),
    FIELD(turnkeep_backup_options, user_data, 24),

    SIZE(turnkeep_check_counts, 40),
    FIELD(turnkeep_check_counts, problems, 0),
    FIELD(turnkeep_check_counts, sessions, 8),
    FIELD(turnkeep_check_counts, messages, 16),
    FIELD(turnkeep_check_counts, search_entries, 24),
    FIELD(turnkeep_check_counts, pages, 32),

    SIZE(turnkeep_sizes, 72),
    FIELD(turnkeep_sizes, struct_size, 0),
    FIELD(turnkeep_sizes, sessions, 8),
    FIELD(turnkeep_sizes, messages, 16),
    FIELD(turnkeep_sizes, search, 24),
    FIELD(turnkeep_sizes, indexes, 32),
    FIELD(turnkeep_sizes, other, 40),
    FIELD(turnkeep_sizes, free_pages, 48),
    FIELD(turnkeep_sizes, database, 56),
    FIELD(turnkeep_sizes, wal_file, 64),

    SIZE(turnkeep_salvage_counts, 48),
    FIELD(turnkeep_salvage_counts, problems, 0),
    FIELD(turnkeep_salvage_counts, sessions, 8),
    FIELD(turnkeep_salvage_counts, sessions_added, 16),
    FIELD(turnkeep_salvage_counts, sessions_lost, 24),
    FIELD(turnkeep_salvage_counts, messages, 32),
    FIELD(turnkeep_salvage_counts, messages_lost, 40),

    SIZE(turnkeep_erase_report, 32),
    FIELD(turnkeep_erase_report, struct_size, 0),
    FIELD(turnkeep_erase_report, messages_erased, 8),
    FIELD(turnkeep_erase_report, messages_kept_by_forks, 16),
    FIELD(turnkeep_erase_report, wal_truncated, 24),
    FIELD(turnkeep_erase_report, reserved, 28),

    SIZE(turnkeep_export_options, 56),
    FIELD(turnkeep_export_options, struct_size, 0),
    FIELD(turnkeep_export_options, format, 8),
    FIELD(turnkeep_export_options, reserved, 12),
    FIELD(turnkeep_export_options, filter, 16),
    FIELD(turnkeep_export_options, session_ids, 24),
    FIELD(turnkeep_export_options, session_id_count, 32),
    FIELD(turnkeep_export_options, progress, 40),
    FIELD(turnkeep_export_options, user_data, 48),

    SIZE(turnkeep_import_options, 40),
    FIELD(turnkeep_import_options, struct_size, 0),
    FIELD(turnkeep_import_options, format, 8),
    FIELD(turnkeep_import_options, existing, 12),
    FIELD(turnkeep_import_options, dry_run, 16),
    FIELD(turnkeep_import_options, reserved, 20),
    FIELD(turnkeep_import_options, progress, 24),
    FIELD(turnkeep_import_options, user_data, 32),

    SIZE(turnkeep_transfer_counts, 72),
    FIELD(turnkeep_transfer_counts, sessions, 0),
    FIELD(turnkeep_transfer_counts, messages, 8),
    FIELD(turnkeep_transfer_counts, forks, 16),
    FIELD(turnkeep_transfer_counts, skipped, 24),
    FIELD(turnkeep_transfer_counts, failed, 32),
    FIELD(turnkeep_transfer_counts, overwritten, 40),
    FIELD(turnkeep_transfer_counts, problems, 48),
    FIELD(turnkeep_transfer_counts, bytes, 56),
    FIELD(turnkeep_transfer_counts, format, 64),
    FIELD(turnkeep_transfer_counts, reserved, 68),

    SIZE(turnkeep_transfer_problem, 56),
    FIELD(turnkeep_transfer_problem, session_id, 0),
    FIELD(turnkeep_transfer_problem, place, 16),
    FIELD(turnkeep_transfer_problem, reason, 32),
    FIELD(turnkeep_transfer_problem, kind, 48),
    FIELD(turnkeep_transfer_problem, reserved, 52),

    SIZE(turnkeep_transfer_loss, 24),
    FIELD(turnkeep_transfer_loss, what, 0),
    FIELD(turnkeep_transfer_loss, count, 16),
};

/*
 * A field added into padding changes no number above. But it has no value here, and the compiler warns
 * (missing-field-initializers), which is an error in the tests.
 */
const turnkeep_text all_of_text = {NULL, 0};
const turnkeep_store_options all_of_store_options = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0};
const turnkeep_session_options all_of_session_options = {0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL, 0, NULL};
const turnkeep_session_changes all_of_session_changes = {0, 0, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 0, NULL, 0, 0, 0, 0, 0, 0};
const turnkeep_session_info all_of_session_info = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0};
const turnkeep_message_details all_of_message_details = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
const turnkeep_message all_of_message = {{NULL, 0}, 0, 0, NULL, 0, 0, 0, 0, 0};
const turnkeep_receipt all_of_receipt = {0, 0, 0, 0, 0, 0};
const turnkeep_new_message all_of_new_message = {0, 0, 0, NULL, 0, 0, 0, NULL, NULL, NULL, NULL};
const turnkeep_append_options all_of_append_options = {0, 0, NULL, 0, 0};
const turnkeep_window_options all_of_window_options = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
const turnkeep_window_report all_of_window_report = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
const turnkeep_exchange all_of_exchange = {0, NULL, 0, NULL, NULL, NULL, 0, 0, 0, NULL, NULL};
const turnkeep_turn all_of_turn = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, 0, 0, 0, 0, 0, 0, 0};
const turnkeep_branch_options all_of_branch_options = {0, 0, NULL, 0, 0};
const turnkeep_comparison all_of_comparison = {0, 0, 0, 0};
const turnkeep_metadata_condition all_of_metadata_condition = {0, NULL, NULL, 0, 0};
const turnkeep_filter all_of_filter = {0, NULL, 0, 0, NULL, 0, NULL, 0, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0};
const turnkeep_session_list_options all_of_session_list_options = {0, NULL, NULL, 0, 0, 0, 0};
const turnkeep_search_options all_of_search_options = {0, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0};
const turnkeep_mark all_of_mark = {0, 0};
const turnkeep_hit all_of_hit = {{NULL, 0}, {NULL, 0}, {NULL, 0}, NULL, 0, NULL, 0, 0, 0, 0, 0, 0, 0};
const turnkeep_event all_of_event = {0, 0, {NULL, 0}, {NULL, 0}, {NULL, 0}, 0, 0, 0, 0, 0, 0};
const turnkeep_metrics all_of_metrics = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
const turnkeep_backup_options all_of_backup_options = {0, 0, 0, NULL, NULL};
const turnkeep_check_counts all_of_check_counts = {0, 0, 0, 0, 0};
const turnkeep_sizes all_of_sizes = {0, 0, 0, 0, 0, 0, 0, 0, 0};
const turnkeep_salvage_counts all_of_salvage_counts = {0, 0, 0, 0, 0, 0};
const turnkeep_erase_report all_of_erase_report = {0, 0, 0, 0, 0};
/* clang-format on */

int main(void) {
    int failures = 0;
    if (sizeof(void *) != 8) {
        puts("not a 64-bit machine: nothing to compare");
        return 0;
    }
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        if (entries[i].is != entries[i].was) {
            fprintf(stderr, "%s is %zu and was %zu\n", entries[i].name, entries[i].is, entries[i].was);
            failures++;
        }
    }
    return failures == 0 ? 0 : 1;
}
