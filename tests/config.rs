//! The settings file: every option has a key, and what is wrong in it is named.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod support;

use std::path::Path;
use std::time::Duration;
use support::user;
use turnkeep::error::{Error, Kind};
use turnkeep::model::{AppendOptions, Durability, NewSession};
use turnkeep::store::TokenizerChoice;
use turnkeep::{Store, StoreOptions};

fn read(settings: &str) -> (String, StoreOptions) {
    StoreOptions::from_toml(settings, Path::new("/etc/chat")).unwrap()
}

fn refused(line: &str) -> Error {
    let settings = format!("# a comment\n[session]\nbackend = \"sqlite\"\n{line}\n");
    let error = StoreOptions::from_toml(&settings, Path::new("")).err().unwrap();
    assert_eq!(error.kind(), Kind::Invalid, "{error}");
    error
}

/// The options of the C API, but for those that are functions or belong to them.
fn options_of_the_header() -> Vec<String> {
    let header =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("include/turnkeep/turnkeep.h")).unwrap();
    let (before, _) = header.split_once("} turnkeep_store_options;").unwrap();
    let (_, fields) = before.rsplit_once("typedef struct {").unwrap();
    let fields = fields.lines().filter_map(|line| line.trim().strip_suffix(';'));
    fields
        .map(|field| field.rsplit([' ', '*']).next().unwrap().to_owned())
        .filter(|name| !["struct_size", "user_data", "count_tokens", "destroy"].contains(&name.as_str()))
        .filter(|name| !name.starts_with("reserved"))
        .collect()
}

#[test]
fn every_option_of_the_c_api_has_a_key_of_the_same_name() {
    let options = options_of_the_header();
    assert!(
        options.len() >= 14 && options.contains(&"compress_min_bytes".to_owned()),
        "{options:?}"
    );
    for name in options {
        let error = refused(&format!("{name} = [1979-05-27]"));
        let says = format!("{name} in line 4 is of type array; it must be");
        assert!(error.message().contains(&says), "{error}");
    }
}

#[test]
fn the_keys_that_others_have_used_mean_what_they_meant() {
    let (location, options) = read(
        "title = 'something else'\n[session]\nbackend = 'sqlite'\nstorage_path = '/var/chat.db'\nautosave_interval = 30\n\
         max_session_size = 2\ncompress_messages = true\nconnection_pool_size = 3\n[other]\nkey = 1",
    );
    assert_eq!(location, "/var/chat.db");
    assert_eq!(options.autosave, Duration::from_secs(30));
    assert_eq!(options.max_session_bytes, Some(2 << 20));
    assert_eq!((options.compress_min_bytes, options.readers), (1024, 3));
    let (location, options) = read("[session]\nbackend = 'memory'\nautosave_interval = 0\nmax_session_size = 0");
    assert_eq!((location.as_str(), options.max_session_bytes), (":memory:", None));
    assert_eq!(options.autosave, Duration::MAX);
}

#[test]
fn every_key_of_ours_sets_its_option_and_0_is_the_default() {
    let (_, options) = read(
        "[session]\nstorage_path = 'x'\ndurability = 'deferred'\nautosave_ms = 5\ncache_sessions = 6\ncache_bytes = 7\n\
         window_tokens = 8\nbusy_timeout_ms = 9\nreaders = 10\nexclusive = true\nread_only = true\nmust_exist = true\n\
         tokenizer = 'o200k_base'\nmax_session_bytes = 0x0B\ncompress_min_bytes = 12\ncompression_level = 13\n\
         expire_after_ms = 14\nexpire_sliding = true\ncleanup_interval_ms = 15\nevent_log_rows = 16\nno_search = true",
    );
    assert_eq!(
        (options.durability, options.autosave),
        (Durability::Deferred, Duration::from_millis(5))
    );
    assert_eq!(
        (options.cache_sessions, options.cache_bytes, options.window_tokens),
        (6, 7, 8)
    );
    assert_eq!((options.busy_timeout, options.readers), (Duration::from_millis(9), 10));
    assert!(options.exclusive && options.read_only && options.must_exist);
    assert!(matches!(options.tokenizer, TokenizerChoice::Named(name) if name == "o200k_base"));
    assert_eq!(options.max_session_bytes, Some(11));
    assert_eq!((options.compress_min_bytes, options.compression_level), (12, 13));
    assert_eq!(options.expire_after, Some(Duration::from_millis(14)));
    assert_eq!(options.cleanup_interval, Some(Duration::from_millis(15)));
    assert!(options.expire_sliding && options.no_search);
    assert_eq!(options.event_log_rows, 16);

    let (_, options) = read(
        "[session]\nstorage_path = 'x'\nautosave_ms = 0\ncache_sessions = 0\ncache_bytes = 0\nwindow_tokens = 0\n\
         busy_timeout_ms = 0\nreaders = 0\nmax_session_bytes = 0\ncompress_min_bytes = 0\ncompression_level = 0\n\
         expire_after_ms = 0\ncleanup_interval_ms = 0",
    );
    let defaults = StoreOptions::default();
    assert_eq!(
        (options.autosave, options.busy_timeout),
        (defaults.autosave, defaults.busy_timeout)
    );
    assert_eq!(
        (options.cache_sessions, options.cache_bytes),
        (defaults.cache_sessions, defaults.cache_bytes)
    );
    assert_eq!(
        (options.window_tokens, options.readers),
        (defaults.window_tokens, defaults.readers)
    );
    assert_eq!((options.max_session_bytes, options.compression_level), (None, 3));
    assert_eq!((options.expire_after, options.cleanup_interval), (None, None));
}

#[test]
fn a_path_begins_at_the_settings_file_and_a_tilde_at_home() {
    let at = |path: &str| read(&format!("[session]\nstorage_path = '{path}'")).0;
    assert_eq!(at("data/chat.db"), "/etc/chat/data/chat.db");
    assert_eq!(at("/data/chat.db"), "/data/chat.db");
    let home = std::env::home_dir().unwrap();
    assert_eq!(at("~/chat.db"), home.join("chat.db").to_str().unwrap());
    assert_eq!(at("~other/chat.db"), "/etc/chat/~other/chat.db");
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_that_is_known() {
    for (wrong, right) in [
        ("storage-path", "storage_path"),
        ("autosaveinterval", "autosave_interval"),
        ("compress_mesages", "compress_messages"),
        ("reader", "readers"),
        ("Exclusive", "exclusive"),
    ] {
        let error = refused(&format!("{wrong} = 1"));
        let says = format!("there is no setting '{wrong}' (line 4); did you mean {right}?");
        assert!(error.message().contains(&says), "{error}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_key_and_line() {
    for (line, says) in [
        ("backend = \"postgres\"", "line 4 is not TOML"),
        (
            "storage_path = 7",
            "storage_path in line 4 is 7; it must be a text in quotes",
        ),
        (
            "durability = \"never\"",
            "durability in line 4 is \"never\"; it must be \"disk\" or \"os\" or \"deferred\"",
        ),
        (
            "cache_bytes = -1",
            "cache_bytes in line 4 is -1; it must be a whole number from 0",
        ),
        ("readers = 1.5", "readers in line 4 is 1.5"),
        ("exclusive = 1", "exclusive in line 4 is 1; it must be true or false"),
        ("autosave_ms = 4294967296", "from 0 to 4294967295"),
        ("readers = ", "line 4 is not TOML"),
        ("storage_path = \"\"", "storage_path is empty"),
        ("", "storage_path is missing"),
        (
            "readers = 1\nconnection_pool_size = 1",
            "connection_pool_size and readers are both given",
        ),
        (
            "autosave_ms = 1\nautosave_interval = 1",
            "autosave_interval and autosave_ms are both given",
        ),
    ] {
        let error = refused(line);
        assert!(error.message().contains(says), "{line}: {error}");
    }
    let error = |settings: &str| StoreOptions::from_toml(settings, Path::new("")).err().unwrap();
    assert!(error("[sessions]").message().contains("there is no table [session]"));
    assert!(error("session = 1").message().contains("there is no table [session]"));
    let unused = error("[session]\nbackend = 'memory'\nstorage_path = 'x'");
    assert!(
        unused
            .message()
            .contains("storage_path is given, which it has no use for"),
        "{unused}"
    );
}

#[test]
fn a_settings_file_opens_its_store() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    std::fs::write(
        &file,
        "[session]\nstorage_path = \"data/chat.db\"\nmax_session_size = 1\n",
    )
    .unwrap();
    let store = Store::open_config(file.to_str().unwrap()).unwrap();
    let session = store.create_session(NewSession::default()).unwrap();
    assert!(folder.path().join("data/chat.db").exists());
    session
        .append(vec![user(&"x".repeat(1 << 20))], AppendOptions::default())
        .unwrap();
    let refused = session.append(vec![user("y")], AppendOptions::default()).unwrap_err();
    assert_eq!(refused.kind(), Kind::TooLarge);
    let own = NewSession {
        max_bytes: Some(2 << 20),
        ..NewSession::default()
    };
    assert_eq!(
        store.create_session(own).unwrap().describe().unwrap().max_bytes,
        Some(2 << 20)
    );

    for (name, content, kind) in [
        ("none.toml", None, Kind::NotFound),
        ("latin.toml", Some(b"[session]\n# \xE4".as_slice()), Kind::Encoding),
        ("bad.toml", Some(b"[session]\nreader = 1".as_slice()), Kind::Invalid),
        (
            "level.toml",
            Some(b"[session]\nbackend = 'memory'\ncompression_level = 23".as_slice()),
            Kind::Invalid,
        ),
    ] {
        let file = folder.path().join(name);
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let error = Store::open_config(file.to_str().unwrap()).err().unwrap();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(name), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_never_ends_is_no_settings() {
    let error = Store::open_config("/dev/zero").err().unwrap();
    assert_eq!(error.kind(), Kind::TooLarge);
}

#[test]
fn a_storage_path_of_memory_is_memory_wherever_the_file_is() {
    for folder in ["", "/etc/chat"] {
        let settings = "[session]\nstorage_path = ':memory:'";
        let (location, _) = StoreOptions::from_toml(settings, Path::new(folder)).unwrap();
        assert_eq!(location, ":memory:");
    }
}
