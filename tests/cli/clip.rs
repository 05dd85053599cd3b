//! CLIP's two towers from outside: vectors of images and texts, zero-shot, what is refused, export, and a CLIP as the
//! source of a suite.

use super::*;
use modalign::feature::file;
use modalign::model::weights::Weights;
use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    modalign(arguments)
}

fn names(path: &str) -> String {
    fixture("clip-names").join(path).display().to_string()
}

fn tokenizer() -> String {
    fixture("clip-tokenizer")
        .join("tokenizer.json")
        .display()
        .to_string()
}

/// The largest difference from the fixture's array, relative to its largest value.
fn error(out: &Path, io: &Weights, name: &str) -> f32 {
    let (found, want) = (
        Weights::open(out).unwrap().read(name).unwrap(),
        io.read(name).unwrap(),
    );
    assert_eq!(found.shape, want.shape, "{name}");
    let scale = want.values.iter().fold(0.0f32, |s, v| s.max(v.abs()));
    let pairs = found.values.iter().zip(&want.values);
    pairs.fold(0.0f32, |w, (x, y)| w.max((x - y).abs())) / scale
}

const OUTPUTS: &str = "image_embeds,text_embeds,logits_per_image";

#[test]
fn towers_give_the_numbers_of_transformers_and_open_clip() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out.safetensors");
    let texts = home.path().join("texts.txt");
    let told = std::fs::read_to_string(names("expected.json")).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    let lines: Vec<&str> = told["texts"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    std::fs::write(&texts, lines.join("\n") + "\n").unwrap();
    let io = Weights::open(names("io.safetensors").as_ref()).unwrap();
    let pixels = format!("{}:pixels", names("io.safetensors"));
    let ids = format!("{}:input_ids", names("io.safetensors"));
    for (file, activation) in [
        ("hf", None),
        ("openai.safetensors", Some("quick_gelu")),
        ("open_clip.pt", Some("quick_gelu")),
    ] {
        let model = names(file);
        let tokenizer = tokenizer();
        for from in [ids.as_str(), texts.to_str().unwrap()] {
            let mut arguments = vec![
                "extract", "--model", &model, "--tensor", &pixels, "--texts", from,
            ];
            arguments.extend([
                "--outputs",
                OUTPUTS,
                "--out",
                out.to_str().unwrap(),
                "--tokenizer",
                &tokenizer,
            ]);
            arguments.extend(activation.iter().flat_map(|name| ["--activation", name]));
            let done = run(&arguments);
            assert!(done.status.success(), "{file}: {}", text(&done.stderr));
            for name in OUTPUTS.split(',') {
                let error = error(&out, &io, name);
                assert!(error < 1e-5, "{file} {from} {name}: {error}");
            }
        }
    }
}

#[test]
fn what_cannot_be_known_or_given_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out.npz").display().to_string();
    let pixels = format!("{}:pixels", names("io.safetensors"));
    let texts = home.path().join("texts.txt");
    std::fs::write(&texts, "a photo of a dog.\n").unwrap();
    let texts = texts.display().to_string();
    let (bare, hf, swin) = (
        names("open_clip.pt"),
        names("hf"),
        our_fixture("swin-cifar").display().to_string(),
    );
    let tokenizer = tokenizer();
    for (model, outputs, rest, code, part) in [
        (
            &bare,
            "text_embeds",
            vec!["--texts", &texts, "--tokenizer", &tokenizer],
            1,
            "--activation quick_gelu",
        ),
        (
            &hf,
            "text_embeds",
            vec!["--texts", &texts],
            1,
            "tokenizer.json",
        ),
        (&hf, "text_embeds", vec![], 2, "--texts FILE"),
        (
            &hf,
            "image_embeds",
            vec!["--texts", &texts],
            2,
            "--tensor FILE:NAME or --data",
        ),
        (
            &hf,
            "image_embeds",
            vec!["--tensor", &pixels, "--texts", &texts],
            2,
            "an output of what --texts",
        ),
        (
            &hf,
            "pooled,image_embeds",
            vec!["--tensor", &pixels],
            2,
            "each in a file of its own",
        ),
        (
            &hf,
            "pooled",
            vec!["--tensor", &pixels, "--texts", &texts],
            2,
            "an output of both towers",
        ),
        (
            &swin,
            "image_embeds",
            vec!["--tensor", &pixels],
            1,
            "OpenAI's names",
        ),
        (
            &hf,
            "text_embeds",
            vec!["--texts", &pixels],
            2,
            "token ids [M, T]",
        ),
    ] {
        let mut arguments = vec![
            "extract",
            "--model",
            model,
            "--outputs",
            outputs,
            "--out",
            &out,
        ];
        arguments.extend(rest);
        let done = run(&arguments);
        let told = text(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{outputs}: {told}");
        assert!(told.contains(part), "{outputs}: {told}");
    }
    assert!(!Path::new(&out).exists());
}

/// Pictures of two classes.
fn pictures() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (place, picture) in [
        ("dog/a.png", "photo.png"),
        ("dog/b.jpg", "420.jpg"),
        ("storage_tank/a.png", "tall.png"),
    ] {
        let path = home.path().join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(our_fixture("preprocess/pictures").join(picture), path).unwrap();
    }
    home
}

#[test]
fn zero_shot_is_the_nearest_text() {
    let (pictures, home) = (pictures(), tempfile::tempdir().unwrap());
    let (data, hf, tokenizer) = (
        pictures.path().display().to_string(),
        names("hf"),
        tokenizer(),
    );
    let out = home.path().join("p.npy").display().to_string();
    let common = ["--model", &hf, "--data", &data, "--tokenizer", &tokenizer];
    let mut arguments = vec!["zeroshot"];
    arguments.extend(common);
    arguments.extend([
        "--template",
        "a photo of a {}.",
        "--template",
        "satellite image of the {}",
        "--out",
        &out,
        "--json",
    ]);
    let done = run(&arguments);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let found: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(found["images"], 3);
    assert_eq!(found["per_class"][1]["class"], "storage_tank");
    let [low, high] = [0, 1].map(|i| found["interval"][i].as_f64().unwrap());
    let error = found["error"].as_f64().unwrap();
    assert!(low <= error && error <= high && high > low);

    // The same by hand: both templates of both classes, means of unit vectors, cosines.
    let texts = home.path().join("texts.txt");
    let lines = "a photo of a dog.\nsatellite image of the dog\na photo of a storage tank.\nsatellite image of the storage tank\n";
    std::fs::write(&texts, lines).unwrap();
    let vectors = home.path().join("v.npz").display().to_string();
    let mut arguments = vec!["extract"];
    arguments.extend(common);
    arguments.extend([
        "--texts",
        texts.to_str().unwrap(),
        "--outputs",
        "image_embeds,text_embeds",
        "--out",
        &vectors,
    ]);
    let done = run(&arguments);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let array = |name: &str| {
        let file = std::fs::File::open(&vectors).unwrap();
        let mut archive = zip::ZipArchive::new(file).unwrap();
        let mut bytes = Vec::new();
        let mut member = archive.by_name(&format!("{name}.npy")).unwrap();
        std::io::Read::read_to_end(&mut member, &mut bytes).unwrap();
        let found = modalign::files::npy::parse(&bytes)
            .and_then(|a| a.to_f64())
            .unwrap();
        found.into_dimensionality::<ndarray::Ix2>().unwrap()
    };
    let (images, texts) = (array("image_embeds"), array("text_embeds"));
    let class = |k: usize| &texts.row(2 * k) + &texts.row(2 * k + 1);
    let labels = [0, 0, 1];
    let wrong = images.outer_iter().zip(labels).filter(|(image, label)| {
        let cosine = |k: usize| image.dot(&class(k)) / class(k).dot(&class(k)).sqrt();
        let nearest = usize::from(cosine(1) > cosine(0));
        nearest != *label
    });
    let expected = wrong.count() as f64 / 3.0;
    assert!((error - expected).abs() < 1e-12, "{error} and {expected}");

    // A file of features with a text a class.
    let classes = home.path().join("classes.csv");
    std::fs::write(
        &classes,
        "caption\na photo of a dog.\na photo of a storage tank.\n",
    )
    .unwrap();
    let mut arguments = vec!["extract"];
    arguments.extend(common);
    arguments.extend([
        "--texts",
        classes.to_str().unwrap(),
        "--outputs",
        OUTPUTS,
        "--out",
        &vectors,
    ]);
    let done = run(&arguments);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let both = file::read_both(vectors.as_ref()).unwrap();
    assert_eq!((both.set.len(), both.set.classes()), (3, 2));

    for (rest, part) in [
        (vec!["--template", "a photo"], "{}"),
        (
            vec![
                "--class-names",
                classes.to_str().unwrap(),
                "--template",
                "{} {}",
            ],
            "{}",
        ),
    ] {
        let mut arguments = vec!["zeroshot"];
        arguments.extend(common);
        arguments.extend(rest);
        let done = run(&arguments);
        assert!(
            !done.status.success() && text(&done.stderr).contains(part),
            "{}",
            text(&done.stderr)
        );
    }
}

#[test]
fn retrieval_counts_what_is_found() {
    let (pictures, home) = (pictures(), tempfile::tempdir().unwrap());
    let (data, hf, tokenizer) = (
        pictures.path().display().to_string(),
        names("hf"),
        tokenizer(),
    );
    let captions = home.path().join("captions.csv");
    let table = "image,caption\ndog/a.png,a photo of a dog.\ndog/b.jpg,satellite image of the airport\n\
                 storage_tank/a.png,a photo of a storage tank.\ndog/a.png,green trees\nstorage_tank/a.png,green trees\n";
    std::fs::write(&captions, table).unwrap();
    let out = home.path().join("v.npz").display().to_string();
    let captions = captions.display().to_string();
    let model = [
        "retrieval",
        "--model",
        &hf,
        "--data",
        &data,
        "--captions",
        &captions,
        "--tokenizer",
        &tokenizer,
    ];
    let mut arguments = model.to_vec();
    arguments.extend(["--out", &out, "--json"]);
    let done = run(&arguments);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let found: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        (
            &found["images"],
            &found["captions"],
            &found["distinct_captions"]
        ),
        (&3.into(), &5.into(), &4.into())
    );
    // Among three images all ten first ones hold every one.
    assert_eq!(found["text_to_image_r5"], 1.0);
    // One text of two images: whichever is first, it may be the wrong one.
    assert!(
        found["optimistic"]["mean_recall"].as_f64().unwrap()
            >= found["mean_recall"].as_f64().unwrap()
    );

    // The same of the vectors that were written.
    let at = |name: &str| format!("{out}:{name}");
    let (images, texts, owner) = (at("image_embeds"), at("text_embeds"), at("text_owner"));
    let vectors = [
        "retrieval",
        "--images",
        &images,
        "--texts",
        &texts,
        "--owner",
        &owner,
        "--json",
    ];
    let done = run(&vectors);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let again: Value = serde_json::from_slice(&done.stdout).unwrap();
    for key in [
        "mean_recall",
        "image_to_text_r1",
        "text_to_image_r1",
        "text_to_image_tied",
    ] {
        assert_eq!(again[key], found[key], "{key}");
    }
    let done = run(&vectors[..7]);
    assert!(
        text(&done.stdout).contains("mean recall"),
        "{}",
        text(&done.stdout)
    );

    for (arguments, part) in [
        (vec!["retrieval"], "--captions FILE"),
        (model[..5].to_vec(), "--captions FILE"),
        (vectors[..3].to_vec(), "--texts FILE:NAME"),
        (
            vec![
                "retrieval",
                "--images",
                &images,
                "--texts",
                &texts,
                "--owner",
                &images,
            ],
            "as integers",
        ),
    ] {
        let done = run(&arguments);
        let told = text(&done.stderr);
        assert!(!done.status.success() && told.contains(part), "{told}");
    }
}

#[test]
fn both_towers_are_shown_and_go_out_as_they_came() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out").display().to_string();
    let done = run(&["models", "show", &names("hf"), "--json"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let shown: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(shown["architecture"], "clip");
    assert_eq!(shown["activation"], "quick_gelu");
    assert!(shown["loads"].as_str().unwrap().starts_with("yes"));
    let done = run(&["export", &names("hf"), "--out", &out]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let bytes = |folder: &Path, name: &str| std::fs::read(folder.join(name)).unwrap();
    let (own, out) = (PathBuf::from(names("hf")), PathBuf::from(out));
    assert_eq!(bytes(&own, "config.json"), bytes(&out, "config.json"));
    let open = |folder: &Path| Weights::open(&folder.join("model.safetensors")).unwrap();
    let (own, out) = (open(&own), open(&out));
    for name in own.names() {
        assert_eq!(own.read(name).unwrap(), out.read(name).unwrap(), "{name}");
    }
}

#[test]
fn a_clip_is_a_source_whose_classes_are_texts() {
    let home = tempfile::tempdir().unwrap();
    let run_folder = home.path().join("run");
    let named = format!(
        "model = {:?}\ntexts = {{ tokenizer = {:?}, templates = [\"a photo of a {{}}.\"] }}",
        names("hf"),
        tokenizer()
    );
    let suite_text = TINY
        .replace("model = \"demo\"", &named)
        .replace(
            "seeds = [0, 1]",
            "seeds = [0]\nmethods = [\"nft\", \"mona\"]",
        )
        .replace("epochs = 2, batch = 16", "epochs = 1, batch = 16");
    let unseen = suite_text.find("[[targets]]\nname = \"unseen\"").unwrap();
    let after = suite_text.find("[transfer]").unwrap();
    let suite_text = format!("{}{}", &suite_text[..unseen], &suite_text[after..]);
    let suite = home.path().join("suite.toml");
    std::fs::write(&suite, suite_text).unwrap();
    let report = || {
        run(&[
            "report",
            "--suite",
            suite.to_str().unwrap(),
            "--out",
            run_folder.to_str().unwrap(),
        ])
    };
    let done = report();
    assert!(done.status.success(), "{}", text(&done.stderr));
    let table = std::fs::read_to_string(run_folder.join("tables/measures.csv")).unwrap();
    for measure in ["zero-shot-error", "tower-gap", "tower-alignment"] {
        let rows = table.lines().filter(|line| line.contains(measure)).count();
        // The pretrained encoder, and those of both methods after their epochs.
        assert!(rows >= 3, "{measure}: {table}");
    }
    // D by the zero-shot classifier, whose classes are the surrogate's.
    let distances = std::fs::read_to_string(run_folder.join("tables/discrepancy.csv")).unwrap();
    assert!(distances.lines().count() > 1, "{distances}");
    // What is done is not done again.
    let again = report();
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert_eq!(
        table,
        std::fs::read_to_string(run_folder.join("tables/measures.csv")).unwrap()
    );
}
