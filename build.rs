//! Lists the data manifests, so that a new file in `data-manifests/` is in the program without a line of
//! code: `$OUT_DIR/manifests.rs` is an array of each one's path and text, by name within its folder.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// Folders of manifests, in the order in which they are listed for people.
const FOLDERS: [&str; 2] = ["datasets", "weights"];

fn main() {
    let variable = |name| PathBuf::from(env::var_os(name).expect("cargo sets it"));
    let root = variable("CARGO_MANIFEST_DIR").join("data-manifests");
    let mut list = String::from("&[\n");
    for folder in FOLDERS {
        let path = root.join(folder);
        println!("cargo::rerun-if-changed={}", path.display());
        for name in names(&path) {
            let text = path.join(&name);
            list += &format!(
                "    ({:?}, include_str!({text:?})),\n",
                format!("{folder}/{name}")
            );
        }
    }
    list += "]\n";
    let out = variable("OUT_DIR").join("manifests.rs");
    fs::write(out, list).expect("cargo's own folder can be written");
}

/// Names of the TOML files of a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder of manifests");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("a plain name"));
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".toml")).collect();
    names.sort();
    names
}
