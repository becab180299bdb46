//! The functions of `turnkeep.h`. `tests/abi_coverage.rs` sees to it that none is missing.

use super::types::*;
use std::ffi::{c_char, c_void};
// The library that has them.
use turnkeep as _;

unsafe extern "C" {
    pub(crate) fn turnkeep_version() -> *const c_char;
    pub(crate) fn turnkeep_version_number() -> u32;
    pub(crate) fn turnkeep_has_feature(name: *const c_char) -> i32;
    pub(crate) fn turnkeep_status_name(status: i32) -> *const c_char;
    pub(crate) fn turnkeep_error_status(error: *const Error) -> i32;
    pub(crate) fn turnkeep_error_message(error: *const Error) -> Text;
    pub(crate) fn turnkeep_error_free(error: *mut Error);
    pub(crate) fn turnkeep_document_text(document: *const Document) -> Text;
    pub(crate) fn turnkeep_document_free(document: *mut Document);
    pub(crate) fn turnkeep_store_open(
        location: *const c_char,
        options: *const StoreOptions,
        out: *mut *mut Store,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_store_open_config(
        path: *const c_char,
        out: *mut *mut Store,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_store_location(store: *const Store) -> Text;
    pub(crate) fn turnkeep_store_flush(store: *const Store, error: *mut *mut Error) -> i32;
    pub(crate) fn turnkeep_store_close(store: *mut Store, error: *mut *mut Error) -> i32;
    pub(crate) fn turnkeep_store_cleanup(store: *const Store, deleted: *mut u64, error: *mut *mut Error) -> i32;
    pub(crate) fn turnkeep_session_create(
        store: *const Store,
        options: *const SessionOptions,
        out: *mut *mut Session,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_open(
        store: *const Store,
        id: *const c_char,
        out: *mut *mut Session,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_exists(
        store: *const Store,
        id: *const c_char,
        exists: *mut i32,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_delete(store: *const Store, id: *const c_char, error: *mut *mut Error) -> i32;
    pub(crate) fn turnkeep_session_close(session: *mut Session);
    pub(crate) fn turnkeep_session_id(session: *const Session) -> Text;
    pub(crate) fn turnkeep_session_describe(
        session: *const Session,
        out: *mut *mut SessionList,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_update(
        session: *const Session,
        changes: *const SessionChanges,
        revision: *mut u64,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_list_len(list: *const SessionList) -> usize;
    pub(crate) fn turnkeep_session_list_at(list: *const SessionList, index: usize) -> *const SessionInfo;
    pub(crate) fn turnkeep_session_list_next_page(list: *const SessionList) -> Text;
    pub(crate) fn turnkeep_session_list_free(list: *mut SessionList);
    pub(crate) fn turnkeep_session_append(
        session: *const Session,
        role: i32,
        content: *const c_char,
        content_len: usize,
        receipt: *mut Receipt,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_append_batch(
        session: *const Session,
        messages: *const NewMessage,
        count: usize,
        options: *const AppendOptions,
        receipt: *mut Receipt,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_create_with(
        store: *const Store,
        options: *const SessionOptions,
        messages: *const NewMessage,
        count: usize,
        out: *mut *mut Session,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_clear(
        session: *const Session,
        expected_revision: u64,
        revision: *mut u64,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_truncate(
        session: *const Session,
        max_messages: u64,
        max_tokens: u64,
        expected_revision: u64,
        revision: *mut u64,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_history(
        session: *const Session,
        out: *mut *mut Messages,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_last(
        session: *const Session,
        count: u64,
        out: *mut *mut Messages,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_range(
        session: *const Session,
        first_seq: u64,
        last_seq: u64,
        out: *mut *mut Messages,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_message(
        session: *const Session,
        seq: u64,
        out: *mut *mut Messages,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_messages_len(messages: *const Messages) -> usize;
    pub(crate) fn turnkeep_messages_at(messages: *const Messages, index: usize) -> *const Message;
    pub(crate) fn turnkeep_messages_free(messages: *mut Messages);
    pub(crate) fn turnkeep_session_window(
        session: *const Session,
        options: *const WindowOptions,
        out: *mut *mut Window,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_resume(
        store: *const Store,
        id: *const c_char,
        options: *const WindowOptions,
        out: *mut *mut Session,
        last: *mut *mut Messages,
        window: *mut *mut Window,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_window_len(window: *const Window) -> usize;
    pub(crate) fn turnkeep_window_at(window: *const Window, index: usize) -> *const Message;
    pub(crate) fn turnkeep_window_report_of(window: *const Window) -> *const WindowReport;
    pub(crate) fn turnkeep_window_common_prefix(one: *const Window, other: *const Window) -> usize;
    pub(crate) fn turnkeep_window_free(window: *mut Window);
    pub(crate) fn turnkeep_session_append_exchange(
        session: *const Session,
        exchange: *const Exchange,
        options: *const AppendOptions,
        number: *mut u64,
        receipt: *mut Receipt,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_turns(
        session: *const Session,
        first: u64,
        last: u64,
        out: *mut *mut Turns,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_last_turns(
        session: *const Session,
        count: u64,
        out: *mut *mut Turns,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_turns_len(turns: *const Turns) -> usize;
    pub(crate) fn turnkeep_turns_at(turns: *const Turns, index: usize) -> *const Turn;
    pub(crate) fn turnkeep_turns_free(turns: *mut Turns);
    pub(crate) fn turnkeep_session_context_text(
        session: *const Session,
        max_turns: u64,
        max_characters: u64,
        out: *mut *mut Document,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_file_name(
        session: *const Session,
        turn: u64,
        original: *const c_char,
        is_error: i32,
        out: *mut *mut Document,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_fork(
        session: *const Session,
        at_seq: u64,
        options: *const SessionOptions,
        out: *mut *mut Session,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_rewind(
        session: *const Session,
        to_seq: u64,
        expected_revision: u64,
        revision: *mut u64,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_replace(
        session: *const Session,
        seq: u64,
        messages: *const NewMessage,
        count: usize,
        options: *const BranchOptions,
        out: *mut *mut Session,
        receipt: *mut Receipt,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_regenerate(
        session: *const Session,
        seq: u64,
        options: *const BranchOptions,
        out: *mut *mut Session,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_compare(
        session: *const Session,
        other: *const Session,
        comparison: *mut Comparison,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_adopt(
        session: *const Session,
        from: *const Session,
        first_seq: u64,
        last_seq: u64,
        options: *const AppendOptions,
        receipt: *mut Receipt,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_forks(
        session: *const Session,
        out: *mut *mut SessionList,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_ancestors(
        session: *const Session,
        out: *mut *mut SessionList,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_session_tree(
        session: *const Session,
        out: *mut *mut SessionList,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_store_list_sessions(
        store: *const Store,
        options: *const SessionListOptions,
        out: *mut *mut SessionList,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_store_count_sessions(
        store: *const Store,
        filter: *const Filter,
        count: *mut u64,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_store_change_sessions(
        store: *const Store,
        filter: *const Filter,
        action: i32,
        tag: *const c_char,
        changed: *mut u64,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_store_search(
        store: *const Store,
        options: *const SearchOptions,
        out: *mut *mut SearchResults,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_search_results_len(results: *const SearchResults) -> usize;
    pub(crate) fn turnkeep_search_results_at(results: *const SearchResults, index: usize) -> *const Hit;
    pub(crate) fn turnkeep_search_results_complete(results: *const SearchResults) -> i32;
    pub(crate) fn turnkeep_search_results_free(results: *mut SearchResults);
    pub(crate) fn turnkeep_store_subscribe(
        store: *const Store,
        function: EventFn,
        user_data: *mut c_void,
        destroy: DestroyFn,
        subscription: *mut u64,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_store_unsubscribe(store: *const Store, subscription: u64, error: *mut *mut Error) -> i32;
    pub(crate) fn turnkeep_event_name(kind: i32) -> *const c_char;
    pub(crate) fn turnkeep_store_events_after(
        store: *const Store,
        cursor: u64,
        limit: u32,
        out: *mut *mut Events,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_events_len(events: *const Events) -> usize;
    pub(crate) fn turnkeep_events_at(events: *const Events, index: usize) -> *const Event;
    pub(crate) fn turnkeep_events_lost(events: *const Events) -> i32;
    pub(crate) fn turnkeep_events_free(events: *mut Events);
    pub(crate) fn turnkeep_store_metrics(store: *const Store, metrics: *mut Metrics, error: *mut *mut Error) -> i32;
    pub(crate) fn turnkeep_store_reset_metrics(store: *const Store, error: *mut *mut Error) -> i32;
    pub(crate) fn turnkeep_store_metrics_json(
        store: *const Store,
        out: *mut *mut Document,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_store_metrics_prometheus(
        store: *const Store,
        out: *mut *mut Document,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_store_backup(
        store: *const Store,
        path: *const c_char,
        options: *const BackupOptions,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_store_check(
        store: *const Store,
        out: *mut *mut CheckReport,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_check_report_len(report: *const CheckReport) -> usize;
    pub(crate) fn turnkeep_check_report_at(report: *const CheckReport, index: usize) -> Text;
    pub(crate) fn turnkeep_check_report_counts(report: *const CheckReport) -> *const CheckCounts;
    pub(crate) fn turnkeep_check_report_free(report: *mut CheckReport);
    pub(crate) fn turnkeep_store_vacuum(store: *const Store, error: *mut *mut Error) -> i32;
    pub(crate) fn turnkeep_store_optimize(store: *const Store, error: *mut *mut Error) -> i32;
    pub(crate) fn turnkeep_store_sizes(store: *const Store, sizes: *mut Sizes, error: *mut *mut Error) -> i32;
    pub(crate) fn turnkeep_store_salvage(
        source: *const c_char,
        target: *const c_char,
        out: *mut *mut SalvageReport,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_salvage_report_len(report: *const SalvageReport) -> usize;
    pub(crate) fn turnkeep_salvage_report_at(report: *const SalvageReport, index: usize) -> Text;
    pub(crate) fn turnkeep_salvage_report_counts(report: *const SalvageReport) -> *const SalvageCounts;
    pub(crate) fn turnkeep_salvage_report_free(report: *mut SalvageReport);
    pub(crate) fn turnkeep_session_erase(
        store: *const Store,
        id: *const c_char,
        report: *mut EraseReport,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_store_export_file(
        store: *const Store,
        path: *const c_char,
        options: *const ExportOptions,
        out: *mut *mut TransferReport,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_store_export(
        store: *const Store,
        options: *const ExportOptions,
        write: WriteFn,
        user_data: *mut c_void,
        out: *mut *mut TransferReport,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_store_import(
        store: *const Store,
        path: *const c_char,
        options: *const ImportOptions,
        out: *mut *mut TransferReport,
        error: *mut *mut Error,
    ) -> i32;
    pub(crate) fn turnkeep_transfer_report_counts(report: *const TransferReport) -> *const TransferCounts;
    pub(crate) fn turnkeep_transfer_report_len(report: *const TransferReport) -> usize;
    pub(crate) fn turnkeep_transfer_report_at(report: *const TransferReport, index: usize) -> *const TransferProblem;
    pub(crate) fn turnkeep_transfer_report_loss_len(report: *const TransferReport) -> usize;
    pub(crate) fn turnkeep_transfer_report_loss_at(
        report: *const TransferReport,
        index: usize,
    ) -> *const TransferLoss;
    pub(crate) fn turnkeep_transfer_report_free(report: *mut TransferReport);
    pub(crate) fn turnkeep_format_by_name(name: *const c_char, format: *mut i32, error: *mut *mut Error) -> i32;
}
