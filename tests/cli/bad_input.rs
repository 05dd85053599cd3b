//! Wrong input of every kind that a run reads: a clear message, an exit code, nothing half-written.

use super::*;
use std::fs;

/// Runs, expects failure with `code`, and returns what was said.
fn refused(arguments: &[&str], code: i32) -> String {
    let run = modalign(arguments);
    let said = text(&run.stderr);
    assert_eq!(run.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(run.stdout.is_empty(), "{}", text(&run.stdout));
    said
}

/// Runs the tiny suite with a change; returns what was said and asserts that no run was left.
fn refused_suite(from: &str, to: &str, code: i32) -> String {
    let home = tempfile::tempdir().unwrap();
    let suite = home.path().join("suite.toml");
    assert!(TINY.contains(from));
    fs::write(&suite, TINY.replacen(from, to, 1)).unwrap();
    let out = home.path().join("run");
    refused(
        &[
            "report",
            "--suite",
            suite.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ],
        code,
    )
}

#[test]
fn unknown_keys_name_the_nearest() {
    let said = refused_suite("tsne_points", "tsne_point", 2);
    assert!(
        said.contains("tsne_points") && said.contains("did you mean"),
        "{said}"
    );
    let said = refused_suite("reader = \"demo-emg\"", "reader = \"demo-egm\"", 2);
    assert!(said.contains("did you mean \"demo-emg\"?"), "{said}");
    let said = refused(&["report", "--suite", "dmeo"], 2);
    assert!(said.contains("did you mean \"demo\"?"), "{said}");
}

#[test]
fn impossible_settings_are_refused() {
    assert!(refused_suite("batch = 16, learning_rate = 5e-4", "batch = 0", 1).contains("batch"));
    assert!(
        refused_suite("learning_rate = 5e-4", "learning_rate = -1.0", 1).contains("learning_rate")
    );
    assert!(refused_suite("seeds = [0, 1]", "seeds = []", 2).contains("at least one"));
    assert!(refused_suite("name = \"unseen\"", "name = \"emg\"", 2).contains("twice"));
    assert!(refused_suite("model = \"demo\"", "model = \"nowhere\"", 1).contains("nowhere"));
}

#[test]
fn missing_and_damaged_cifar_files_are_named_with_their_sizes() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let suite = home.path().join("suite.toml");
    fs::write(&suite, TINY.replace("demo-surrogate", "cifar10")).unwrap();
    let run = home.path().join("run");
    let arguments = [
        "report",
        "--suite",
        suite.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
        "--out",
        run.to_str().unwrap(),
    ];
    let said = refused(&arguments, 1);
    assert!(
        said.contains("missing file") && said.contains("cs.toronto.edu"),
        "{said}"
    );

    let folder = data.join("cifar10");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("batches.meta.txt"),
        "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n",
    )
    .unwrap();
    let records = |label: u8| [vec![label], vec![7; 3072]].concat().repeat(20);
    fs::write(folder.join("data_batch_1.bin"), records(3)).unwrap();
    fs::write(folder.join("test_batch.bin"), &records(3)[1..]).unwrap();
    let said = refused(&arguments, 1);
    assert!(
        said.contains("test_batch.bin") && said.contains("3073") && said.contains("61459"),
        "{said}"
    );

    fs::write(folder.join("test_batch.bin"), records(10)).unwrap();
    let said = refused(&arguments, 1);
    assert!(said.contains("label") && said.contains("10"), "{said}");
}

#[test]
fn foreign_checkpoints_list_what_does_not_fit() {
    let home = tempfile::tempdir().unwrap();
    let model = home.path().join("model");
    fs::create_dir_all(&model).unwrap();
    let out = home.path().join("out.npz");
    let tensor = format!(
        "{}:pixels",
        our_fixture("swin-cifar/io.safetensors").display()
    );
    let arguments = [
        "extract",
        "--model",
        model.to_str().unwrap(),
        "--tensor",
        &tensor,
        "--outputs",
        "pooled",
        "--out",
        out.to_str().unwrap(),
    ];
    assert!(refused(&arguments, 1).contains("config.json"));

    fs::copy(
        our_fixture("swin-cifar/config.json"),
        model.join("config.json"),
    )
    .unwrap();
    assert!(refused(&arguments, 1).contains("model.safetensors"));

    fs::copy(
        our_fixture("swin-padded/model.safetensors"),
        model.join("model.safetensors"),
    )
    .unwrap();
    let said = refused(&arguments, 1);
    assert!(
        said.contains("missing")
            && said.contains("wrong shape")
            && said.contains("swin.encoder.layers.2"),
        "{said}"
    );

    let whole = fs::read(our_fixture("swin-cifar/model.safetensors")).unwrap();
    for broken in [&whole[..5], &whole[..100], &whole[..whole.len() - 1]] {
        fs::write(model.join("model.safetensors"), broken).unwrap();
        assert!(refused(&arguments, 1).contains("model.safetensors"));
    }
    let mut endless = whole.clone();
    endless[..8].copy_from_slice(&(1u64 << 63).to_le_bytes());
    fs::write(model.join("model.safetensors"), &endless).unwrap();
    assert!(refused(&arguments, 1).contains("header"));

    let mut hollow = whole.clone();
    let end = hollow.len();
    hollow[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(model.join("model.safetensors"), &hollow).unwrap();
    assert!(refused(&arguments, 1).contains("NaN"));

    fs::write(model.join("model.safetensors"), &whole).unwrap();
    let config = fs::read_to_string(model.join("config.json")).unwrap();
    fs::write(
        model.join("config.json"),
        config.replace("\"swin\"", "\"vit\""),
    )
    .unwrap();
    assert!(refused(&arguments, 1).contains("vit"));
    assert!(!out.exists(), "nothing half-written");
}

#[test]
fn wrong_devices_and_arguments_say_what_there_is() {
    let said = refused(&["report", "--device", "tpu"], 2);
    assert!(said.contains("flex"), "{said}");
    let said = refused(&["report", "--device", "cuda"], 2);
    assert!(said.contains("--features cuda"), "{said}");
    refused(&["report", "--suite"], 2);
    refused(&["nonsense"], 2);
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    let home = tempfile::tempdir().unwrap();
    let suite = home.path().join("suite.toml");
    fs::write(&suite, TINY).unwrap();
    // A file where a folder is needed: fails for every user, root included.
    let file = home.path().join("file");
    fs::write(&file, "mine").unwrap();
    let said = refused(
        &[
            "report",
            "--suite",
            suite.to_str().unwrap(),
            "--out",
            file.to_str().unwrap(),
        ],
        1,
    );
    assert!(said.contains("file"), "{said}");
    // A folder of somebody's own files is not taken over.
    let said = refused(
        &[
            "report",
            "--suite",
            suite.to_str().unwrap(),
            "--out",
            home.path().to_str().unwrap(),
        ],
        1,
    );
    assert!(said.contains("holds no run"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    let said = refused(
        &["figures", home.path().to_str().unwrap(), "--only", "tsne"],
        1,
    );
    assert!(said.contains("tsne.csv"), "{said}");
}
