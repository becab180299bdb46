//! Backups, exports and imports.

use super::{PLAIN, session, told};
use crate::dump::dump;
use crate::harness::Operation;
use crate::world::{World, open_at};
use turnkeep::Store;
use turnkeep::store::{BackupOptions, ExportOptions, ImportOptions, Selection};
use turnkeep::transfer::Format;

fn backed_up(world: &World) -> String {
    let copy = open_at(world.place("copy.db").as_ref(), false).unwrap();
    let said = dump(&copy).unwrap();
    copy.close().unwrap();
    for end in ["-wal", "-shm"] {
        let _not_there = std::fs::remove_file(world.place(&format!("copy.db{end}")));
    }
    said
}

pub(crate) fn copying() -> Vec<Operation> {
    vec![
        Operation {
            name: "back up",
            covers: &["backup"],
            says: "back up store '",
            run: |world| {
                let target = world.place("copy.db");
                let options = BackupOptions {
                    overwrite: false,
                    progress: None,
                };
                world.store().backup(&target, options).map(|()| String::new())
            },
            left: backed_up,
            ..PLAIN
        },
        Operation {
            name: "back up over an older one",
            covers: &["backup"],
            says: "back up store '",
            before: |world| {
                let older = open_at(world.place("copy.db").as_ref(), false).unwrap();
                drop(older.create_session(session("an older one")).unwrap());
                older.close().unwrap();
            },
            run: |world| {
                let target = world.place("copy.db");
                let options = BackupOptions {
                    overwrite: true,
                    progress: None,
                };
                world.store().backup(&target, options).map(|()| String::new())
            },
            left: backed_up,
            ..PLAIN
        },
        Operation {
            name: "export",
            covers: &["export_to_file", "export"],
            says: "export sessions to '",
            run: |world| {
                let options = ExportOptions {
                    format: Format::Turnkeep,
                    selection: Selection::All,
                    progress: None,
                };
                let report = world.store().export_to_file(&world.place("out.jsonl"), options)?;
                told((report.sessions, report.messages))
            },
            left: |world| {
                let store = Store::open(":memory:", turnkeep::StoreOptions::default()).unwrap();
                store
                    .import(&world.place("out.jsonl"), ImportOptions::default())
                    .unwrap();
                dump(&store).unwrap()
            },
            ..PLAIN
        },
        Operation {
            name: "import",
            covers: &["import", "Import", "Settle"],
            says: "import '",
            run: |world| {
                let report = world
                    .store()
                    .import(&world.place("in.jsonl"), ImportOptions::default())?;
                told((report.sessions, report.messages, report.problems))
            },
            ..PLAIN
        },
    ]
}
