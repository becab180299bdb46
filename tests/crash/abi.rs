//! What these tests call of include/turnkeep/turnkeep.h, as a host in C sees it: its functions and its structs.

use std::ffi::{c_char, c_void};

pub(crate) type Status = i32;
/// A handle, a result or an error: nobody here looks into one.
pub(crate) type Object = *mut c_void;
pub(crate) type Error = *mut Object;

/// `TURNKEEP_LAST`, `TURNKEEP_UNLIMITED` and `TURNKEEP_WINDOW_OF_STORE`.
pub(crate) const LAST: u64 = u64::MAX;

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Text {
    pub(crate) data: *const c_char,
    pub(crate) len: usize,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct StoreOptions {
    pub(crate) struct_size: usize,
    pub(crate) durability: i32,
    pub(crate) autosave_ms: u32,
    pub(crate) cache_sessions: u64,
    pub(crate) cache_bytes: u64,
    pub(crate) window_tokens: u64,
    pub(crate) busy_timeout_ms: u32,
    pub(crate) readers: u32,
    pub(crate) exclusive: i32,
    pub(crate) read_only: i32,
    pub(crate) must_exist: i32,
    pub(crate) no_search: i32,
    pub(crate) count_tokens: *const c_void,
    pub(crate) user_data: *const c_void,
    pub(crate) destroy: *const c_void,
    pub(crate) tokenizer: *const c_char,
    pub(crate) expire_after_ms: u64,
    pub(crate) expire_sliding: i32,
    pub(crate) cleanup_interval_ms: u32,
    pub(crate) event_log_rows: u64,
    pub(crate) max_session_bytes: u64,
    pub(crate) compress_min_bytes: u64,
    pub(crate) compression_level: i32,
    pub(crate) reserved: u32,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct SessionOptions {
    pub(crate) struct_size: usize,
    pub(crate) id: *const c_char,
    pub(crate) user_id: *const c_char,
    pub(crate) name: *const c_char,
    pub(crate) title: *const c_char,
    pub(crate) model: *const c_char,
    pub(crate) summary: *const c_char,
    pub(crate) metadata: *const c_char,
    pub(crate) window_tokens: u64,
    pub(crate) expires_us: i64,
    pub(crate) expires_after_ms: u64,
    pub(crate) max_bytes: u64,
    pub(crate) tags: *const *const c_char,
    pub(crate) tag_count: usize,
    pub(crate) like: *const c_char,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct SessionChanges {
    pub(crate) struct_size: usize,
    pub(crate) expected_revision: u64,
    pub(crate) name: *const c_char,
    pub(crate) title: *const c_char,
    pub(crate) model: *const c_char,
    pub(crate) summary: *const c_char,
    pub(crate) metadata: *const c_char,
    pub(crate) window_tokens: u64,
    pub(crate) metadata_patch: *const c_char,
    pub(crate) add_tags: *const *const c_char,
    pub(crate) add_tag_count: usize,
    pub(crate) remove_tags: *const *const c_char,
    pub(crate) remove_tag_count: usize,
    pub(crate) expires_us: i64,
    pub(crate) expires_after_ms: u64,
    pub(crate) max_bytes: u64,
    pub(crate) status: i32,
    pub(crate) reserved: u32,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct NewMessage {
    pub(crate) struct_size: usize,
    pub(crate) role: i32,
    pub(crate) flags: u32,
    pub(crate) content: *const c_char,
    pub(crate) content_len: usize,
    pub(crate) tokens: i64,
    pub(crate) created_us: i64,
    pub(crate) tool_calls: *const c_char,
    pub(crate) tool_call_id: *const c_char,
    pub(crate) model: *const c_char,
    pub(crate) metadata: *const c_char,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct AppendOptions {
    pub(crate) struct_size: usize,
    pub(crate) expected_revision: u64,
    pub(crate) idempotency_key: *const c_char,
    pub(crate) durability: i32,
    pub(crate) reserved: u32,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Receipt {
    pub(crate) struct_size: usize,
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    pub(crate) revision: u64,
    pub(crate) durability: i32,
    pub(crate) repeated: i32,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Exchange {
    pub(crate) struct_size: usize,
    pub(crate) input: *const c_char,
    pub(crate) input_len: usize,
    pub(crate) input_name: *const c_char,
    pub(crate) input_type: *const c_char,
    pub(crate) answer: *const c_char,
    pub(crate) answer_len: usize,
    pub(crate) processing_us: i64,
    pub(crate) tokens_used: u64,
    pub(crate) model: *const c_char,
    pub(crate) metadata: *const c_char,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct BranchOptions {
    pub(crate) struct_size: usize,
    pub(crate) expected_revision: u64,
    pub(crate) fork: *const SessionOptions,
    pub(crate) branching: i32,
    pub(crate) reserved: u32,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Filter {
    pub(crate) struct_size: usize,
    pub(crate) user_id: *const c_char,
    pub(crate) statuses: u32,
    pub(crate) has_messages: i32,
    pub(crate) all_tags: *const *const c_char,
    pub(crate) all_tag_count: usize,
    pub(crate) any_tags: *const *const c_char,
    pub(crate) any_tag_count: usize,
    pub(crate) model: *const c_char,
    pub(crate) text: *const c_char,
    pub(crate) metadata: *const c_void,
    pub(crate) metadata_count: usize,
    pub(crate) times: [*const c_char; 6],
    pub(crate) parent_id: *const c_char,
    pub(crate) utc_offset_minutes: i32,
    pub(crate) reserved: u32,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct SearchOptions {
    pub(crate) struct_size: usize,
    pub(crate) text: *const c_char,
    pub(crate) filter: *const Filter,
    pub(crate) message_from: *const c_char,
    pub(crate) message_to: *const c_char,
    pub(crate) utc_offset_minutes: i32,
    pub(crate) order: i32,
    pub(crate) roles: u32,
    pub(crate) time_limit_ms: u32,
    pub(crate) limit: u32,
    pub(crate) neighbours: u32,
    pub(crate) snippet_chars: u32,
    pub(crate) raw: i32,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct BackupOptions {
    pub(crate) struct_size: usize,
    pub(crate) overwrite: i32,
    pub(crate) reserved: u32,
    pub(crate) progress: *const c_void,
    pub(crate) user_data: *const c_void,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct ExportOptions {
    pub(crate) struct_size: usize,
    pub(crate) format: i32,
    pub(crate) reserved: u32,
    pub(crate) filter: *const Filter,
    pub(crate) session_ids: *const *const c_char,
    pub(crate) session_id_count: usize,
    pub(crate) progress: *const c_void,
    pub(crate) user_data: *const c_void,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct EraseReport {
    pub(crate) struct_size: usize,
    pub(crate) messages_erased: u64,
    pub(crate) messages_kept_by_forks: u64,
    pub(crate) wal_truncated: u32,
    pub(crate) reserved: u32,
}

/// A struct that begins with its size, everything else 0: the header's `_INIT`.
pub(crate) fn sized<T: Copy>() -> T {
    // SAFETY: every struct here consists of integers and pointers, which may all be zero, and begins with its size.
    unsafe {
        let mut empty: T = std::mem::zeroed();
        (&raw mut empty).cast::<usize>().write(size_of::<T>());
        empty
    }
}

unsafe extern "C" {
    pub(crate) fn turnkeep_status_name(status: Status) -> *const c_char;
    pub(crate) fn turnkeep_error_message(error: Object) -> Text;
    pub(crate) fn turnkeep_error_free(error: Object);
    pub(crate) fn turnkeep_store_open(
        location: *const c_char,
        options: *const StoreOptions,
        out: *mut Object,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_store_flush(store: Object, error: Error) -> Status;
    pub(crate) fn turnkeep_store_close(store: Object, error: Error) -> Status;
    pub(crate) fn turnkeep_store_cleanup(store: Object, deleted: *mut u64, error: Error) -> Status;
    pub(crate) fn turnkeep_store_backup(
        store: Object,
        path: *const c_char,
        options: *const BackupOptions,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_store_vacuum(store: Object, error: Error) -> Status;
    pub(crate) fn turnkeep_store_optimize(store: Object, error: Error) -> Status;
    pub(crate) fn turnkeep_store_import(
        store: Object,
        path: *const c_char,
        options: *const c_void,
        out: *mut Object,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_store_export_file(
        store: Object,
        path: *const c_char,
        options: *const ExportOptions,
        out: *mut Object,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_store_count_sessions(
        store: Object,
        filter: *const Filter,
        count: *mut u64,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_store_change_sessions(
        store: Object,
        filter: *const Filter,
        action: i32,
        tag: *const c_char,
        changed: *mut u64,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_store_search(
        store: Object,
        options: *const SearchOptions,
        out: *mut Object,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_search_results_free(results: Object);
    pub(crate) fn turnkeep_session_create_with(
        store: Object,
        options: *const SessionOptions,
        messages: *const NewMessage,
        count: usize,
        out: *mut Object,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_session_open(store: Object, id: *const c_char, out: *mut Object, error: Error) -> Status;
    pub(crate) fn turnkeep_session_close(session: Object);
    pub(crate) fn turnkeep_session_append_batch(
        session: Object,
        messages: *const NewMessage,
        count: usize,
        options: *const AppendOptions,
        receipt: *mut Receipt,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_session_append_exchange(
        session: Object,
        exchange: *const Exchange,
        options: *const AppendOptions,
        number: *mut u64,
        receipt: *mut Receipt,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_session_update(
        session: Object,
        changes: *const SessionChanges,
        revision: *mut u64,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_session_fork(
        session: Object,
        at_seq: u64,
        options: *const SessionOptions,
        out: *mut Object,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_session_rewind(
        session: Object,
        to_seq: u64,
        expected_revision: u64,
        revision: *mut u64,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_session_replace(
        session: Object,
        seq: u64,
        messages: *const NewMessage,
        count: usize,
        options: *const BranchOptions,
        out: *mut Object,
        receipt: *mut Receipt,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_session_regenerate(
        session: Object,
        seq: u64,
        options: *const BranchOptions,
        out: *mut Object,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_session_truncate(
        session: Object,
        max_messages: u64,
        max_tokens: u64,
        expected_revision: u64,
        revision: *mut u64,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_session_clear(
        session: Object,
        expected_revision: u64,
        revision: *mut u64,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_session_adopt(
        session: Object,
        from: Object,
        first_seq: u64,
        last_seq: u64,
        options: *const AppendOptions,
        receipt: *mut Receipt,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_session_delete(store: Object, id: *const c_char, error: Error) -> Status;
    pub(crate) fn turnkeep_session_erase(
        store: Object,
        id: *const c_char,
        report: *mut EraseReport,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_session_window(
        session: Object,
        options: *const c_void,
        out: *mut Object,
        error: Error,
    ) -> Status;
    pub(crate) fn turnkeep_window_free(window: Object);
}
