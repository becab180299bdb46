//! The tests in C leave out nothing that `turnkeep.h` has: `tests/c/hostile*.c` name what each of their cases is about, and
//! every function is called somewhere.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A function or a caller's struct, and what it takes.
struct Item {
    name: String,
    /// Parameters or fields, as type and name.
    parts: Vec<(String, String)>,
}

impl Item {
    fn new(name: &str, parts: impl Iterator<Item = (String, String)>) -> Self {
        Self {
            name: name.trim().to_owned(),
            parts: parts.collect(),
        }
    }

    fn parts_where<'a>(&'a self, wanted: impl Fn(&str) -> bool + 'a) -> impl Iterator<Item = String> + 'a {
        self.parts
            .iter()
            .filter(move |(kind, _)| wanted(kind))
            .map(|(_, name)| format!("{}.{name}", self.name))
    }
}

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).expect(file)
}

/// The header without comments and preprocessor.
fn header() -> String {
    let code = without_comments(&read("include/turnkeep/turnkeep.h"));
    let lines = code.lines().filter(|line| !line.starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

/// The code of a source in C: what stands in a comment or in a text is not called by it.
fn without_comments(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find(['/', '"', '\'']) {
        let (before, here) = rest.split_at(at);
        code.push_str(before);
        rest = if let Some(comment) = here.strip_prefix("/*") {
            comment.split_once("*/").expect("a comment ends").1
        } else if here.starts_with("//") {
            here.find('\n').map_or("", |end| &here[end..])
        } else if let Some(divisor) = here.strip_prefix('/') {
            code.push('/');
            divisor
        } else {
            code.push_str("\"\"");
            behind_text(here)
        };
    }
    code + rest
}

/// What follows on a text or a character in quotes that `code` begins with.
fn behind_text(code: &str) -> &str {
    let quote = code.chars().next().expect("a quote");
    let mut escaped = false;
    let end = code[1..].find(|c: char| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    &code[end.expect("a text ends") + 2..]
}

/// "const char *id" as its type, "const char *", and its name.
fn declaration(text: &str) -> (String, String) {
    let text = text.trim();
    let begin = text
        .rfind(|c: char| !c.is_alphanumeric() && c != '_')
        .map_or(0, |at| at + 1);
    (text[..begin].trim().to_owned(), text[begin..].to_owned())
}

fn functions(header: &str) -> Vec<Item> {
    let declared = header
        .split("TURNKEEP_API ")
        .skip(1)
        .filter_map(|text| text.split_once(';'));
    declared
        .filter_map(|(text, _)| text.split_once('('))
        .map(|(head, parameters)| {
            let parameters = parameters
                .trim_end_matches(')')
                .split(',')
                .filter(|text| *text != "void");
            Item::new(&declaration(head).1, parameters.map(declaration))
        })
        .collect()
}

/// Structs that begin with `struct_size`. A receipt is one that the library fills.
fn caller_structs(header: &str) -> Vec<Item> {
    let declared = header
        .split("typedef struct {")
        .skip(1)
        .filter_map(|text| text.split_once('}'));
    declared
        .filter(|(body, _)| body.trim_start().starts_with("size_t struct_size;"))
        .map(|(body, rest)| {
            let fields = body.split(';').filter(|field| !field.trim().is_empty());
            Item::new(rest.split(';').next().expect("a name"), fields.map(declaration))
        })
        .collect()
}

/// What the cases of a macro in the hostile tests are about: its first one or two arguments.
fn cases(macro_name: &str, arguments: usize) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c");
    let files = fs::read_dir(folder)
        .expect("tests/c")
        .map(|entry| entry.expect("a file").path());
    let hostile = files.filter(|path| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("hostile"))
    });
    let source: String = hostile
        .map(|path| without_comments(&fs::read_to_string(path).expect("a source")))
        .collect();
    let call = format!("    {macro_name}(");
    source
        .split(call.as_str())
        .skip(1)
        .map(|call| {
            let names: Vec<&str> = call.split(',').take(arguments).map(str::trim).collect();
            names.join(".")
        })
        .collect()
}

fn is_function_of_a_session(function: &Item) -> bool {
    let session = function
        .parts
        .first()
        .is_some_and(|(kind, _)| kind == "const turnkeep_session *");
    let fails = function.parts.last().is_some_and(|(_, name)| name == "error");
    session && fails
}

#[track_caller]
fn expect_all(what: &str, wanted: impl Iterator<Item = String>, covered: &BTreeSet<String>) {
    let wanted: BTreeSet<String> = wanted.collect();
    assert!(
        !wanted.is_empty(),
        "the header has nothing for {what}: is it still read rightly?"
    );
    let missing: Vec<_> = wanted.difference(covered).collect();
    assert!(missing.is_empty(), "tests/c/hostile*.c have no {what} for {missing:?}");
}

#[test]
fn what_stands_in_a_comment_or_a_text_is_no_call() {
    let source = "a / b; /* f(*/ \"g(\\\"h(\" // i(\nj('\"', \"\")";
    assert_eq!(without_comments(source), "a / b;  \"\" \nj(\"\", \"\")");
}

#[test]
fn every_pointer_of_every_function_is_once_null() {
    let header = header();
    let covered = &cases("NULL_REFUSED", 2) | &cases("NULL_ALLOWED", 2);
    let functions = functions(&header);
    let pointers = functions
        .iter()
        .flat_map(|function| function.parts_where(|kind| kind.ends_with('*')));
    let pointers: BTreeSet<String> = pointers.collect();
    expect_all("NULL_REFUSED or NULL_ALLOWED", pointers.iter().cloned(), &covered);
    let unknown: Vec<_> = covered.difference(&pointers).collect();
    assert!(
        unknown.is_empty(),
        "tests/c/hostile*.c test {unknown:?}, which the header does not have"
    );
}

#[test]
fn every_function_of_a_session_is_called_when_the_session_is_gone() {
    let functions = functions(&header());
    let of_sessions = functions.iter().filter(|function| is_function_of_a_session(function));
    expect_all(
        "GONE",
        of_sessions.map(|function| function.name.clone()),
        &cases("GONE", 1),
    );
}

#[test]
fn every_struct_of_the_callers_has_once_a_wrong_size() {
    let structs = caller_structs(&header());
    expect_all("SIZE", structs.iter().map(|item| item.name.clone()), &cases("SIZE", 1));
}

#[test]
fn every_text_that_goes_in_is_once_not_utf_8() {
    let header = header();
    let items = functions(&header).into_iter().chain(caller_structs(&header));
    let texts: Vec<String> = items
        .flat_map(|item| item.parts_where(|kind| kind == "const char *").collect::<Vec<_>>())
        // It has no status to answer with.
        .filter(|text| text != "turnkeep_has_feature.name")
        .collect();
    expect_all("TEXT", texts.into_iter(), &cases("TEXT", 2));
}

#[test]
fn every_number_with_a_meaning_is_once_without_one() {
    let header = header();
    let items = functions(&header).into_iter().chain(caller_structs(&header));
    let numbers: Vec<String> = items
        .filter(|item| !FILLED_BY_THE_LIBRARY.contains(&item.name.as_str()))
        .flat_map(|item| {
            item.parts_where(|kind| matches!(kind, "int32_t" | "uint32_t"))
                .collect::<Vec<_>>()
        })
        // It has no status to answer with.
        .filter(|number| number != "turnkeep_event_name.kind")
        .collect();
    let unknown: Vec<_> = ANY_NUMBER_WILL_DO
        .iter()
        .filter(|number| !numbers.iter().any(|known| known == *number))
        .collect();
    assert!(unknown.is_empty(), "the header does not have {unknown:?}");
    let with_a_meaning = numbers
        .into_iter()
        .filter(|number| !ANY_NUMBER_WILL_DO.contains(&number.as_str()));
    expect_all("NUMBER", with_a_meaning, &cases("NUMBER", 2));
}

/// A caller says how large they are, and reads the rest.
const FILLED_BY_THE_LIBRARY: [&str; 2] = ["turnkeep_receipt", "turnkeep_erase_report"];

/// Times and counts of which none is too much.
const ANY_NUMBER_WILL_DO: [&str; 8] = [
    "turnkeep_store_options.autosave_ms",
    "turnkeep_store_options.busy_timeout_ms",
    "turnkeep_store_options.cleanup_interval_ms",
    "turnkeep_window_options.message_overhead",
    "turnkeep_window_options.keep_first_turns",
    "turnkeep_window_options.max_messages",
    "turnkeep_search_options.time_limit_ms",
    "turnkeep_search_options.snippet_chars",
];

#[test]
fn every_function_is_called_by_a_test_in_c() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c");
    let sources: String = fs::read_dir(folder)
        .expect("tests/c")
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .chain([read("tests/support/check.h")])
        .map(|source| without_comments(&source))
        .collect();
    let called = |function: &Item| sources.contains(&format!("{}(", function.name));
    let functions = functions(&header());
    assert!(functions.len() >= 40, "the header has {} functions", functions.len());
    let silent: Vec<&str> = functions
        .iter()
        .filter(|function| !called(function))
        .map(|function| function.name.as_str())
        .collect();
    assert!(silent.is_empty(), "no test in C calls {silent:?}");
}

#[test]
fn every_function_is_called_by_the_fuzzer() {
    let files = ["mod", "calls", "callbacks", "maintenance", "results"];
    let sources: String = files
        .map(|file| read(&format!("tests/support/fuzzing/abi/{file}.rs")))
        .concat();
    // What frees is handed to a macro, and stands before a comma.
    let called = |name: &str| {
        ['(', ',']
            .iter()
            .any(|behind| sources.contains(&format!("{name}{behind}")))
    };
    let functions = functions(&header());
    let silent: Vec<&str> = functions
        .iter()
        .filter(|function| !called(&function.name))
        .map(|function| function.name.as_str())
        .collect();
    assert!(silent.is_empty(), "the target 'abi' does not call {silent:?}");
}
