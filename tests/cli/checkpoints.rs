//! Checkpoints as people have them, from outside: the flags that open them, what is told, tensors
//! of NumPy's files.

use super::*;
use modalign::files::{gzip, tar};
use modalign::model::weights::Weights;
use serde_json::Value;

/// The fixture of checkpoints, in a folder.
fn unpacked() -> tempfile::TempDir {
    let packed = std::fs::File::open(our_fixture("checkpoints/checkpoints.tar.gz")).unwrap();
    let bytes = gzip::inflate(packed, 1 << 24).unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut rest = bytes.as_slice();
    while let Some((block, more)) = rest.split_first_chunk::<{ tar::BLOCK }>() {
        if block.iter().all(|b| *b == 0) {
            break;
        }
        let header = tar::Header::parse(block).unwrap();
        let size = header.size as usize;
        let path = home.path().join(&header.name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &more[..size]).unwrap();
        rest = &more[size.next_multiple_of(tar::BLOCK)..];
    }
    home
}

/// Runs `extract`; gives the pooled outputs and stderr.
fn extract(
    home: &Path,
    model: &str,
    tensor: &str,
    more: &[&str],
) -> Result<(Vec<f32>, String), String> {
    let path = |name: &str| home.join(name).display().to_string();
    let (model, tensor, out) = (path(model), path(tensor), path("out.safetensors"));
    let arguments = [
        "extract",
        "--model",
        &model,
        "--tensor",
        &tensor,
        "--outputs",
        "pooled",
        "--out",
        &out,
    ];
    let run = modalign(&[&arguments, more].concat());
    let said = text(&run.stderr);
    if !run.status.success() {
        return Err(said);
    }
    let values = Weights::open(Path::new(&out)).unwrap().read("pooled");
    Ok((values.unwrap().values, said))
}

fn close(found: &[f32], home: &Path, name: &str) {
    let io = Weights::open(&home.join("io.safetensors")).unwrap();
    let want = io.read(name).unwrap().values;
    assert_eq!(found.len(), want.len());
    for (a, b) in found.iter().zip(&want) {
        assert!((a - b).abs() < 2e-5 * (1.0 + b.abs()), "{a} {b}");
    }
}

#[test]
fn flags_open_a_checkpoint_and_stderr_tells_how() {
    let home = unpacked();
    let home = home.path();
    let tensor = "io.safetensors:pixels";
    let (found, said) = extract(home, "student_teacher.pth", tensor, &[]).unwrap();
    close(&found, home, "pooled");
    for part in [
        "student is taken, not teacher",
        "--key chooses",
        "prefix module.",
        "image side 16 is a guess: the file does not tell it; --image-size N sets it",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let asked = ["--key", "teacher", "--image-size", "16"];
    let (found, said) = extract(home, "student_teacher.pth", tensor, &asked).unwrap();
    close(&found, home, "other_pooled");
    assert!(!said.contains("guess"), "{said}");
    let several = ["--ignore", "projector.0.weight", "*.0.bias"];
    let (found, _) = extract(home, "extra.pth", tensor, &several).unwrap();
    close(&found, home, "pooled");
    let twice = ["--ignore", "projector.0.weight", "--ignore", "*.0.bias"];
    assert!(extract(home, "extra.pth", tensor, &twice).is_ok());
    let said = extract(home, "extra.pth", tensor, &[]).unwrap_err();
    assert!(
        said.contains("projector.0.bias") && said.contains("--ignore"),
        "{said}"
    );
    let said = extract(home, "deep.pth", tensor, &["--key", "nothing"]).unwrap_err();
    assert!(said.contains("checkpoint.net.state_dict ("), "{said}");
}

#[test]
fn tensors_come_from_numpys_files() {
    let home = unpacked();
    let home = home.path();
    for tensor in ["io.npz:pixels", "pixels.npy"] {
        let (found, _) = extract(home, "simmim.pth", tensor, &[]).unwrap();
        close(&found, home, "pooled");
    }
    for (tensor, part) in [
        ("io.npz:picture", "one of the arrays of"),
        ("io.npz", "FILE.npy"),
        ("absent.npz:pixels", "absent.npz"),
    ] {
        let said = extract(home, "simmim.pth", tensor, &[]).unwrap_err();
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn models_show_says_what_was_found_and_left_out() {
    let home = unpacked();
    let show = |name: &str, more: &[&str]| -> Value {
        let path = home.path().join(name).display().to_string();
        let run = modalign(&[&["models", "show", &path, "--json"], more].concat());
        assert!(run.status.success(), "{}", text(&run.stderr));
        serde_json::from_slice(&run.stdout).unwrap()
    };
    let found = show("lightning.ckpt", &[]);
    assert_eq!(found["state_dict"], "state_dict");
    assert_eq!(found["prefix"], "model.");
    assert_eq!(found["ignored"], serde_json::json!(["criterion.weight"]));
    assert_eq!(found["not_run"], serde_json::json!(["argparse.Namespace"]));
    assert_eq!(found["image_size"], 16);
    assert_eq!(found["image_size_from"], "guess");
    let found = show(
        "extra.pth",
        &["--ignore", "projector.*", "--image-size", "32"],
    );
    assert_eq!(found["image_size"], 32);
    assert_eq!(found["image_size_from"], "asked");
    assert_eq!(found["ignored"].as_array().unwrap().len(), 2);
    assert_eq!(found["loads"], "yes: every tensor has its place");
}

#[test]
fn models_show_knows_every_vit() {
    for (name, architecture, pooling, features, predictor) in [
        ("vit-classes", "vit", "first", 8, "classification"),
        ("deit-teacher", "deit", "first", 8, "classification"),
        ("mae-pretraining", "vit_mae", "first", 8, "none"),
        (
            "dinov2-classes",
            "dinov2",
            "first-and-mean",
            16,
            "classification",
        ),
        (
            "dinov2-registers",
            "dinov2_with_registers",
            "first",
            8,
            "none",
        ),
        ("timm-average", "timm-vit", "mean", 8, "classification"),
        (
            "timm-distilled",
            "timm-vit",
            "class-and-distillation",
            8,
            "classification",
        ),
    ] {
        let path = our_fixture(&format!("vit/{name}")).display().to_string();
        let run = modalign(&["models", "show", &path, "--json"]);
        assert!(run.status.success(), "{}", text(&run.stderr));
        let found: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(found["architecture"], architecture);
        assert_eq!(found["pooling"], pooling, "{name}");
        assert_eq!(found["features"], features, "{name}");
        assert_eq!(found["predictor"], predictor, "{name}");
        assert_eq!(found["loads"], "yes: every tensor has its place");
    }
    let path = our_fixture("vit/vit-bare").display().to_string();
    let run = modalign(&["models", "show", &path, "--json", "--pooling", "mean"]);
    let found: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(found["pooling"], "mean");
    let run = modalign(&["models", "show", &path, "--pooling", "last"]);
    assert!(text(&run.stderr).contains("expected one of mean, first"));
}

#[test]
fn heads_that_no_file_tells_are_asked_for() {
    let path = our_fixture("vit/original-dinov2").display().to_string();
    let said = text(&modalign(&["models", "show", &path]).stderr);
    assert!(said.contains("num_heads: expected --heads N"), "{said}");
    let run = modalign(&["models", "show", &path, "--json", "--heads", "2"]);
    let found: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert!(
        found["shape"].as_str().unwrap().contains("2 heads"),
        "{found}"
    );
    let told = found["notes"].to_string();
    assert!(told.contains("interpolated as DINOv2 does"), "{told}");
}

#[test]
fn a_run_keeps_how_its_source_model_was_opened() {
    let home = unpacked();
    let model = home.path().join("two_in_one.pth");
    let run = home.path().join("run");
    let suite = home.path().join("suite.toml");
    let keyed = format!("model = {:?}\nkey = \"teacher\"", model.to_str().unwrap());
    let text_of_suite = TINY.replace("model = \"demo\"", &keyed);
    std::fs::write(&suite, text_of_suite).unwrap();
    let arguments = [
        "train",
        "--suite",
        suite.to_str().unwrap(),
        "--target",
        "emg",
        "--method",
        "nft",
        "--image-size",
        "16",
        "--ignore",
        "loss.*",
        "--out",
        run.to_str().unwrap(),
    ];
    let done = modalign(&arguments);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let config = std::fs::read_to_string(run.join("config.toml")).unwrap();
    for line in [
        "key = \"teacher\"",
        "ignore = [\"loss.*\"]",
        "image_size = 16",
    ] {
        assert!(config.contains(line), "{config}");
    }
    let wrong = TINY.replace("model = \"demo\"", "model = \"demo\"\nkeys = \"a\"");
    std::fs::write(&suite, wrong).unwrap();
    let said = text(&modalign(&arguments).stderr);
    assert!(said.contains("keys") && said.contains("key"), "{said}");
}
