//! `modalign data` from outside: what is there, what would be downloaded, files at hand, wrong files.

use super::text;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs `modalign data …` with a cache of its own, far from any network.
fn data(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_modalign"))
        .arg("data")
        .args(arguments)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env_remove("MODALIGN_DATA")
        .env("HF_HUB_OFFLINE", "1")
        .env("HF_HUB_CACHE", folder.join("hub"))
        .output()
        .expect("the program starts")
}

fn json(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn list_and_show_say_what_is_missing_and_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let list = json(&data(folder.path(), &["list", "--json"]));
    let sets = list["datasets"].as_array().unwrap();
    assert!(sets.len() > 20 && sets.iter().all(|set| set["state"] == "absent"));
    assert!(
        list["folder"]
            .as_str()
            .unwrap()
            .ends_with("cache/modalign/data")
    );
    let show = data(folder.path(), &["show", "ninapro"]);
    let words = text(&show.stdout);
    for word in [
        "CC BY-ND",
        "ninapro_train.npy",
        "MD5",
        "absent",
        "Pizzolato",
        "import ninapro",
    ] {
        assert!(words.contains(word), "{word}: {words}");
    }
    let unknown = data(folder.path(), &["show", "ninapro5"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains(r#"did you mean "ninapro"?"#));
}

#[test]
fn a_dry_run_plans_without_asking_anyone() {
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "cifar100",
        "ninapro",
        "fsd50k",
        "spherical",
        "swin-base-in22k",
        "emg-myo",
    ];
    let plan = data(
        folder.path(),
        &[&["fetch", "--dry-run"], &names[..]].concat(),
    );
    let words = text(&plan.stdout);
    assert!(plan.status.success(), "{}", text(&plan.stderr));
    for word in [
        "FSD50K.dev_audio.zip",
        "≈ 272 MB",
        "CC BY-SA",
        "first sight",
        "microsoft/swin",
        "free",
        "emg-myo: no address",
    ] {
        assert!(words.contains(word), "{word}: {words}");
    }
    let plan = json(&data(
        folder.path(),
        &["fetch", "--dry-run", "--json", "ninapro"],
    ));
    assert_eq!(plan["datasets"][0]["files"].as_array().unwrap().len(), 6);
    assert!(!folder.path().join("cache/modalign/data").exists());
}

#[test]
fn files_are_imported_verified_and_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mine");
    fs::create_dir(&mine).unwrap();
    let import = |path: &Path| {
        data(
            folder.path(),
            &["import", "cifar10", path.to_str().unwrap()],
        )
    };
    // a wrong file of the right name and size is refused and nothing is written
    fs::write(mine.join("test_batch.bin"), vec![0u8; 30_730_000]).unwrap();
    let refused = import(&mine);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("8e2eb146ae34"),
        "{}",
        text(&refused.stderr)
    );
    let root = folder.path().join("cache/modalign/data");
    assert!(!root.exists());
    // nothing there is an error for those who ask to verify
    assert_eq!(data(folder.path(), &["verify"]).status.code(), Some(1));
    let place = json(&data(folder.path(), &["where", "cifar10", "--json"]));
    assert_eq!(place["files"][0]["exists"], false);
    fs::create_dir_all(root.join("cifar10")).unwrap();
    fs::write(root.join("cifar10/data_batch_1.bin"), b"short").unwrap();
    let wrong = data(folder.path(), &["verify"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stdout).contains("WRONG") && text(&wrong.stdout).contains("found 5 bytes"));
}

#[test]
fn a_suite_says_what_it_would_download() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Command::new(env!("CARGO_BIN_EXE_modalign"))
        .args([
            "report",
            "--suite",
            "paper-figures",
            "--fetch",
            "--dry-run",
            "--json",
        ])
        .env("XDG_CACHE_HOME", folder.path())
        .env_remove("MODALIGN_DATA")
        .output()
        .expect("the program starts");
    let plan = json(&plan);
    let names: Vec<&str> = plan["datasets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "cifar10",
            "cifar100",
            "spherical",
            "ninapro",
            "fsd50k",
            "swin-base-in22k"
        ]
    );
    assert!(plan["bytes"].as_u64().unwrap() > 20_000_000_000 && plan["free"].is_u64());
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
}

fn real() -> Option<PathBuf> {
    let named = std::env::var_os("MODALIGN_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let found = named
        .or(Some(beside))
        .filter(|path| path.join("cifar10").is_dir());
    if found.is_none() {
        println!("skipped: no real data; set MODALIGN_DATA to their folder");
    }
    found
}

#[test]
fn real_data_are_what_the_manifests_say() {
    let Some(root) = real() else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = root.to_str().unwrap();
    let verified = json(&data(folder.path(), &["verify", "--data", root, "--json"]));
    assert_eq!(verified["wrong"], 0, "{verified}");
    assert!(verified["right"].as_u64().unwrap() > 20);
    let sheet = folder.path().join("sheet.png");
    let shown = data(
        folder.path(),
        &[
            "show",
            "esc10",
            "--data",
            root,
            "--sheet",
            sheet.to_str().unwrap(),
        ],
    );
    assert!(
        text(&shown.stdout).contains("Dog bark"),
        "{}",
        text(&shown.stderr)
    );
    assert!(fs::read(sheet).unwrap().starts_with(b"\x89PNG"));
    let shown = json(&data(
        folder.path(),
        &["show", "cifar10", "--data", root, "--json"],
    ));
    assert_eq!(shown["parts"][2]["classes"][0], 1000);
}

#[test]
fn what_a_reader_infers_is_told_beside_its_samples() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("files/ninapro");
    fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, descr: &str, shape: &[usize], bytes: Vec<u8>| {
        let header = modalign::files::npy::header(descr, shape);
        fs::write(folder.join(name), [header, bytes].concat()).unwrap();
    };
    for part in ["train", "val", "test"] {
        let values = (0..3 * 52 * 16).flat_map(|v| ((v * v % 97) as f32).to_le_bytes());
        write(
            &format!("ninapro_{part}.npy"),
            "<f4",
            &[3, 52, 16],
            values.collect(),
        );
        write(&format!("label_{part}.npy"), "|u1", &[3], vec![0, 1, 17]);
    }
    let files = home.path().join("files");
    let shown = data(
        home.path(),
        &[
            "show",
            "ninapro",
            "--data",
            files.to_str().unwrap(),
            "--json",
        ],
    );
    assert_eq!(json(&shown)["parts"][0]["samples"], 3);
    assert_eq!(json(&shown)["manifest"]["readers"][0], "ninapro");
    let told = text(&shown.stderr);
    assert!(
        told.contains("note: ninapro: ") && told.contains("its own sample"),
        "{told}"
    );
    let made = data(home.path(), &["show", "demo-emg"]);
    let words = text(&made.stdout);
    assert!(
        words.contains("synthesised surface EMG") && made.stderr.is_empty(),
        "{words}"
    );
}

#[test]
fn folders_of_pictures_are_put_by_hand_and_known_by_being_there() {
    let home = tempfile::tempdir().unwrap();
    let files = home.path().join("files");
    let root = files.to_str().unwrap();
    let place = |name: &str| {
        for class in ["Bed", "Chair"] {
            for i in 0..10 {
                let path = files.join(format!("office_home/{name}/{class}/{i}.png"));
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::copy(super::our_fixture("preprocess/pictures/photo.png"), path).unwrap();
            }
        }
    };
    let run = |arguments: &[&str]| data(home.path(), &[arguments, &["--data", root]].concat());
    let state = || json(&run(&["show", "office-home", "--json"]))["state"].clone();
    assert_eq!(state(), "absent");
    let fetched = run(&["fetch", "office-home"]);
    let said = text(&fetched.stderr);
    assert!(
        !fetched.status.success() && said.contains("put there by hand"),
        "{said}"
    );
    place("art");
    assert_eq!(state(), "partial");
    for name in ["Clipart", "product", "Real World"] {
        place(name);
    }
    assert_eq!(state(), "complete");
    let places = json(&run(&["where", "office-home", "--json"]));
    let places = places["files"].as_array().unwrap();
    assert!(
        places.iter().all(|file| file["exists"] == true),
        "{places:?}"
    );
    assert!(
        places[3]["path"]
            .as_str()
            .unwrap()
            .ends_with("office_home/Real World")
    );
    let shown = json(&run(&["show", "office-home-real-world", "--json"]));
    assert_eq!(shown["parts"][0]["samples"], 14, "{shown}");
    assert_eq!(shown["parts"][2]["classes"], serde_json::json!([2, 2]));
    let imported = run(&["import", "office-home", root]);
    let said = text(&imported.stderr);
    assert!(
        !imported.status.success() && said.contains("put there by hand"),
        "{said}"
    );
    let out = home.path().join("art.npz");
    let extract = super::modalign(&[
        "extract",
        "--model",
        "demo",
        "--data",
        "office-home-art:test",
        "--data-dir",
        root,
        "--outputs",
        "pooled",
        "--out",
        out.to_str().unwrap(),
    ]);
    let said = text(&extract.stderr);
    assert!(extract.status.success(), "{said}");
    assert!(
        said.contains("no official split") && said.contains("pictures: "),
        "{said}"
    );
    assert_eq!(modalign::feature::file::read(&out).unwrap().len(), 4);
}
