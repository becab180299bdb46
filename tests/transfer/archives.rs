//! Folders and zip archives: read by the names of their files, which never become paths.

use super::*;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn chatgpt(id: &str) -> String {
    let message = json!({"author": {"role": "user"}, "content": {"content_type": "text", "parts": [id]}});
    json!([{"id": id, "mapping": {"m": {"id": "m", "parent": null, "message": message}}, "current_node": "m"}])
        .to_string()
}

fn llama(id: &str) -> String {
    let message = json!({"id": "m", "convId": id, "parent": null, "role": "user", "content": id});
    format!(
        "{}\n{}",
        json!({"type": "session", "id": id}),
        json!({"type": "message", "message": message})
    )
}

fn archive(files: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.zip");
    let mut zip = ZipWriter::new(std::fs::File::create(&path).unwrap());
    for (name, content) in files {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(*name, options).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    (folder, path)
}

#[test]
fn the_split_form_of_chatgpt_is_read_from_an_archive_and_from_a_folder() {
    let (a, b) = (chatgpt("a"), chatgpt("b"));
    let files = [
        ("export/conversations-001.json", b.as_str()),
        ("export/conversations-000.json", a.as_str()),
        ("export/user.json", "{\"id\":"),
        ("export/shared_conversations.json", "nonsense"),
        ("__MACOSX/export/._conversations-000.json", "nonsense"),
        ("export/chat.html", "<html>"),
    ];
    let (folder, path) = archive(&files);
    let from_archive = import_path(&path, None).unwrap();
    for (name, content) in files {
        let path = folder.path().join("unpacked").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let from_folder = import_path(&folder.path().join("unpacked"), None).unwrap();
    for came in [from_archive, from_folder] {
        assert_eq!(came.report.format, Format::ChatGpt);
        assert_eq!(came.ids(), ["a", "b"]);
        assert_eq!(came.report.problems, []);
    }
}

#[test]
fn several_conversations_of_llama_cpp_come_in_one_archive() {
    let (a, b) = (llama("a"), llama("b"));
    let (_folder, path) = archive(&[("2026_a.jsonl", &a), ("2026_b.jsonl", &b)]);
    let came = import_path(&path, None).unwrap();
    assert_eq!(
        (came.report.format, came.ids()),
        (Format::LlamaCpp, vec!["a".to_owned(), "b".to_owned()])
    );
}

#[test]
fn names_in_an_archive_lead_nowhere() {
    let good = chatgpt("a");
    let names = [
        "../../../../tmp/turnkeep-evil/conversations.json",
        "/etc/turnkeep-evil/conversations.json",
        "C:\\turnkeep-evil\\conversations.json",
    ];
    for name in names {
        let (folder, path) = archive(&[(name, good.as_str())]);
        let before = std::fs::read_dir(folder.path()).unwrap().count();
        let came = import_path(&path, None).unwrap();
        assert_eq!(came.ids(), ["a"], "{name}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before);
        assert!(!Path::new("/tmp/turnkeep-evil").exists() && !Path::new("/etc/turnkeep-evil").exists());
    }
}

#[test]
fn a_file_in_an_archive_is_named_where_something_is_wrong_with_it() {
    let (good, bad) = (chatgpt("a"), chatgpt("b").replace("\"user\"", "\"robot\""));
    let (_folder, path) = archive(&[
        ("x/conversations-000.json", &good),
        ("x/conversations\u{7}-001.json", &bad),
    ]);
    let came = import_path(&path, None).unwrap();
    assert!(
        came.failure()
            .starts_with("x/conversations\u{FFFD}-001.json, element 1 at line 1: "),
        "{}",
        came.failure()
    );
    let (_folder, path) = archive(&[("x/conversations-000.json", &good), ("x/conversations-001.json", "[{")]);
    let error = import_path(&path, Some(Format::ChatGpt)).err().unwrap();
    assert!(
        error.message().contains("x/conversations-001.json: it ends at line 1"),
        "{error}"
    );
}

#[test]
fn what_has_nothing_suitable_says_what_it_should_have() {
    let (folder, path) = archive(&[("readme.txt", "hello")]);
    for path in [path.as_path(), folder.path()] {
        for format in [
            None,
            Some(Format::ChatGpt),
            Some(Format::Claude),
            Some(Format::LlamaCpp),
        ] {
            let error = import_path(path, format).err().unwrap();
            assert_eq!(error.kind(), Kind::Invalid);
            assert!(error.message().contains("conversations-000.json"), "{error}");
        }
    }
}

#[test]
fn an_archive_is_not_looked_into_for_formats_that_come_in_a_file() {
    let content = json!({"messages": [{"role": "user", "content": "x"}]}).to_string();
    let (_folder, path) = archive(&[("chats.jsonl", &content)]);
    for format in [Format::OpenAi, Format::ShareGpt, Format::GemmaSessions] {
        let error = import_path(&path, Some(format)).err().unwrap();
        assert!(error.message().contains("name the file itself"), "{error}");
    }
}

#[test]
fn broken_archives_are_refused() {
    let big = format!("[{}]", chatgpt("a").repeat(50).replace("][", ","));
    let (_folder, path) = archive(&[("conversations.json", &big)]);
    let whole = std::fs::read(&path).unwrap();
    let mut refused = 0;
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xFF;
        for changed in [&bytes[..], &whole[..at]] {
            match import_bytes(changed, Some(Format::ChatGpt)) {
                Ok(came) => assert_eq!(
                    came.report.failed,
                    came.report.problem_count
                        - came
                            .report
                            .problems
                            .iter()
                            .filter(|p| p.kind != ProblemKind::Failed)
                            .count() as u64
                ),
                Err(error) => {
                    refused += 1;
                    assert!(
                        matches!(
                            error.kind(),
                            Kind::Invalid | Kind::Storage | Kind::Unsupported | Kind::Encoding
                        ),
                        "{error}"
                    );
                }
            }
        }
    }
    assert!(refused > whole.len(), "{refused} of {}", whole.len());
}

#[test]
fn a_bomb_is_read_in_pieces_that_are_bounded() {
    // 100 MB of one string in 100 kB.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.zip");
    let mut zip = ZipWriter::new(std::fs::File::create(&path).unwrap());
    zip.start_file(
        "conversations.json",
        SimpleFileOptions::default().compression_method(CompressionMethod::Deflated),
    )
    .unwrap();
    zip.write_all(b"[{\"id\":\"bomb\",\"mapping\":\"").unwrap();
    for _ in 0..100 {
        zip.write_all(&[b'x'; 1 << 20]).unwrap();
    }
    zip.write_all(b"\"},").unwrap();
    zip.write_all(&chatgpt("a").as_bytes()[1..]).unwrap();
    zip.finish().unwrap();
    let came = import_path(&path, Some(Format::ChatGpt)).unwrap();
    assert_eq!(came.ids(), ["a"]);
    assert!(came.failure().contains("longer than"), "{}", came.failure());
}

#[test]
fn a_bomb_of_blanks_can_be_stopped_while_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (begin, blank) in [(&b""[..], b' '), (&b"[1,"[..], b'\n'), (&b"[\""[..], b'x')] {
        let path = folder.path().join("bomb.zip");
        let mut zip = ZipWriter::new(std::fs::File::create(&path).unwrap());
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file("conversations.json", options).unwrap();
        zip.write_all(begin).unwrap();
        for _ in 0..64 {
            zip.write_all(&[blank; 1 << 20]).unwrap();
        }
        zip.finish().unwrap();
        let mut calls = 0;
        let mut progress = |_, _| {
            calls += 1;
            calls < 2
        };
        let options = ImportOptions {
            format: Some(Format::ChatGpt),
            progress: Some(&mut progress),
            ..ImportOptions::default()
        };
        let error = memory().import(path.to_str().unwrap(), options).unwrap_err();
        assert_eq!(error.kind(), Kind::Aborted, "{error}");
        assert_eq!(calls, 2);
    }
}

#[cfg(unix)]
#[test]
fn links_in_a_folder_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("conversations.json"), chatgpt("a")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("secret.json"), chatgpt("secret")).unwrap();
    std::os::unix::fs::symlink(
        elsewhere.path().join("secret.json"),
        folder.path().join("conversations-1.json"),
    )
    .unwrap();
    let came = import_path(folder.path(), None).unwrap();
    assert_eq!((came.ids(), came.report.problem_count), (vec!["a".to_owned()], 0));
}

#[test]
fn what_is_not_there_is_not_found() {
    let error = import_path(Path::new("/nowhere/conversations.json"), None)
        .err()
        .unwrap();
    assert_eq!(error.kind(), Kind::NotFound);
}
