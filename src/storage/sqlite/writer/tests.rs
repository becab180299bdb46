//! Batches of the writer, where one of them fails or a fault came between.

use super::*;
use crate::error::Kind;
use crate::model::NewSession;
use crate::storage::Outcome;
use crate::storage::mutation::Create;
use std::time::Duration;

fn writer(event_log_rows: u64) -> Writer {
    let opener = Opener {
        site: Site::new(":memory:", Duration::ZERO),
        file: None,
        beside: Vec::new(),
        read_only: false,
        exclusive: false,
    };
    let mut connection = opener.memory().unwrap();
    super::super::schema::bring_up_to_date(&mut connection, &opener).unwrap();
    Writer::new(connection, &opener, true, event_log_rows).unwrap()
}

fn create(id: &str) -> Mutation {
    Mutation::Create(Create {
        id: id.to_owned(),
        session: NewSession::default(),
        summary_tokens: 0,
        messages: Vec::new(),
        now: 0,
    })
}

fn count(writer: &Writer, table: &str) -> u32 {
    let sql = format!("SELECT count(*) FROM {table}");
    writer.reader.connection.query_row(&sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_transaction_that_a_fault_left_open_does_not_stop_the_next_one() {
    let mut writer = writer(0);
    for durability in [
        Durability::Disk,
        Durability::Deferred,
        Durability::Deferred,
        Durability::Os,
    ] {
        // Where a fault leaves it.
        writer.begin(durability).unwrap();
        writer
            .run("INSERT INTO receipts VALUES (1, 'half done', 1, 1, 1)")
            .unwrap();
        let create = create(&format!("{durability:?} {}", writer.deferred));
        let results = writer.apply(&[&create], durability, &mut || ());
        let [Ok(applied)] = results.as_slice() else {
            panic!("{results:?}")
        };
        assert!(matches!(applied.outcome, Outcome::Created(_)));
    }
    assert_eq!((count(&writer, "sessions"), count(&writer, "receipts")), (4, 0));
    assert_eq!(writer.lost, 0);
}

#[test]
fn what_fails_in_a_batch_takes_nothing_with_it_and_what_succeeds_is_told_once() {
    for durability in [Durability::Os, Durability::Deferred] {
        let mut writer = writer(100);
        let first = create("first");
        assert!(
            writer
                .apply(&[&first], durability, &mut || ())
                .iter()
                .all(Result::is_ok)
        );

        let (a, b) = (create("a"), create("b"));
        let results = writer.apply(&[&a, &first, &b, &a], durability, &mut || ());

        let kinds: Vec<_> = results
            .iter()
            .map(|result| result.as_ref().map(drop).map_err(Error::kind))
            .collect();
        assert_eq!(kinds, [Ok(()), Err(Kind::Exists), Ok(()), Err(Kind::Exists)]);
        let numbers: Vec<u64> = results
            .iter()
            .flatten()
            .flat_map(|applied| &applied.events)
            .map(|event| event.number)
            .collect();
        assert_eq!(numbers, [2, 3]);
        assert_eq!(
            (count(&writer, "sessions"), count(&writer, "events"), writer.lost),
            (3, 3, 0)
        );
    }
}

#[test]
fn a_mutation_that_fails_alone_takes_nothing_with_it_that_was_deferred() {
    let mut writer = writer(0);
    let first = create("first");
    assert!(
        writer
            .apply(&[&first], Durability::Deferred, &mut || ())
            .iter()
            .all(Result::is_ok)
    );

    let results = writer.apply(&[&first], Durability::Deferred, &mut || ());

    assert_eq!(
        results
            .first()
            .map(|result| result.as_ref().map(drop).map_err(Error::kind)),
        Some(Err(Kind::Exists))
    );
    assert_eq!((count(&writer, "sessions"), writer.deferred, writer.lost), (1, 1, 0));
    writer.save_deferred().unwrap();
    assert_eq!(count(&writer, "sessions"), 1);
}
