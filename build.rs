//! Gives the shared library the name that programs record when they link it.
//!
//! Cargo knows no SONAME. Before 1.0 every minor version may break the ABI, so the minor version is part of the name.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let name = match (part("MAJOR"), part("MINOR")) {
        (major, minor) if major == "0" => format!("0.{minor}"),
        (major, _) => major,
    };
    let unix = env::var_os("CARGO_CFG_UNIX").is_some();
    let apple = env::var("CARGO_CFG_TARGET_VENDOR").is_ok_and(|vendor| vendor == "apple");
    if apple {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libturnkeep.{name}.dylib");
    } else if unix {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libturnkeep.so.{name}");
        // A store's thread and the thread-local destructors of Rust may still run when a host calls dlclose.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}

fn part(name: &str) -> String {
    env::var(format!("CARGO_PKG_VERSION_{name}")).unwrap_or_default()
}
