//! The types of `turnkeep.h`. A struct whose size does not agree with the library's is refused by it, so what is
//! wrong here, or left behind by the header, is noticed by the first call.

use std::ffi::{c_char, c_void};

/// A plain struct of the header, for which all bytes 0 are a value.
pub(crate) trait Plain: Copy + 'static {
    fn zeroed() -> Self {
        // SAFETY: implementors are structs of integers and of pointers that may be NULL.
        unsafe { std::mem::zeroed() }
    }
}

/// A struct that begins with its size.
pub(crate) trait Sized: Plain {
    fn size_mut(&mut self) -> &mut usize;
}

/// `TURNKEEP_LAST`, `TURNKEEP_UNLIMITED` and `TURNKEEP_WINDOW_OF_STORE`.
pub(crate) const LAST: u64 = u64::MAX;

/// A struct that says its size, everything else 0: the header's `_INIT`.
pub(crate) fn sized<T: Sized>() -> T {
    let mut empty = T::zeroed();
    *empty.size_mut() = size_of::<T>();
    empty
}

macro_rules! handles {
    ($($name:ident)*) => {
        $(
            #[repr(C)]
            pub(crate) struct $name([u8; 0]);
        )*
    };
}

macro_rules! structs {
    ($($name:ident { $($field:ident: $type:ty,)* })*) => {
        $(
            #[derive(Clone, Copy)]
            #[repr(C)]
            pub(crate) struct $name {
                $(pub(crate) $field: $type,)*
            }

            impl Plain for $name {}
        )*
    };
}

macro_rules! sized {
    ($($name:ident)*) => {
        $(
            impl Sized for $name {
                fn size_mut(&mut self) -> &mut usize {
                    &mut self.struct_size
                }
            }
        )*
    };
}

handles! {
    Document Error Store Session SessionList Messages Window Turns SearchResults Events CheckReport SalvageReport
    TransferReport
}

pub(crate) type CountTokensFn = Option<unsafe extern "C" fn(*mut c_void, *const c_char, usize, *mut u64) -> i32>;
pub(crate) type DestroyFn = Option<unsafe extern "C" fn(*mut c_void)>;
pub(crate) type EventFn = Option<unsafe extern "C" fn(*mut c_void, *const Event) -> i32>;
pub(crate) type ProgressFn = Option<unsafe extern "C" fn(*mut c_void, u64, u64) -> i32>;
pub(crate) type WriteFn = Option<unsafe extern "C" fn(*mut c_void, *const c_char, usize) -> i32>;

sized! {
    StoreOptions SessionOptions SessionChanges Receipt NewMessage AppendOptions WindowOptions Exchange BranchOptions
    Comparison MetadataCondition Filter SessionListOptions SearchOptions Metrics BackupOptions Sizes EraseReport
    ExportOptions ImportOptions
}

structs! {
    Text { data: *const c_char, len: usize, }
    StoreOptions {
        struct_size: usize, durability: i32, autosave_ms: u32, cache_sessions: u64, cache_bytes: u64,
        window_tokens: u64, busy_timeout_ms: u32, readers: u32, exclusive: i32, read_only: i32,
        must_exist: i32, no_search: i32, count_tokens: CountTokensFn, user_data: *mut c_void,
        destroy: DestroyFn, tokenizer: *const c_char, expire_after_ms: u64, expire_sliding: i32,
        cleanup_interval_ms: u32, event_log_rows: u64, max_session_bytes: u64, compress_min_bytes: u64,
        compression_level: i32, reserved: u32,
    }
    SessionOptions {
        struct_size: usize, id: *const c_char, user_id: *const c_char, name: *const c_char,
        title: *const c_char, model: *const c_char, summary: *const c_char, metadata: *const c_char,
        window_tokens: u64, expires_us: i64, expires_after_ms: u64, max_bytes: u64,
        tags: *const *const c_char, tag_count: usize, like: *const c_char,
    }
    SessionChanges {
        struct_size: usize, expected_revision: u64, name: *const c_char, title: *const c_char,
        model: *const c_char, summary: *const c_char, metadata: *const c_char, window_tokens: u64,
        metadata_patch: *const c_char, add_tags: *const *const c_char, add_tag_count: usize,
        remove_tags: *const *const c_char, remove_tag_count: usize, expires_us: i64,
        expires_after_ms: u64, max_bytes: u64, status: i32, reserved: u32,
    }
    SessionInfo {
        id: Text, user_id: Text, name: Text, title: Text, model: Text, summary: Text, metadata: Text,
        parent_id: Text, created_us: i64, updated_us: i64, expires_us: i64, revision: u64,
        head_seq: u64, fork_seq: u64, message_count: u64, total_tokens: u64, window_tokens: u64,
        tags: *const Text, tag_count: usize, expires_after_ms: u64, bytes: u64, max_bytes: u64,
        status: i32, reserved: u32,
    }
    MessageDetails { tool_calls: Text, tool_call_id: Text, model: Text, metadata: Text, }
    Message {
        content: Text, created_us: i64, total_tokens: u64, details: *const MessageDetails, seq: u64,
        turn: u32, tokens: u32, role: i32, flags: u32,
    }
    Receipt { struct_size: usize, first_seq: u64, last_seq: u64, revision: u64, durability: i32, repeated: i32, }
    NewMessage {
        struct_size: usize, role: i32, flags: u32, content: *const c_char, content_len: usize,
        tokens: i64, created_us: i64, tool_calls: *const c_char, tool_call_id: *const c_char,
        model: *const c_char, metadata: *const c_char,
    }
    AppendOptions {
        struct_size: usize, expected_revision: u64, idempotency_key: *const c_char, durability: i32,
        reserved: u32,
    }
    WindowOptions {
        struct_size: usize, max_tokens: u64, reserve_tokens: u64, summary_tokens: u64,
        message_overhead: u32, low_water_percent: u32, keep_first_turns: u32, max_messages: u32,
        leave_out: u32, reserved: u32,
    }
    WindowReport {
        tokens: u64, budget_tokens: u64, cut_seq: u64, head_seq: u64, front_messages: u64,
        left_out_messages: u64, left_out_tokens: u64, left_out_first_seq: u64, left_out_last_seq: u64,
        revision: u64,
    }
    Exchange {
        struct_size: usize, input: *const c_char, input_len: usize, input_name: *const c_char,
        input_type: *const c_char, answer: *const c_char, answer_len: usize, processing_us: i64,
        tokens_used: u64, model: *const c_char, metadata: *const c_char,
    }
    Turn {
        input: Text, input_name: Text, input_type: Text, answer: Text, metadata: Text, number: u64,
        first_seq: u64, last_seq: u64, tokens: u64, created_us: i64, processing_us: i64,
        tokens_used: u64,
    }
    BranchOptions {
        struct_size: usize, expected_revision: u64, fork: *const SessionOptions, branching: i32,
        reserved: u32,
    }
    Comparison { struct_size: usize, common_seq: u64, one_head_seq: u64, other_head_seq: u64, }
    MetadataCondition {
        struct_size: usize, pointer: *const c_char, value: *const c_char, relation: i32, reserved: u32,
    }
    Filter {
        struct_size: usize, user_id: *const c_char, statuses: u32, has_messages: i32,
        all_tags: *const *const c_char, all_tag_count: usize, any_tags: *const *const c_char,
        any_tag_count: usize, model: *const c_char, text: *const c_char,
        metadata: *const MetadataCondition, metadata_count: usize, created_from: *const c_char,
        created_to: *const c_char, updated_from: *const c_char, updated_to: *const c_char,
        expires_from: *const c_char, expires_to: *const c_char, parent_id: *const c_char,
        utc_offset_minutes: i32, reserved: u32,
    }
    SessionListOptions {
        struct_size: usize, filter: *const Filter, page: *const c_char, limit: u32, sort: i32,
        ascending: i32, reserved: u32,
    }
    SearchOptions {
        struct_size: usize, text: *const c_char, filter: *const Filter, message_from: *const c_char,
        message_to: *const c_char, utc_offset_minutes: i32, order: i32, roles: u32, time_limit_ms: u32,
        limit: u32, neighbours: u32, snippet_chars: u32, raw: i32,
    }
    Mark { begin: usize, end: usize, }
    Hit {
        session_id: Text, title: Text, snippet: Text, marks: *const Mark, mark_count: usize,
        messages: *const Message, message_count: usize, message_index: usize, seq: u64, created_us: i64,
        score: f64, role: i32, reserved: u32,
    }
    Event {
        number: u64, at_us: i64, session_id: Text, other_session_id: Text, name: Text, revision: u64,
        first_seq: u64, last_seq: u64, count: u64, kind: i32, reserved: u32,
    }
    Metrics {
        struct_size: usize, opened_us: i64, reset_us: i64, sessions_created: u64, sessions_deleted: u64,
        messages_appended: u64, tokens_appended: u64, windows: u64, searches: u64, cache_hits: u64,
        cache_misses: u64, cache_evictions: u64, commits: u64, busy_waits: u64, busy_wait_us: u64,
        busy_failures: u64, events_delivered: u64, event_failures: u64, appends_per_commit_p50: u64,
        appends_per_commit_p90: u64, appends_per_commit_p99: u64, appends_per_commit_max: u64,
        append_count: u64, append_p50_ns: u64, append_p90_ns: u64, append_p99_ns: u64,
        append_max_ns: u64, window_count: u64, window_p50_ns: u64, window_p90_ns: u64,
        window_p99_ns: u64, window_max_ns: u64, cache_sessions: u64, cache_bytes: u64, wal_bytes: u64,
        active_sessions: u64, archived_sessions: u64, trashed_sessions: u64, total_messages: u64,
        total_tokens: u64, total_bytes: u64, total_duration_us: u64,
    }
    BackupOptions {
        struct_size: usize, overwrite: i32, reserved: u32, progress: ProgressFn, user_data: *mut c_void,
    }
    CheckCounts { problems: u64, sessions: u64, messages: u64, search_entries: u64, pages: u64, }
    Sizes {
        struct_size: usize, sessions: u64, messages: u64, search: u64, indexes: u64, other: u64,
        free_pages: u64, database: u64, wal_file: u64,
    }
    SalvageCounts {
        problems: u64, sessions: u64, sessions_added: u64, sessions_lost: u64, messages: u64,
        messages_lost: u64,
    }
    EraseReport {
        struct_size: usize, messages_erased: u64, messages_kept_by_forks: u64, wal_truncated: u32,
        reserved: u32,
    }
    ExportOptions {
        struct_size: usize, format: i32, reserved: u32, filter: *const Filter,
        session_ids: *const *const c_char, session_id_count: usize, progress: ProgressFn,
        user_data: *mut c_void,
    }
    ImportOptions {
        struct_size: usize, format: i32, existing: i32, dry_run: i32, reserved: u32,
        progress: ProgressFn, user_data: *mut c_void,
    }
    TransferCounts {
        sessions: u64, messages: u64, forks: u64, skipped: u64, failed: u64, overwritten: u64,
        problems: u64, bytes: u64, format: i32, reserved: u32,
    }
    TransferProblem { session_id: Text, place: Text, reason: Text, kind: i32, reserved: u32, }
    TransferLoss { what: Text, count: u64, }
}
