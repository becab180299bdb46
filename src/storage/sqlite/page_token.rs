//! Where a page ended, as a text that its list takes back, and no other.

use super::filter::Condition;
use crate::error::{Error, Result};
use crate::model::Sort;
use crate::model::fingerprint::Fingerprint;
use rusqlite::types::{Type, Value};

/// A session's place in a list: what the list is sorted by, then its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) value: SortValue,
    pub(super) key: i64,
}

/// What a list is sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SortValue {
    /// The number itself.
    Key,
    Integer(i64),
    Text(String),
}

impl From<SortValue> for Value {
    fn from(value: SortValue) -> Self {
        match value {
            SortValue::Key => Self::Null,
            SortValue::Integer(number) => Self::Integer(number),
            SortValue::Text(text) => Self::Text(text),
        }
    }
}

impl TryFrom<Value> for SortValue {
    type Error = Type;

    fn try_from(value: Value) -> std::result::Result<Self, Type> {
        match value {
            Value::Integer(number) => Ok(Self::Integer(number)),
            Value::Text(text) => Ok(Self::Text(text)),
            other => Err(other.data_type()),
        }
    }
}

impl Place {
    /// The token for what comes after this place in a list.
    pub(super) fn token(&self, list: u64) -> String {
        let value = match &self.value {
            SortValue::Key => "k".to_owned(),
            SortValue::Integer(number) => format!("i{:x}", number.cast_unsigned()),
            SortValue::Text(text) => text
                .bytes()
                .fold("t".to_owned(), |token, byte| token + &format!("{byte:02x}")),
        };
        format!("{list:016x}.{:x}.{value}", self.key.cast_unsigned())
    }

    /// The place that a token of this list was made from.
    pub(super) fn parse(token: &str, list: u64) -> Result<Self> {
        let (of, place) = parse(token).ok_or_else(|| {
            Error::invalid("page is not what a list gave for its next page; begin again without it")
        })?;
        if of != list {
            return Err(Error::invalid(
                "page was given by a list with another filter or another order; ask with the same ones, or begin again \
                 without it",
            ));
        }
        Ok(place)
    }
}

fn parse(token: &str) -> Option<(u64, Place)> {
    let mut parts = token.split('.');
    let (list, key, value) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || list.len() != 16 {
        return None;
    }
    let value = match value.split_at_checked(1)? {
        ("k", "") => SortValue::Key,
        ("i", digits) => SortValue::Integer(number(digits)?.cast_signed()),
        ("t", digits) => SortValue::Text(text(digits)?),
        _ => return None,
    };
    let key = number(key)?.cast_signed();
    Some((number(list)?, Place { value, key }))
}

fn number(digits: &str) -> Option<u64> {
    let written_by_us = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    u64::from_str_radix(digits, 16).ok().filter(|_| written_by_us)
}

fn text(digits: &str) -> Option<String> {
    let bytes = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            u8::try_from(number(pair)?).ok()
        })
        .collect::<Option<Vec<u8>>>()?;
    String::from_utf8(bytes).ok()
}

/// What tells lists apart: their condition with all its values, and their order.
pub(super) fn fingerprint(condition: &Condition, sort: Sort, ascending: bool) -> u64 {
    let order = Fingerprint::new()
        .with([sort as u8, u8::from(ascending)])
        .with(&condition.sql);
    let all = condition.params.iter().fold(order, |all, value| match value {
        Value::Integer(number) => all.with(number.to_le_bytes()),
        Value::Text(text) => all.with(text),
        Value::Null | Value::Real(_) | Value::Blob(_) => all,
    });
    all.number()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Filter;

    #[test]
    fn a_token_comes_back_as_the_place_it_was_made_from() {
        let values = [
            SortValue::Key,
            SortValue::Integer(0),
            SortValue::Integer(-1),
            SortValue::Integer(i64::MAX),
            SortValue::Text(String::new()),
            SortValue::Text("a.\u{0}'é\u{1F600}".to_owned()),
        ];
        for value in values {
            for key in [1, 7, i64::MAX] {
                let place = Place {
                    value: value.clone(),
                    key,
                };
                assert_eq!(Place::parse(&place.token(9), 9), Ok(place));
            }
        }
    }

    #[test]
    fn a_token_of_another_list_is_refused() {
        let place = Place {
            value: SortValue::Key,
            key: 1,
        };
        let error = Place::parse(&place.token(9), 8).unwrap_err();
        assert!(error.message().contains("another filter"), "{error}");
    }

    #[test]
    fn a_token_that_no_list_gave_is_refused() {
        let list = "0000000000000009";
        for bad in [
            "",
            "k",
            ".",
            "..",
            "9.1.k",
            "0000000000000009",
            "0000000000000009.1",
            "x000000000000009.1.k",
            "000000000000000A.1.k",
            "0000000000000009..k",
            "0000000000000009.g.k",
            "0000000000000009.-1.k",
            "0000000000000009.+1.k",
            "0000000000000009.1.",
            "0000000000000009.1.k1",
            "0000000000000009.1.x",
            "0000000000000009.1.i",
            "0000000000000009.1.i1ffffffffffffffff",
            "0000000000000009.1.t0",
            "0000000000000009.1.tff",
            "0000000000000009.1.tgg",
            "0000000000000009.1.t+1",
            "0000000000000009.1.k.",
            "0000000000000009.1.é",
        ] {
            assert!(Place::parse(bad, 9).is_err(), "{bad} for {list}");
        }
    }

    #[test]
    fn lists_with_another_value_or_order_have_another_fingerprint() {
        let of = |tags: &[&str], sort, ascending| {
            let filter = Filter {
                any_tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
                ..Filter::default()
            };
            fingerprint(&Condition::of(&filter).unwrap(), sort, ascending)
        };
        let all = [
            of(&[], Sort::Id, false),
            of(&[], Sort::Id, true),
            of(&[], Sort::Name, false),
            of(&["a"], Sort::Id, false),
            of(&["b"], Sort::Id, false),
            of(&["a", "b"], Sort::Id, false),
        ];
        let distinct: std::collections::BTreeSet<u64> = all.into_iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
