//! The fields of an object that were asked for, and those that nobody asked for.

use super::json::Json;

/// An object being read. What has another type than was asked for stays with the rest.
pub(crate) struct Fields<'a> {
    entries: &'a [(String, Json)],
    used: Vec<bool>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(value: &'a Json) -> Self {
        let entries = value.entries();
        Self {
            entries,
            used: vec![false; entries.len()],
        }
    }

    fn find(&mut self, key: &str, fits: impl FnOnce(&Json) -> bool) -> Option<&'a Json> {
        let index = self.entries.iter().position(|(name, _)| name == key)?;
        let value = &self.entries.get(index)?.1;
        if !fits(value) {
            return None;
        }
        if let Some(used) = self.used.get_mut(index) {
            *used = true;
        }
        Some(value).filter(|value| **value != Json::Null)
    }

    /// What stands under a key, of any type; `None` also for null.
    pub(crate) fn any(&mut self, key: &str) -> Option<&'a Json> {
        self.find(key, |_| true)
    }

    pub(crate) fn text(&mut self, key: &str) -> Option<&'a str> {
        self.find(key, |value| matches!(value, Json::Text(_)))?.text()
    }

    /// A string that is not empty.
    pub(crate) fn said(&mut self, key: &str) -> Option<&'a str> {
        self.text(key).filter(|text| !text.is_empty())
    }

    pub(crate) fn id(&mut self, key: &str) -> Option<String> {
        self.find(key, |value| value.id().is_some())?.id()
    }

    pub(crate) fn object(&mut self, key: &str) -> Option<&'a Json> {
        self.find(key, |value| matches!(value, Json::Object(_)))
    }

    /// An array of strings.
    pub(crate) fn texts(&mut self, key: &str) -> Vec<String> {
        let are_texts = |value: &Json| value.items().iter().all(|item| item.text().is_some());
        let found = self.find(key, |value| matches!(value, Json::Array(_)) && are_texts(value));
        let texts = found.map(Json::items).unwrap_or_default().iter();
        texts.filter_map(Json::text).map(str::to_owned).collect()
    }

    /// Passes over fields that say nothing which could be kept.
    pub(crate) fn pass(&mut self, keys: &[&str]) {
        for key in keys {
            self.any(key);
        }
    }

    /// What nobody asked for and says something.
    pub(crate) fn rest(self) -> Vec<(String, Json)> {
        let unused = self.entries.iter().zip(self.used).filter(|(_, used)| !used);
        let rest = unused
            .map(|(entry, _)| entry)
            .filter(|(_, value)| !value.says_nothing());
        rest.cloned().collect()
    }
}
