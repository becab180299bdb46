//! What keeps a store small and sound.

use super::{PLAIN, told};
use crate::harness::{Failed, Operation};

pub(crate) fn upkeep() -> Vec<Operation> {
    vec![
        Operation {
            name: "check",
            covers: &["check"],
            says: "check store '",
            run: |world| told(world.store().check()?.problems),
            ..PLAIN
        },
        Operation {
            name: "vacuum",
            covers: &["vacuum"],
            says: "vacuum store '",
            run: |world| told(world.store().vacuum()?),
            failed: Failed::Resumed,
            ..PLAIN
        },
        Operation {
            name: "optimize",
            covers: &["optimize"],
            says: "optimize store '",
            run: |world| told(world.store().optimize()?),
            failed: Failed::Resumed,
            ..PLAIN
        },
        Operation {
            name: "sizes",
            covers: &["sizes"],
            says: "measure store '",
            run: |world| told(world.store().sizes()?.messages),
            ..PLAIN
        },
        Operation {
            name: "erase",
            covers: &["erase_session", "Delete"],
            says: "erase session 'talk': ",
            run: |world| {
                let report = world.store().erase_session("talk")?;
                told(report)
            },
            failed: Failed::Resumed,
            ..PLAIN
        },
    ]
}
