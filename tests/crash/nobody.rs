//! A subject that does nothing, so that the model goes on alone.

use crate::seen::Shown;
use crate::subject::{Hits, Reply, Subject};
use turnkeep::context::WindowOptions;
use turnkeep::model::{
    AppendOptions, BulkAction, Exchange, Filter, NewMessage, NewSession, SearchOptions, SessionChanges,
};
use turnkeep::store::Branching;

/// Tells nothing.
pub(crate) struct Nobody;

impl Subject for Nobody {
    fn create(&self, _: NewSession) -> Reply {
        Ok(None)
    }
    fn append(&self, _: &str, _: Vec<NewMessage>, _: AppendOptions) -> Reply {
        Ok(None)
    }
    fn exchange(&self, _: &str, _: Exchange, _: AppendOptions) -> Reply {
        Ok(None)
    }
    fn update(&self, _: &str, _: SessionChanges) -> Reply {
        Ok(None)
    }
    fn fork(&self, _: &str, _: Option<u64>, _: NewSession) -> Reply {
        Ok(None)
    }
    fn rewind(&self, _: &str, _: u64, _: Option<u64>) -> Reply {
        Ok(None)
    }
    fn replace(&self, _: &str, _: u64, _: Vec<NewMessage>, _: Branching) -> Reply {
        Ok(None)
    }
    fn regenerate(&self, _: &str, _: u64, _: Branching) -> Reply {
        Ok(None)
    }
    fn truncate(&self, _: &str, _: Option<u32>, _: Option<u64>) -> Reply {
        Ok(None)
    }
    fn clear(&self, _: &str) -> Reply {
        Ok(None)
    }
    fn adopt(&self, _: &str, _: &str, _: u64, _: AppendOptions) -> Reply {
        Ok(None)
    }
    fn delete(&self, _: &str) -> Reply {
        Ok(None)
    }
    fn erase(&self, _: &str) -> Reply {
        Ok(None)
    }
    fn change(&self, _: &Filter, _: BulkAction) -> Reply {
        Ok(None)
    }
    fn cleanup(&self) -> Reply {
        Ok(None)
    }
    fn count(&self, _: &Filter) -> Reply {
        Ok(None)
    }
    fn list(&self, _: &Filter) -> Option<Vec<String>> {
        None
    }
    fn search(&self, _: &SearchOptions) -> Option<Hits> {
        None
    }
    fn window(&self, _: &str, _: &WindowOptions) -> Option<Result<Shown, &'static str>> {
        None
    }
}
