//! Real conversations, there and back.

use super::recordings::{self, Tree};
use super::*;
use serde_json::json;
use std::collections::HashMap;

#[test]
fn recorded_conversations_go_in_and_come_out_as_openai_messages() {
    let Some(chats) = recordings::all("recorded_conversations_go_in_and_come_out_as_openai_messages") else {
        return;
    };
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/chats.jsonl");
    let came = import_path(&path, None).unwrap();
    assert_eq!(came.report.format, Format::OpenAi);
    assert_eq!((came.report.sessions, came.report.failed), (chats.len() as u64, 0));
    assert_eq!(came.report.losses, []);
    let (text, _) = export(&came.store, Format::OpenAi);
    let before = std::fs::read_to_string(&path).unwrap();
    for (before, after) in before.lines().zip(text.lines()) {
        let (before, after): (Value, Value) = (
            serde_json::from_str(before).unwrap(),
            serde_json::from_str(after).unwrap(),
        );
        for key in ["id", "source", "licence", "tree"] {
            assert_eq!(before[key], after[key]);
        }
        let messages = |line: &Value| line["messages"].as_array().unwrap().clone();
        let (before, after) = (messages(&before), messages(&after));
        assert_eq!(before.len(), after.len());
        for (mut before, mut after) in before.into_iter().zip(after) {
            for message in [&mut before, &mut after] {
                if message["content"].is_null() {
                    message["content"] = json!("");
                }
            }
            assert_eq!(before, after);
        }
    }
}

#[test]
fn recorded_conversations_survive_every_other_format() {
    let Some(_) = recordings::all("recorded_conversations_survive_every_other_format") else {
        return;
    };
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/chats.jsonl");
    let came = import_path(&path, None).unwrap();
    let sessions = sessions_of(&came.store);
    for format in [Format::ShareGpt, Format::Csv, Format::GemmaSessions] {
        let back = import(export(&came.store, format).0);
        assert_eq!(
            (back.report.sessions, back.report.failed),
            (came.report.sessions, 0),
            "{format:?}"
        );
        assert_eq!(back.report.messages, came.report.messages, "{format:?}");
        for info in &sessions {
            assert_eq!(came.contents(&info.id), back.contents(&info.id), "{format:?}");
        }
    }
}

/// The contents from the root to each leaf.
fn paths(tree: &Tree) -> Vec<Vec<String>> {
    let nodes: HashMap<&str, _> = tree.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let has_children = |id: &str| tree.nodes.iter().any(|node| node.parent.as_deref() == Some(id));
    let leaves = tree.nodes.iter().filter(|node| !has_children(&node.id));
    let path = |leaf: &str| {
        let mut path = Vec::new();
        let mut at = Some(leaf);
        while let Some(id) = at {
            path.push(nodes[id].content.clone());
            at = nodes[id].parent.as_deref();
        }
        path.reverse();
        path
    };
    let mut paths: Vec<Vec<String>> = leaves.map(|leaf| path(&leaf.id)).collect();
    paths.sort();
    paths
}

fn as_chatgpt(tree: &Tree) -> Value {
    let node = |node: &recordings::Node| {
        let message = json!({
            "author": {"role": node.role},
            "content": {"content_type": "text", "parts": [node.content]},
        });
        let value = json!({"id": node.id, "parent": node.parent, "children": [], "message": message});
        (node.id.clone(), value)
    };
    let mapping: serde_json::Map<String, Value> = tree.nodes.iter().map(node).collect();
    json!({"id": tree.id, "title": tree.id, "mapping": mapping, "current_node": tree.nodes.last().unwrap().id})
}

fn as_llama_cpp(tree: &Tree) -> String {
    let mut lines =
        vec![json!({"type": "session", "harness": "llama.app", "id": tree.id, "name": tree.id, "currNode": ""})];
    for node in &tree.nodes {
        let message = json!({
            "id": node.id, "convId": tree.id, "parent": node.parent, "children": [], "type": "text",
            "role": node.role, "content": node.content, "timestamp": 1_700_000_000_000_i64,
        });
        lines.push(json!({"type": "message", "message": message}));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn every_path_of_recorded_trees_becomes_a_session() {
    let Some(trees) = recordings::trees("every_path_of_recorded_trees_becomes_a_session") else {
        return;
    };
    let chatgpt = Value::Array(trees.iter().map(as_chatgpt).collect()).to_string();
    let llama: String = trees.iter().map(as_llama_cpp).collect();
    for (text, format) in [(chatgpt, Format::ChatGpt), (llama, Format::LlamaCpp)] {
        let came = import(text);
        assert_eq!((came.report.format, came.report.failed), (format, 0));
        let nodes: usize = trees.iter().map(|tree| tree.nodes.len()).sum();
        assert_eq!(came.report.messages, nodes as u64, "shared messages are kept once");
        let ids = came.ids();
        for tree in &trees {
            let forks = ids
                .iter()
                .filter(|id| **id == tree.id || id.starts_with(&format!("{}/", tree.id)));
            let mut found: Vec<Vec<String>> = forks.map(|id| came.contents(id)).collect();
            found.sort();
            assert_eq!(found, paths(tree), "{}", tree.id);
        }
    }
}
