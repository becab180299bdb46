//! The measurements, and what they found. Used by the program and, with sizes of no weight, by a test.

mod content;
mod forks;
mod messages;
mod report;
mod sessions;
mod start;
mod store;

pub(crate) use report::Found;
pub(crate) use store::hurry;

use std::path::Path;

/// How large things get.
pub(crate) struct Plan {
    /// Of sessions, and of the messages of one.
    sizes: Vec<u64>,
    /// Of forks of one session, and of forks of forks.
    forks: Vec<u64>,
}

impl Plan {
    /// In steps of ten; forks are a hundredth.
    pub(crate) fn from_to(smallest: u64, largest: u64) -> Self {
        let steps = |smallest: u64, largest: u64| {
            std::iter::successors(Some(smallest), |size| Some(size * 10))
                .take_while(|size| *size <= largest)
                .collect()
        };
        Self {
            sizes: steps(smallest, largest),
            forks: steps((smallest / 100).max(3), (largest / 100).max(30)),
        }
    }
}

/// Everything, each in a store of its own that is removed afterwards.
pub(crate) fn everything(folder: &Path, plan: &Plan) -> Found {
    let in_folder = |name: &str| {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    };
    let of_sessions = in_folder("sessions");
    let sessions = sessions::grow(&of_sessions, &plan.sizes);
    let starts = start::measure(&of_sessions);
    std::fs::remove_dir_all(of_sessions).unwrap();
    let mut axes = vec![sessions];
    let of_messages = in_folder("messages");
    axes.push(messages::grow(&of_messages, &plan.sizes));
    std::fs::remove_dir_all(of_messages).unwrap();
    let of_forks = in_folder("forks");
    axes.push(forks::of_one(&of_forks, &plan.forks));
    axes.push(forks::of_forks(&of_forks, &plan.forks));
    Found { axes, starts }
}
