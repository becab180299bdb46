//! The shapes of JSON as the help documents them, and whether what was written has them.

use crate::user::User;
use serde_json::Value;
use std::collections::BTreeSet;

/// A part of `{a, b: [SESSION], c: {d, e}}`.
#[derive(Clone, Debug)]
enum Shape {
    Object(Vec<(String, Shape)>),
    List(Box<Shape>),
    /// Whatever the name says.
    Any,
}

/// What is documented in the help of the program and of a command.
struct Documented {
    all: String,
    command: String,
}

impl Documented {
    fn of(user: &User, command: &str) -> Self {
        Self {
            all: user.done(&["--help"]),
            command: user.done(&[command, "--help"]),
        }
    }

    /// The shape behind a name: SESSION, MESSAGE, or JSON for what the command writes.
    fn shape(&self, name: &str) -> Shape {
        let begin = format!("{name}: ");
        let text = [&self.command, &self.all]
            .into_iter()
            .find_map(|help| help.split_once(&begin));
        let (_, text) = text.unwrap_or_else(|| panic!("no {name} in the help"));
        let text = &text[text.find('{').unwrap()..];
        let end = end_of(text);
        self.parse(&text[..=end])
    }

    fn parse(&self, text: &str) -> Shape {
        let text = text.trim();
        if let Some(inside) = text.strip_prefix('[') {
            return Shape::List(Box::new(self.parse(inside.strip_suffix(']').unwrap())));
        }
        if let Some(inside) = text.strip_prefix('{') {
            let parts = split(inside.strip_suffix('}').unwrap());
            return Shape::Object(parts.iter().flat_map(|part| self.fields(part)).collect());
        }
        match text.split_once(" + ") {
            Some((name, more)) => match self.shape(name) {
                Shape::Object(mut fields) => {
                    fields.push((more.to_owned(), Shape::Any));
                    Shape::Object(fields)
                }
                other => other,
            },
            None if ["SESSION", "MESSAGE", "EVENT"].contains(&text) => self.shape(text),
            None => Shape::Any,
        }
    }

    fn fields(&self, part: &str) -> Vec<(String, Shape)> {
        match part.split_once(':') {
            Some(("KEY", _)) => Vec::new(),
            Some((name, shape)) => vec![(name.trim().to_owned(), self.parse(shape))],
            None if part == "MESSAGE" => match self.shape("MESSAGE") {
                Shape::Object(fields) => fields,
                _ => Vec::new(),
            },
            None => vec![(part.to_owned(), Shape::Any)],
        }
    }
}

/// Where the bracket that a text begins with is closed.
fn end_of(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        depth += match c {
            '{' | '[' => 1,
            '}' | ']' => -1,
            _ => 0,
        };
        if depth == 0 {
            return at;
        }
    }
    panic!("'{text}' is not closed");
}

/// At commas that stand in no bracket.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(c);
    }
    parts
        .iter()
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

fn check(value: &Value, shape: &Shape, place: &str) {
    match shape {
        Shape::Any => {}
        Shape::List(inner) => {
            let list = value
                .as_array()
                .unwrap_or_else(|| panic!("{place} is no list: {value}"));
            list.iter().for_each(|value| check(value, inner, &format!("{place}[]")));
        }
        Shape::Object(fields) => {
            let object = value
                .as_object()
                .unwrap_or_else(|| panic!("{place} is no object: {value}"));
            let documented: BTreeSet<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
            let written: BTreeSet<&str> = object.keys().map(String::as_str).collect();
            if !documented.is_empty() {
                assert_eq!(
                    documented, written,
                    "{place}: the documented fields, and those that are written"
                );
            }
            for (name, shape) in fields {
                check(&object[name], shape, &format!("{place}.{name}"));
            }
        }
    }
}

/// What a command wrote: one value in one line, of the documented shape.
pub(crate) fn parsed(user: &User, command: &str, out: &str) -> Value {
    let line = out.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "one line for one value: {out}");
    let value: Value = serde_json::from_str(line).unwrap();
    check(&value, &Documented::of(user, command).shape("JSON"), command);
    value
}

/// A line of a command that follows, as the help calls it.
pub(crate) fn parsed_line(user: &User, command: &str, name: &str, line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap();
    check(&value, &Documented::of(user, command).shape(name), command);
    value
}
