//! Dry runs, second imports, progress and cancelling: the same for every database.

use crate::fixture::*;
use turnkeep::Store;
use turnkeep::error::Kind;
use turnkeep::model::{AppendOptions, Filter, Status};
use turnkeep::store::ImportOptions;
use turnkeep::transfer::{Existing, ProblemKind};

const ALL: [&str; 4] = ["make_qv.py", "make_coda.py", "make_gemma.py", "make_eink.py"];

#[test]
fn a_dry_run_of_a_database_reports_the_same_and_keeps_nothing() {
    for script in ALL {
        let (store, source) = (memory(), written_by(script, &[]));
        let options = ImportOptions {
            dry_run: true,
            ..ImportOptions::default()
        };
        let dry = source.import_with(&store, options).unwrap();
        assert!(ids(&store).is_empty(), "{script}");
        assert_eq!(source.import(&store).unwrap(), dry, "{script}");
        assert_eq!(count(&store), dry.sessions, "{script}");
    }
}

/// Whatever their status.
fn count(store: &Store) -> u64 {
    let filter = Filter {
        statuses: vec![Status::Active, Status::Archived, Status::Trashed],
        ..Filter::default()
    };
    store.count_sessions(&filter).unwrap()
}

#[test]
fn a_second_import_of_a_database_skips_everything() {
    for script in ALL {
        let (store, source) = (memory(), written_by(script, &[]));
        let first = source.import(&store).unwrap();
        let second = source.import(&store).unwrap();
        assert_eq!((second.sessions, second.messages), (0, 0), "{script}");
        assert_eq!(second.skipped, first.sessions, "{script}: {:#?}", second.problems);
        assert_eq!(second.failed, first.failed, "{script}");
        // What was read otherwise than it stands is of interest where it is taken in.
        if ["make_qv.py", "make_eink.py"].contains(&script) {
            assert!(problems(&second, ProblemKind::Changed).is_empty(), "{script}");
        }
        assert_eq!(
            problems(&second, ProblemKind::Skipped).len() as u64,
            first.sessions,
            "{script}"
        );
        assert_eq!(count(&store), first.sessions, "{script}");
    }
}

#[test]
fn an_import_that_overwrites_takes_the_place_of_what_was_there() {
    let (store, source) = (memory(), written_by("make_coda.py", &[]));
    let first = source.import(&store).unwrap();
    let (branch, _) = session(&store, "branch");
    branch
        .append(vec![crate::support::user("since then")], AppendOptions::default())
        .unwrap();
    let again = source.import_with(&store, existing(Existing::Overwrite)).unwrap();
    assert_eq!((again.sessions, again.overwritten), (first.sessions, first.sessions));
    assert_eq!(contents(&store, "branch").len(), 4);
    let (_, info) = session(&store, "branch");
    assert_eq!((info.parent_id.as_deref(), info.fork_seq), (Some("trunk"), 3));
}

#[test]
fn an_import_that_keeps_both_leaves_what_was_there() {
    let (store, source) = (memory(), written_by("make_coda.py", &[]));
    let first = source.import(&store).unwrap();
    let again = source.import_with(&store, existing(Existing::KeepBoth)).unwrap();
    assert_eq!(
        (again.sessions, again.skipped, again.forks),
        (first.sessions, 0, first.forks)
    );
    let (_, info) = session(&store, "branch (2)");
    assert_eq!((info.parent_id.as_deref(), info.fork_seq), (Some("trunk (2)"), 3));
    assert_eq!(messages(&store, "branch (2)"), messages(&store, "branch"));
}

#[test]
fn only_a_branch_is_missing_and_comes_with_what_it_shares() {
    let (store, source) = (memory(), written_by("make_coda.py", &[]));
    source.import(&store).unwrap();
    let before = messages(&store, "branch");
    store.delete_session("branch").unwrap();
    let again = source.import(&store).unwrap();
    assert_eq!((again.sessions, again.forks), (1, 1));
    assert_eq!(messages(&store, "branch"), before);
}

#[test]
fn an_import_of_a_database_tells_how_far_it_is_and_can_be_stopped() {
    let (store, source) = (memory(), written_by("make_eink.py", &[]));
    let mut told = Vec::new();
    let mut progress = |done, total| {
        told.push((done, total));
        true
    };
    let options = ImportOptions {
        progress: Some(&mut progress),
        ..ImportOptions::default()
    };
    source.import_with(&store, options).unwrap();
    assert_eq!(told.last(), Some(&(168, 168)));
    assert!(told.is_sorted());

    let other = memory();
    let mut stop = |_, _| false;
    let options = ImportOptions {
        progress: Some(&mut stop),
        ..ImportOptions::default()
    };
    let error = source.import_with(&other, options).unwrap_err();
    assert_eq!(error.kind(), Kind::Aborted);
    assert!(ids(&other).is_empty());
}
