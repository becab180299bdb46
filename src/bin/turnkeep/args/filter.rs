//! Which sessions: the same options for every command that looks at many.

use crate::failure::Failure;
use chrono::{Local, Offset};
use clap::{Args, ValueEnum};
use serde_json::Value;
use turnkeep::model::{Comparison, Filter, MetadataCondition, Role, Status, TimeRange};

/// Where a session is in its life.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusArg {
    Active,
    Archived,
    Trashed,
}

impl StatusArg {
    fn status(self) -> Status {
        match self {
            Self::Active => Status::Active,
            Self::Archived => Status::Archived,
            Self::Trashed => Status::Trashed,
        }
    }
}

/// Who speaks.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArg {
    System,
    User,
    Assistant,
    Tool,
    Developer,
}

impl RoleArg {
    pub(crate) fn role(self) -> Role {
        match self {
            Self::System => Role::System,
            Self::User => Role::User,
            Self::Assistant => Role::Assistant,
            Self::Tool => Role::Tool,
            Self::Developer => Role::Developer,
        }
    }
}

#[derive(Args, Clone, Default)]
pub(crate) struct FilterArgs {
    /// Only this owner's sessions; "" is those of nobody
    #[arg(long, value_name = "ID", help_heading = "Which sessions")]
    user: Option<String>,
    /// Only sessions in this state; more than one may be given [default: active and archived]
    #[arg(long, value_name = "STATUS", value_enum, help_heading = "Which sessions")]
    status: Vec<StatusArg>,
    /// Only sessions with this tag; of more than one, with every one
    #[arg(long, value_name = "TAG", help_heading = "Which sessions")]
    tag: Vec<String>,
    /// Only sessions with at least one of these tags
    #[arg(long, value_name = "TAG", help_heading = "Which sessions")]
    any_tag: Vec<String>,
    /// Only sessions held with this model
    #[arg(long, value_name = "MODEL", help_heading = "Which sessions")]
    model: Option<String>,
    /// Only sessions with this text in title or name, whatever the case and the accents
    #[arg(long, value_name = "TEXT", help_heading = "Which sessions")]
    text: Option<String>,
    /// Only sessions whose metadata has a path (/project), or a value there that is equal, less or greater: /project=demo,
    /// '/turns>3'. What is not JSON is a string
    #[arg(long, value_name = "CONDITION", value_parser = condition, help_heading = "Which sessions")]
    meta: Vec<MetadataCondition>,
    /// Only sessions created at this time or later
    #[arg(long, value_name = "TIME", help_heading = "Which sessions")]
    created_from: Option<String>,
    /// Only sessions created at this time or before
    #[arg(long, value_name = "TIME", help_heading = "Which sessions")]
    created_to: Option<String>,
    /// Only sessions last changed at this time or later
    #[arg(long, value_name = "TIME", help_heading = "Which sessions")]
    updated_from: Option<String>,
    /// Only sessions last changed at this time or before
    #[arg(long, value_name = "TIME", help_heading = "Which sessions")]
    updated_to: Option<String>,
    /// Only forks of the session with this id
    #[arg(long, value_name = "ID", help_heading = "Which sessions")]
    parent: Option<String>,
    /// Only sessions without messages
    #[arg(long, conflicts_with = "not_empty", help_heading = "Which sessions")]
    empty: bool,
    /// Only sessions with messages
    #[arg(long, help_heading = "Which sessions")]
    not_empty: bool,
}

impl FilterArgs {
    pub(crate) fn filter(&self) -> Result<Filter, Failure> {
        Ok(Filter {
            user_id: self.user.clone(),
            statuses: self.status.iter().map(|status| status.status()).collect(),
            all_tags: self.tag.clone(),
            any_tags: self.any_tag.clone(),
            model: self.model.clone(),
            text: self.text.clone(),
            metadata: self.meta.clone(),
            created: times("created", self.created_from.as_deref(), self.created_to.as_deref())?,
            updated: times("updated", self.updated_from.as_deref(), self.updated_to.as_deref())?,
            expires: TimeRange::default(),
            parent_id: self.parent.clone(),
            has_messages: match (self.empty, self.not_empty) {
                (true, _) => Some(false),
                (_, true) => Some(true),
                _ => None,
            },
        })
    }
}

/// A time as people write it, in the time zone of this machine.
pub(crate) fn times(what: &str, from: Option<&str>, to: Option<&str>) -> Result<TimeRange, Failure> {
    let offset = Local::now().offset().fix().local_minus_utc() / 60;
    Ok(TimeRange::parse(what, from, to, offset)?)
}

fn condition(text: &str) -> Result<MetadataCondition, String> {
    let (pointer, comparison, value) = match text.find(['=', '<', '>']) {
        None => (text, Comparison::Exists, ""),
        Some(at) => {
            let (pointer, rest) = text.split_at(at);
            let comparison = match rest.as_bytes().first() {
                Some(b'<') => Comparison::Less,
                Some(b'>') => Comparison::Greater,
                _ => Comparison::Equal,
            };
            (pointer, comparison, rest.get(1..).unwrap_or_default())
        }
    };
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err("a path into metadata begins with a slash, like /project=demo".to_owned());
    }
    Ok(MetadataCondition {
        pointer: pointer.to_owned(),
        comparison,
        value: serde_json::from_str(value).unwrap_or_else(|_| Value::from(value)),
    })
}
