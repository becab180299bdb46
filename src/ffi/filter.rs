//! Section 8 of the header: which sessions.

use super::options::{self, CallerStruct};
use super::text;
use crate::error::{Error, Result};
use crate::model::{self, Comparison, Filter, Status, TimeRange};
use std::ffi::c_char;

/// In turnkeep_filter.statuses: those in use.
pub const TURNKEEP_FILTER_ACTIVE: u32 = 0x100;
/// In turnkeep_filter.statuses: those put away.
pub const TURNKEEP_FILTER_ARCHIVED: u32 = 0x200;
/// In turnkeep_filter.statuses: those thrown away.
pub const TURNKEEP_FILTER_TRASHED: u32 = 0x400;

/// In turnkeep_filter.has_messages: those with messages.
pub const TURNKEEP_FILTER_WITH_MESSAGES: i32 = 1;
/// In turnkeep_filter.has_messages: those without.
pub const TURNKEEP_FILTER_WITHOUT_MESSAGES: i32 = 2;

/// In turnkeep_metadata_condition.relation: there is something at the place, null included.
pub const TURNKEEP_RELATION_EXISTS: i32 = 1;
/// What is there equals the value: numbers by what they are worth, objects whatever the order of their members.
pub const TURNKEEP_RELATION_EQUAL: i32 = 2;
/// What is there is less than the value: of two numbers, or of two strings by their code points; nothing else is less.
pub const TURNKEEP_RELATION_LESS: i32 = 3;
/// What is there is greater than the value, likewise.
pub const TURNKEEP_RELATION_GREATER: i32 = 4;

// The header's numbers are those of the library: a change of one that forgets the other does not compile.
const _: () = {
    assert!(TURNKEEP_RELATION_EXISTS == Comparison::Exists as i32);
    assert!(TURNKEEP_RELATION_EQUAL == Comparison::Equal as i32);
    assert!(TURNKEEP_RELATION_LESS == Comparison::Less as i32);
    assert!(TURNKEEP_RELATION_GREATER == Comparison::Greater as i32);
};

/// What a place in a session's metadata must hold.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct MetadataCondition {
    /// sizeof(turnkeep_metadata_condition).
    pub struct_size: usize,
    /// Where: a JSON Pointer (RFC 6901), "/project/name"; "" is the whole object. Required.
    pub pointer: *const c_char,
    /// The value: JSON, a string in its quotes; NULL for TURNKEEP_RELATION_EXISTS.
    pub value: *const c_char,
    /// How what is there relates to the value: a TURNKEEP_RELATION_ number. Required.
    pub relation: i32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
unsafe impl CallerStruct for MetadataCondition {
    const NAME: &'static str = "turnkeep_metadata_condition";
}

/// Which sessions: those that meet all of it. What is NULL or 0 asks for nothing, but that trashed sessions are left
/// out unless `statuses` asks for them. A time is a text: 2026-11-20 is the whole day, 2026-11-20T12:30 the whole
/// minute, 2026-11-20T12:30:00 the whole second, the end included; it may end in Z or an offset like +02:00. A list of
/// which there are 0 must be NULL: a forgotten number would widen what is deleted.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct FilterOptions {
    /// sizeof(turnkeep_filter).
    pub struct_size: usize,
    /// Only this owner's ("" is nobody's); NULL is everybody's.
    pub user_id: *const c_char,
    /// TURNKEEP_FILTER_ACTIVE, _ARCHIVED and _TRASHED, added up; 0 is active and archived ones.
    pub statuses: u32,
    /// TURNKEEP_FILTER_WITH_MESSAGES or _WITHOUT_MESSAGES; 0 is both.
    pub has_messages: i32,
    /// With every one of these tags.
    pub all_tags: *const *const c_char,
    /// How many there are.
    pub all_tag_count: usize,
    /// With at least one of these tags.
    pub any_tags: *const *const c_char,
    /// How many there are.
    pub any_tag_count: usize,
    /// Held with this model.
    pub model: *const c_char,
    /// With this text in its name or its title, whatever the case and the accents. Every character stands for itself.
    pub text: *const c_char,
    /// With metadata that meets every one of these.
    pub metadata: *const MetadataCondition,
    /// How many there are.
    pub metadata_count: usize,
    /// Created then or later.
    pub created_from: *const c_char,
    /// Created then or earlier.
    pub created_to: *const c_char,
    /// Last changed then or later.
    pub updated_from: *const c_char,
    /// Last changed then or earlier.
    pub updated_to: *const c_char,
    /// A cleanup may delete it then or later, by its own expires_us or expires_after_ms; what has neither is left out.
    pub expires_from: *const c_char,
    /// A cleanup may delete it then or earlier, likewise.
    pub expires_to: *const c_char,
    /// Forked from the session with this id.
    pub parent_id: *const c_char,
    /// The offset from UTC of times that say none: 120 is +02:00.
    pub utc_offset_minutes: i32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
unsafe impl CallerStruct for FilterOptions {
    const NAME: &'static str = "turnkeep_filter";
}

/// The filter that C passed; NULL asks for nothing.
pub(super) fn read(pointer: *const FilterOptions) -> Result<Filter> {
    options::read_or_default(pointer, convert)
}

fn convert(raw: &FilterOptions) -> Result<Filter> {
    options::unused(raw.reserved, FilterOptions::NAME)?;
    let time = |what: &str, from, to| {
        let (from_name, to_name) = (format!("{what}_from"), format!("{what}_to"));
        let (from, to) = (text::optional(from, &from_name)?, text::optional(to, &to_name)?);
        TimeRange::parse(what, from, to, raw.utc_offset_minutes)
    };
    let filter = Filter {
        user_id: text::owned(raw.user_id, "user_id")?,
        statuses: statuses(raw.statuses)?,
        all_tags: tags(raw.all_tags, raw.all_tag_count, "all_tags")?,
        any_tags: tags(raw.any_tags, raw.any_tag_count, "any_tags")?,
        model: text::owned(raw.model, "model")?,
        text: text::owned(raw.text, "text")?,
        metadata: conditions(raw.metadata, raw.metadata_count)?,
        created: time("created", raw.created_from, raw.created_to)?,
        updated: time("updated", raw.updated_from, raw.updated_to)?,
        expires: time("expires", raw.expires_from, raw.expires_to)?,
        parent_id: text::owned(raw.parent_id, "parent_id")?,
        has_messages: has_messages(raw.has_messages)?,
    };
    filter.check()?;
    Ok(filter)
}

fn statuses(bits: u32) -> Result<Vec<Status>> {
    const ALL: [(u32, Status); 3] = [
        (TURNKEEP_FILTER_ACTIVE, Status::Active),
        (TURNKEEP_FILTER_ARCHIVED, Status::Archived),
        (TURNKEEP_FILTER_TRASHED, Status::Trashed),
    ];
    let known: u32 = ALL.iter().map(|(bit, _)| bit).sum();
    if bits & !known != 0 {
        return Err(Error::invalid(format!(
            "statuses is {bits}; it must be a sum of TURNKEEP_FILTER_ACTIVE, _ARCHIVED and _TRASHED, which are not the \
             TURNKEEP_SESSION_ numbers"
        )));
    }
    let wanted = ALL.into_iter().filter(|(bit, _)| bits & bit != 0);
    Ok(wanted.map(|(_, status)| status).collect())
}

fn has_messages(number: i32) -> Result<Option<bool>> {
    match number {
        0 => Ok(None),
        TURNKEEP_FILTER_WITH_MESSAGES => Ok(Some(true)),
        TURNKEEP_FILTER_WITHOUT_MESSAGES => Ok(Some(false)),
        other => Err(Error::invalid(format!("has_messages is {other}; it must be 0, 1 or 2"))),
    }
}

fn tags(tags: *const *const c_char, count: usize, name: &str) -> Result<Vec<String>> {
    null_if_none(tags.is_null(), count, name)?;
    text::list(tags, count, name)
}

fn null_if_none(is_null: bool, count: usize, name: &str) -> Result<()> {
    if count == 0 && !is_null {
        return Err(Error::invalid(format!(
            "{name} is given, and its count is 0: say how many there are, or leave it NULL"
        )));
    }
    Ok(())
}

fn conditions(conditions: *const MetadataCondition, count: usize) -> Result<Vec<model::MetadataCondition>> {
    null_if_none(conditions.is_null(), count, "metadata")?;
    if count > isize::MAX as usize / size_of::<MetadataCondition>() {
        return Err(Error::invalid(format!(
            "metadata_count is {count}: more than memory can hold"
        )));
    }
    let convert = |index| {
        let raw = options::read_nth(conditions, index)?;
        let raw = raw.ok_or_else(|| Error::invalid(format!("metadata is NULL, its count is {count}")))?;
        condition(&raw).map_err(|error| error.during(format_args!("metadata condition {index}")))
    };
    if conditions.is_null() {
        return if count == 0 {
            Ok(Vec::new())
        } else {
            convert(0).map(|one| vec![one])
        };
    }
    (0..count).map(convert).collect()
}

fn relation(number: i32) -> Result<Comparison> {
    match number {
        TURNKEEP_RELATION_EXISTS => Ok(Comparison::Exists),
        TURNKEEP_RELATION_EQUAL => Ok(Comparison::Equal),
        TURNKEEP_RELATION_LESS => Ok(Comparison::Less),
        TURNKEEP_RELATION_GREATER => Ok(Comparison::Greater),
        other => Err(Error::invalid(format!("relation is {other}; it must be 1 to 4"))),
    }
}

fn condition(raw: &MetadataCondition) -> Result<model::MetadataCondition> {
    options::unused(raw.reserved, MetadataCondition::NAME)?;
    let comparison = relation(raw.relation)?;
    let value = match (comparison, text::optional(raw.value, "value")?) {
        (Comparison::Exists, None) => serde_json::Value::Null,
        (Comparison::Exists, Some(_)) => {
            return Err(Error::invalid(
                "value is given, and TURNKEEP_RELATION_EXISTS needs none: leave it NULL, or choose another relation",
            ));
        }
        (_, None) => {
            return Err(Error::invalid(
                "value is NULL; give what the metadata is compared with, as JSON",
            ));
        }
        (_, Some(json)) => serde_json::from_str(json)
            .map_err(|error| Error::invalid(format!("value is not JSON: {error}; a string stands in quotes")))?,
    };
    Ok(model::MetadataCondition {
        pointer: text::required(raw.pointer, "pointer")?.to_owned(),
        comparison,
        value,
    })
}
