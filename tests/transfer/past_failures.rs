//! What a fuzzer found once, and what is like it: tests/fixtures/fuzz has a folder for each format.

use super::*;

#[test]
fn what_once_broke_an_importer_is_read_or_refused() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fuzz");
    let mut count = 0;
    for folder in root.read_dir().unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let format = Format::by_name(&name).unwrap();
        for file in folder.read_dir().unwrap() {
            let path = file.unwrap().path();
            for format in [Some(format), None] {
                if let Err(error) = import_path(&path, format) {
                    assert_ne!(error.kind(), Kind::Panic, "{}: {error}", path.display());
                    assert_ne!(error.kind(), Kind::Corrupt, "{}: {error}", path.display());
                }
                count += 1;
            }
        }
    }
    assert!(count > 0, "there is nothing in {}", root.display());
}
