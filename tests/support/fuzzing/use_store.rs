//! Everything that can be done with a store that is already there, a step at a time.

use super::draw::Draw;
use super::told;
use std::path::Path;
use turnkeep::context::WindowOptions;
use turnkeep::error::Kind;
use turnkeep::model::{
    AppendOptions, BulkAction, Exchange, Filter, ListOptions, NewMessage, NewSession, Role, SearchOptions,
    SearchOrder, SessionChanges, Sort, Status,
};
use turnkeep::store::{BackupOptions, Branching, ExportOptions, ImportOptions, Selection};
use turnkeep::transfer::Format;
use turnkeep::view::{MessageView, Text};
use turnkeep::{Session, Store};

type Told<T = ()> = Result<T, Kind>;

/// Does one thing. `folder` is for what it writes beside the store.
pub(crate) fn step(store: &Store, folder: &Path, draw: &mut Draw<'_>) -> Told {
    match draw.upto(9) {
        0..=4 => look(store, draw),
        5..=7 => change(store, draw),
        _ => maintain(store, folder, draw),
    }
}

fn a_session(store: &Store, draw: &mut Draw<'_>) -> Told<Session> {
    let id = draw.pick(&["a", "b", "fork", "small 1", "new"]);
    told(store.open_session(id))
}

pub(crate) fn look(store: &Store, draw: &mut Draw<'_>) -> Told {
    match draw.upto(11) {
        0 => list(store, draw).map(drop),
        1 => read_session(&a_session(store, draw)?),
        2 => {
            let session = a_session(store, draw)?;
            let options = WindowOptions {
                max_tokens: draw.pick(&[0, 50, 200, 1_000]),
                keep_first_turns: draw.upto(2) as u32,
                ..WindowOptions::default()
            };
            told(session.window(&options)).map(|window| window.iter().for_each(read_view))
        }
        3 => search(store, draw),
        4 => told(store.check()).map(drop),
        5 => export(store, draw),
        6 => told(store.events_after(draw.number(), 100)).map(drop),
        7 => told(store.metrics()).map(drop),
        8 => told(store.sizes()).map(drop),
        9 => {
            let session = a_session(store, draw)?;
            told(session.turns(0, u64::MAX))?;
            told(session.context_text(u64::MAX, None)).map(drop)
        }
        10 => {
            let (one, other) = (a_session(store, draw)?, a_session(store, draw)?);
            told(one.compare(&other))?;
            told(one.tree())?;
            told(one.ancestors()).map(drop)
        }
        _ => {
            told(store.candidates(draw.pick(&["a", "name", ""]), 10))?;
            told(store.count_sessions(&Filter::default())).map(drop)
        }
    }
}

/// All that a list tells, page for page, and all that each session in it tells.
pub(crate) fn read_everything(store: &Store, draw: &mut Draw<'_>) -> Told {
    for id in list(store, draw)? {
        read_session(&told(store.open_session(&id))?)?;
    }
    Ok(())
}

fn list(store: &Store, draw: &mut Draw<'_>) -> Told<Vec<String>> {
    let mut options = ListOptions {
        filter: Filter {
            statuses: draw.pick(&[vec![], Status::ALL.to_vec()]),
            all_tags: draw.pick(&[vec![], vec![], vec!["tag".to_owned()]]),
            ..Filter::default()
        },
        sort: draw.pick(&[
            Sort::Created,
            Sort::Updated,
            Sort::Id,
            Sort::Tokens,
            Sort::Messages,
            Sort::Name,
        ]),
        ascending: draw.one_in(2),
        limit: draw.pick(&[3, 50]),
        page_token: None,
    };
    let mut ids = Vec::new();
    // A damaged index may go round in a circle; what is listed is still bounded by who asks.
    for _ in 0..200 {
        let page = told(store.list_sessions(&options))?;
        ids.extend(page.sessions.into_iter().map(|info| info.id));
        options.page_token = page.next_page_token;
        if options.page_token.is_none() {
            break;
        }
    }
    Ok(ids)
}

pub(crate) fn read_session(session: &Session) -> Told {
    told(session.describe())?;
    told(session.range(1, u64::MAX)).map(|read| read.views().iter().for_each(read_view))?;
    told(session.last(3)).map(|read| read.views().iter().for_each(read_view))?;
    match told(session.window(&WindowOptions::default())) {
        Ok(window) => window.iter().for_each(read_view),
        Err(Kind::TooLarge) => {}
        Err(kind) => return Err(kind),
    }
    told(session.forks()).map(drop)
}

/// Every byte of a message is there, and is text.
fn read_view(view: &MessageView) {
    read_text(view.content);
    // SAFETY: details that are not NULL live as long as the view's result, which the caller holds.
    if let Some(details) = unsafe { view.details.as_ref() } {
        for text in [
            details.tool_calls,
            details.tool_call_id,
            details.model,
            details.metadata,
        ] {
            read_text(text);
        }
    }
}

fn read_text(text: Text) {
    // SAFETY: a text is `len` bytes, and a NUL behind them, that live as long as its result.
    let bytes = unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.len + 1) };
    assert_eq!(bytes.last(), Some(&0));
    assert!(std::str::from_utf8(bytes).is_ok());
}

fn search(store: &Store, draw: &mut Draw<'_>) -> Told {
    let options = SearchOptions {
        text: draw
            .pick(&["question", "tea", "\"about tea\"", "que*", "日本", "title", "hello"])
            .to_owned(),
        order: draw.pick(&[SearchOrder::Newest, SearchOrder::Rank]),
        neighbours: draw.upto(2) as u32,
        ..SearchOptions::default()
    };
    let results = told(store.search(&options))?;
    for hit in results.hits() {
        results.neighbours(hit).iter().for_each(read_view);
    }
    Ok(())
}

fn export(store: &Store, draw: &mut Draw<'_>) -> Told {
    let options = ExportOptions {
        format: draw.pick(&[
            Format::Turnkeep,
            Format::OpenAi,
            Format::Csv,
            Format::Html,
            Format::Markdown,
        ]),
        selection: Selection::All,
        progress: None,
    };
    told(store.export(options, &mut |_| Ok(()))).map(drop)
}

pub(crate) fn change(store: &Store, draw: &mut Draw<'_>) -> Told {
    let new = NewSession {
        id: Some(draw.pick(&["new", "newer", "a"]).to_owned()),
        ..NewSession::default()
    };
    match draw.upto(13) {
        0..=2 => {
            let session = a_session(store, draw)?;
            let messages = (0..=draw.upto(3))
                .map(|_| NewMessage::new(Role::User, draw.text()))
                .collect();
            let options = AppendOptions {
                idempotency_key: draw.one_in(4).then(|| "key 1".to_owned()),
                ..AppendOptions::default()
            };
            told(session.append(messages, options)).map(drop)
        }
        3 => told(a_session(store, draw)?.fork(draw.pick(&[None, Some(1), Some(5)]), new)).map(drop),
        4 => told(store.delete_session(draw.pick(&["a", "b", "fork", "small 1"]))),
        5 => told(a_session(store, draw)?.rewind(draw.upto(9) as u64, None)).map(drop),
        6 => told(a_session(store, draw)?.truncate(Some(draw.upto(9) as u32 + 1), None, None)).map(drop),
        7 => told(a_session(store, draw)?.clear(None)).map(drop),
        8 => {
            let changes = SessionChanges {
                title: Some(draw.text()),
                add_tags: vec!["new tag".to_owned()],
                remove_tags: vec!["tag".to_owned()],
                metadata_patch: Some("{\"a\": null, \"c\": 1}".to_owned()),
                summary: draw.one_in(2).then(|| "all".to_owned()),
                ..SessionChanges::default()
            };
            told(a_session(store, draw)?.update(changes)).map(drop)
        }
        9 => told(store.create_session(new)).map(drop),
        10 => {
            let action = draw.pick(&[
                BulkAction::AddTag("more".to_owned()),
                BulkAction::SetStatus(Status::Archived),
                BulkAction::Delete,
            ]);
            told(store.change_sessions(&Filter::default(), action)).map(drop)
        }
        11 => {
            let exchange = Exchange {
                input: "and now?".to_owned(),
                answer: "now this".to_owned(),
                ..Exchange::default()
            };
            told(a_session(store, draw)?.append_exchange(exchange, AppendOptions::default())).map(drop)
        }
        12 => told(a_session(store, draw)?.regenerate(u64::MAX, Branching::Fork(Box::new(new)))).map(drop),
        _ => {
            let (one, other) = (a_session(store, draw)?, a_session(store, draw)?);
            told(one.adopt(&other, 1, 3, AppendOptions::default())).map(drop)
        }
    }
}

fn maintain(store: &Store, folder: &Path, draw: &mut Draw<'_>) -> Told {
    match draw.upto(7) {
        0 => told(store.flush()),
        1 => told(store.vacuum()),
        2 => told(store.optimize()),
        3 => told(store.cleanup()).map(drop),
        4 => told(store.erase_session(draw.pick(&["a", "b", "fork"]))).map(drop),
        5 | 6 => {
            let target = folder.join("backup.db");
            let options = BackupOptions {
                overwrite: true,
                progress: None,
            };
            told(store.backup(target.to_str().unwrap(), options))
        }
        _ => {
            let path = folder.join("import.jsonl");
            std::fs::write(
                &path,
                "{\"id\":\"came\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}\n",
            )
            .unwrap();
            told(store.import(path.to_str().unwrap(), ImportOptions::default())).map(drop)
        }
    }
}
