//! Texts that have broken programs which keep data: quotes, pieces of SQL, paths, patterns, syntax of full text, characters that
//! hide. Each is only a text.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part, as a module of its own")]

/// Texts that may be an id, a name, a tag.
pub const NASTY: &[&str] = &[
    // Quotes and pieces of SQL.
    "'",
    "''",
    "\"",
    "`",
    "]",
    "'; DROP TABLE sessions; --",
    "\"; DROP TABLE sessions; --",
    "' OR '1'='1",
    "\" or \"\"=\"",
    "1 OR 1=1",
    "x' UNION SELECT id FROM sessions --",
    "') OR 1=1 --",
    "')); DELETE FROM messages; --",
    "/* comment */",
    "-- comment",
    ";",
    "?",
    "?1",
    ":name",
    "@name",
    "$name",
    "NULL",
    "0",
    "-1",
    "1e999",
    "x'00'",
    // Paths into JSON, and JSON itself.
    "$",
    "$.a'||(SELECT id FROM sessions)||'",
    "$.\"a\"",
    "$[0]",
    "\"] or 1=1",
    "a'] or json_extract(metadata, '$.b') = 'c",
    "{\"a\": 1}",
    "[]",
    "null",
    "/",
    "//",
    "~",
    "~0~1",
    "/a/../b",
    "../../etc/passwd",
    // Patterns.
    "%",
    "_",
    "%_%",
    "*",
    "?*[a-z]",
    "\\",
    "\\%",
    "\\'",
    // Full text.
    "AND",
    "a AND b",
    "NEAR(a b)",
    "NOT",
    "a OR",
    "title:a",
    "{title} : a",
    "^a",
    "a*",
    "\"a b\"*",
    "-a",
    "+a",
    "(",
    "((a) OR",
    // Characters that hide, turn around or combine.
    "\u{202E}txt.exe",
    "\u{200B}",
    "\u{200F}\u{5D0}",
    "\u{FEFF}a",
    "e\u{301}",
    "é",
    "\u{301}",
    "ÄPFEL",
    "äpfel",
    "ﬁ",
    "ſ",
    "K",
    "\u{1F600}\u{FE0F}",
    "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}",
    "\u{FFFD}\u{FFFE}\u{10FFFF}",
    "日本語",
    "한국어",
    // Only spaces.
    " ",
    "  a  ",
    "\u{A0}",
];

/// Texts that hold what an id may not, for titles, metadata and messages.
pub const WITH_CONTROLS: &[&str] = &[
    "a\0b",
    "\0",
    "line\nline",
    "tab\ttab",
    "\u{1B}[31m",
    "\r\n' OR 1=1 --\r\n",
    "\u{7F}",
    "\u{85}",
];

/// As long as an id may be, and as a title may be.
pub fn long() -> [String; 2] {
    ["'".repeat(255), "ä%'".repeat(1024)]
}
