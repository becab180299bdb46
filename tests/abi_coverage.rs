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
    let mut code = String::new();
    for (index, part) in read("include/turnkeep/turnkeep.h").split("/*").enumerate() {
        code.push_str(if index == 0 {
            part
        } else {
            part.split_once("*/").expect("a comment ends").1
        });
    }
    let lines = code.lines().filter(|line| !line.starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
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
        .map(|path| fs::read_to_string(path).expect("a source"))
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
        .filter(|item| item.name != "turnkeep_receipt")
        .flat_map(|item| item.parts_where(|kind| kind == "int32_t").collect::<Vec<_>>())
        // It has no status to answer with.
        .filter(|number| number != "turnkeep_event_name.kind")
        .collect();
    expect_all("NUMBER", numbers.into_iter(), &cases("NUMBER", 2));
}

#[test]
fn every_function_is_called_by_a_test_in_c() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c");
    let sources: String = fs::read_dir(folder)
        .expect("tests/c")
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .chain([read("tests/support/check.h")])
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
