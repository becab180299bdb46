//! Where the store is, and how it is opened.

use crate::args::General;
use crate::failure::Failure;
use etcetera::BaseStrategy;
use std::path::{Path, PathBuf};
use turnkeep::error::Kind;
use turnkeep::{Store, StoreOptions};

/// The variable that names a store.
const VARIABLE: &str = "TURNKEEP_STORE";
/// What names it if nothing else does.
const DATA_FOLDER: &str = "the data folder";

/// A store that was named, there or not.
pub(crate) struct Place {
    pub(crate) path: String,
    /// Who named it, for people: an option, a variable.
    pub(crate) named_by: &'static str,
    pub(crate) options: StoreOptions,
}

/// What is to be done with a store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Look only: nothing changes, not even the search index.
    Read,
    /// Change a store that is there.
    Write,
    /// The same, and make it if it is not there.
    Create,
}

impl Place {
    /// The store of this command line.
    pub(crate) fn named(general: &General) -> Result<Self, Failure> {
        let (settings, options) = match &general.config {
            Some(file) => {
                let (path, options) = read_settings(file)?;
                (Some((path, "--config")), options)
            }
            None => (None, StoreOptions::default()),
        };
        let by_option = || Some(utf8(general.store.clone()?).map(|path| (path, "--store")));
        let by_variable = || {
            let path = std::env::var_os(VARIABLE).filter(|path| !path.is_empty())?;
            Some(utf8(path.into()).map(|path| (path, VARIABLE)))
        };
        let (path, named_by) = match by_option().or(settings.map(Ok)).or_else(by_variable) {
            Some(named) => named?,
            None => (utf8(in_data_folder()?)?, DATA_FOLDER),
        };
        if path == ":memory:" {
            return Err(Failure::usage(format!(
                "{named_by} names a store in memory, which ends with every command; give a file"
            )));
        }
        Ok(Self {
            path,
            named_by,
            options,
        })
    }

    pub(crate) fn exists(&self) -> bool {
        Path::new(&self.path).exists()
    }

    /// The same store elsewhere.
    pub(crate) fn at(&self, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            named_by: self.named_by,
            options: self.options.clone(),
        }
    }

    pub(crate) fn open(&self, access: Access) -> Result<Store, Failure> {
        if access == Access::Create {
            self.folder_must_exist()?;
        } else {
            self.must_exist()?;
        }
        if access != Access::Read {
            return Ok(Store::open(&self.path, self.options_for(access))?);
        }
        match Store::open(&self.path, self.options_for(access)) {
            // One of an older schema is brought to the newest by whoever opens it first.
            Err(error) if error.kind() == Kind::ReadOnly => {
                Ok(Store::open(&self.path, self.options_for(Access::Write))?)
            }
            opened => Ok(opened?),
        }
    }

    fn options_for(&self, access: Access) -> StoreOptions {
        let mut options = self.options.clone();
        options.must_exist = access != Access::Create;
        if access == Access::Read {
            options.read_only = true;
            // What is only looked at needs nothing that changes it.
            options.exclusive = false;
            options.event_log_rows = 0;
            options.cleanup_interval = None;
            options.durability = StoreOptions::default().durability;
        }
        options
    }

    pub(crate) fn must_exist(&self) -> Result<(), Failure> {
        if self.exists() {
            return Ok(());
        }
        Err(Failure::not_found(format!(
            "there is no store at '{}' (named by {}); name another one by --store, or make it by append, chat or import \
             with --create",
            self.path, self.named_by
        )))
    }

    /// A store is made in the data folder, whose folder is made with it, or in a folder that is there.
    fn folder_must_exist(&self) -> Result<(), Failure> {
        let folder = Path::new(&self.path)
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        match folder {
            Some(folder) if self.named_by != DATA_FOLDER && !folder.is_dir() => Err(Failure::not_found(format!(
                "there is no folder '{}' to make a store in (named by {})",
                folder.display(),
                self.named_by
            ))),
            _ => Ok(()),
        }
    }
}

fn in_data_folder() -> Result<PathBuf, Failure> {
    let folders = etcetera::base_strategy::choose_native_strategy()
        .map_err(|_| Failure::not_found("there is no home folder to keep the store in; name one by --store"))?;
    Ok(folders.data_dir().join("turnkeep").join("turnkeep.db"))
}

/// Where a settings file says that the store is, and how to open it.
pub(crate) fn read_settings(file: &Path) -> Result<(String, StoreOptions), Failure> {
    let shown = file.display();
    let text = std::fs::read(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::not_found(format!("there is no settings file '{shown}'")),
        _ => Failure::failed(format!("cannot read settings '{shown}': {error}")),
    })?;
    let text =
        String::from_utf8(text).map_err(|_| Failure::usage(format!("the settings file '{shown}' is not UTF-8")))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    Ok(StoreOptions::from_toml(&text, folder).map_err(|error| error.during(format!("read settings '{shown}'")))?)
}

/// A path for the library.
pub(crate) fn utf8(path: PathBuf) -> Result<String, Failure> {
    path.into_os_string()
        .into_string()
        .map_err(|path| Failure::usage(format!("the path '{}' is not UTF-8", path.display())))
}
