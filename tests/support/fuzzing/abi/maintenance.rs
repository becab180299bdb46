//! Calls about a store as a whole: lists, search, events, metrics, maintenance, transfer; and those that need nothing.

use super::calls::read_and_free;
use super::header::*;
use super::{Host, LONGEST, answered, call, callbacks, results};
use std::ffi::c_char;
use std::ptr;
use std::time::Instant;

/// Reads a document, and frees it.
pub(super) fn read_document(document: *mut Document) {
    // SAFETY: NULL, or a document that is not used any more.
    unsafe {
        results::text(turnkeep_document_text(document));
        turnkeep_document_free(document);
    }
}

impl Host<'_> {
    pub(super) fn look_at_store(&mut self) {
        let store = self.store();
        match self.arguments.draw.upto(12) {
            0..=2 => self.list(store),
            3 => {
                let (filter, mut count) = (self.arguments.filter(), 0);
                call!(self, turnkeep_store_count_sessions(store, filter, &mut count));
            }
            4 => {
                let (filter, action) = (self.arguments.filter(), self.arguments.draw.choice(7));
                let tag = if matches!(action, 4 | 5) || self.arguments.is_absurd() {
                    self.arguments.id()
                } else {
                    ptr::null()
                };
                let mut changed = 0;
                call!(
                    self,
                    turnkeep_store_change_sessions(store, filter, action, tag, &mut changed)
                );
            }
            5..=7 => {
                let options = self.arguments.search_options();
                let mut hits = ptr::null_mut();
                call!(self, turnkeep_store_search(store, options, &mut hits));
                // SAFETY: NULL, or held.
                assert!(matches!(unsafe { turnkeep_search_results_complete(hits) }, 0 | 1));
                read_and_free!(results::hits, turnkeep_search_results_free, hits);
            }
            8 => self.subscribe(store),
            9 => {
                let (cursor, limit) = (self.arguments.draw.number(), self.arguments.draw.short());
                let mut events = ptr::null_mut();
                call!(self, turnkeep_store_events_after(store, cursor, limit, &mut events));
                // SAFETY: NULL, or held.
                assert!(matches!(unsafe { turnkeep_events_lost(events) }, 0 | 1));
                read_and_free!(results::events, turnkeep_events_free, events);
            }
            10 | 11 => self.metrics(store),
            // SAFETY: the store is held.
            _ => drop(results::text(unsafe { turnkeep_store_location(store) }).len()),
        }
    }

    fn list(&mut self, store: *mut Store) {
        let pages = std::mem::take(&mut self.pages);
        let options = self.arguments.list_options(&pages);
        self.pages = pages;
        let mut list = ptr::null_mut();
        let status = call!(self, turnkeep_store_list_sessions(store, options, &mut list));
        if status == 0 {
            // SAFETY: the list is held.
            let page = results::text(unsafe { turnkeep_session_list_next_page(list) });
            if !page.is_empty() {
                self.pages.push(page.to_owned());
            }
        }
        read_and_free!(results::sessions, turnkeep_session_list_free, list);
    }

    fn subscribe(&mut self, store: *mut Store) {
        if self.arguments.draw.one_in(3) {
            let (of, number) = match self.subscriptions.pop() {
                Some(subscription) if !self.arguments.is_absurd() => subscription,
                _ => (store, self.arguments.draw.number()),
            };
            call!(self, turnkeep_store_unsubscribe(of, number));
            return;
        }
        let fails_every = self.arguments.draw.pick(&[0, 0, 2]);
        let data = callbacks::UserData::lend(&self.alive, fails_every, store);
        let function: EventFn = if self.arguments.is_absurd() {
            None
        } else {
            Some(callbacks::event)
        };
        let mut number = 0;
        let destroy: DestroyFn = Some(callbacks::destroy);
        if call!(
            self,
            turnkeep_store_subscribe(store, function, data, destroy, &mut number)
        ) == 0
        {
            self.subscriptions.push((store, number));
        }
    }

    fn metrics(&mut self, store: *mut Store) {
        let mut document = ptr::null_mut();
        match self.arguments.draw.upto(3) {
            0 => {
                let mut metrics: Metrics = self.arguments.sized();
                call!(self, turnkeep_store_metrics(store, &mut metrics));
            }
            1 => drop(call!(self, turnkeep_store_reset_metrics(store))),
            2 => drop(call!(self, turnkeep_store_metrics_json(store, &mut document))),
            _ => drop(call!(self, turnkeep_store_metrics_prometheus(store, &mut document))),
        }
        read_document(document);
    }

    pub(super) fn maintain(&mut self) {
        let store = self.store();
        match self.arguments.draw.upto(11) {
            0 => drop(call!(self, turnkeep_store_flush(store))),
            1 => {
                let mut deleted = 0;
                call!(self, turnkeep_store_cleanup(store, &mut deleted));
            }
            2 => self.backup(store),
            3 => {
                let mut report = ptr::null_mut();
                if call!(self, turnkeep_store_check(store, &mut report)) == 0 {
                    assert_eq!(results::problems(report), [""; 0]);
                }
                // SAFETY: it is not used any more.
                unsafe { turnkeep_check_report_free(report) };
            }
            4 => drop(call!(self, turnkeep_store_vacuum(store))),
            5 => drop(call!(self, turnkeep_store_optimize(store))),
            6 => {
                let mut sizes: Sizes = self.arguments.sized();
                call!(self, turnkeep_store_sizes(store, &mut sizes));
            }
            7 => self.salvage(),
            8 | 9 => self.export(store),
            10 => self.import(store),
            _ => self.open_config(),
        }
    }

    fn in_folder(&mut self, name: &str) -> *const c_char {
        let path = self.folder.path().join(name);
        self.arguments.path(path.to_str().unwrap())
    }

    fn backup(&mut self, store: *mut Store) {
        let target = self.in_folder("backup.db");
        let mut options: BackupOptions = self.arguments.sized();
        options.overwrite = self.arguments.draw.flag();
        if self.arguments.draw.one_in(3) {
            options.progress = Some(callbacks::progress);
        }
        call!(self, turnkeep_store_backup(store, target, &options));
    }

    fn salvage(&mut self) {
        self.backups += 1;
        let source = self.location();
        let target = self.in_folder(&format!("salvaged {}.db", self.backups));
        let mut report = ptr::null_mut();
        call!(self, turnkeep_store_salvage(source, target, &mut report));
        read_and_free!(results::salvage, turnkeep_salvage_report_free, report);
    }

    fn export(&mut self, store: *mut Store) {
        let mut options: ExportOptions = self.arguments.sized();
        options.format = if self.arguments.is_absurd() {
            self.arguments.draw.choice(15)
        } else {
            self.arguments.draw.pick(&[1, 1, 2, 3, 4, 5, 6, 7, 8])
        };
        if self.arguments.draw.one_in(3) {
            options.filter = self.arguments.filter();
        } else if self.arguments.draw.one_in(3) {
            (options.session_ids, options.session_id_count) = self.arguments.ids();
        }
        options.progress = if self.arguments.draw.one_in(3) {
            Some(callbacks::progress)
        } else {
            None
        };
        let stop = if self.arguments.draw.one_in(8) {
            (&raw mut options).cast()
        } else {
            ptr::null_mut()
        };
        options.user_data = stop;
        let mut report = ptr::null_mut();
        if self.arguments.draw.one_in(2) {
            let path = self.in_folder("exported");
            call!(self, turnkeep_store_export_file(store, path, &options, &mut report));
        } else {
            let write: WriteFn = if self.arguments.is_absurd() {
                None
            } else {
                Some(callbacks::write)
            };
            call!(self, turnkeep_store_export(store, &options, write, stop, &mut report));
        }
        read_and_free!(results::transfer, turnkeep_transfer_report_free, report);
    }

    fn import(&mut self, store: *mut Store) {
        let mut options: ImportOptions = self.arguments.sized();
        options.format = if self.arguments.is_absurd() {
            self.arguments.draw.choice(16)
        } else {
            0
        };
        options.existing = self.arguments.draw.choice(4);
        options.dry_run = self.arguments.draw.flag();
        options.progress = if self.arguments.draw.one_in(3) {
            Some(callbacks::progress)
        } else {
            None
        };
        let path = if self.arguments.is_absurd() {
            self.location()
        } else {
            self.in_folder("exported")
        };
        let mut report = ptr::null_mut();
        call!(self, turnkeep_store_import(store, path, &options, &mut report));
        read_and_free!(results::transfer, turnkeep_transfer_report_free, report);
    }

    fn open_config(&mut self) {
        let path = self.folder.path().join("settings.toml");
        let line = self
            .arguments
            .draw
            .pick(&["storage_path = 'a.db'", "backend = 'memory'", "x = 1", ""]);
        std::fs::write(&path, format!("[session]\n{line}\n")).unwrap();
        let path = self.in_folder("settings.toml");
        let mut store = ptr::null_mut();
        call!(self, turnkeep_store_open_config(path, &mut store));
        self.close_store(store);
    }

    pub(super) fn basics(&mut self) {
        let (text, mut format) = (self.arguments.text(), 0);
        call!(self, turnkeep_format_by_name(text, &mut format));
        let number = self.arguments.draw.number() as i32;
        // SAFETY: any number, any text that ends in a NUL; NULL is allowed where something is freed.
        unsafe {
            results::name(turnkeep_version());
            results::name(turnkeep_status_name(number));
            results::name(turnkeep_event_name(number));
            assert!(turnkeep_version_number() > 0);
            assert!(matches!(turnkeep_has_feature(text), 0 | 1));
            turnkeep_session_close(ptr::null_mut());
            turnkeep_error_free(ptr::null_mut());
        }
    }
}
