//! `modalign retrieval`: how often an image finds one of its captions among the first K of all, and a caption its image.
//! Of a CLIP with a folder of pictures and their captions, or of anyone's embeddings.

use super::args::RetrievalArgs;
use super::error::CliError;
use super::measure::{count, page};
use super::models::tell;
use super::progress::Stage;
use super::tensor_file::TensorFile;
use super::towers::Towers;
use super::words::{columns, print_json};
use super::{out, print};
use crate::dataset::images::Broken;
use crate::dataset::pairs::{Columns, Pairs, distinct};
use crate::feature::file::{self, Arrays};
use crate::feature::towers::{of_images, of_texts};
use crate::measure::retrieval::{ALL, Direction, Retrieval, Rule, retrieval};
use crate::model::device;
use burn::tensor::DType;
use ndarray::{Array2, Axis};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::Instant;

/// Vectors of both kinds, and the image of every caption.
struct Found {
    images: Array2<f32>,
    texts: Array2<f32>,
    owner: Vec<usize>,
    /// Texts that differ, where it is known.
    distinct: Option<usize>,
    arrays: Arrays,
}

/// Runs the command.
pub fn run(args: &RetrievalArgs) -> Result<(), CliError> {
    let start = Instant::now();
    let (found, subject) = match (&args.model, &args.images) {
        (Some(model), _) => (of_model(args, model)?, model.clone()),
        (None, Some(images)) => (of_embeddings(args, images)?, images.clone()),
        (None, None) => {
            return Err(CliError::Usage {
                what: "what is measured".into(),
                expected: "--model CLIP --data DIR --captions FILE, or --images, --texts and --owner of embeddings".into(),
                found: "neither".into(),
            });
        }
    };
    let wrong = CliError::of_measure(Path::new(&subject));
    let stage = Stage::waiting("ranks");
    let measured =
        retrieval(found.images.view(), found.texts.view(), &found.owner).map_err(wrong)?;
    stage.clear();
    if let Some(path) = &args.out {
        file::write_arrays(path, &found.arrays)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    match args.json {
        true => print_json(&fields(&measured, &found, seconds)),
        false => print(text_of(&measured, &found, &subject, seconds).as_bytes()),
    }
}

/// Vectors by a CLIP.
fn of_model(args: &RetrievalArgs, model: &str) -> Result<Found, CliError> {
    let needed = |flag: &str| CliError::Usage {
        what: "--model".into(),
        expected: format!("{flag} beside it"),
        found: "none".into(),
    };
    let folder = args.data.as_deref().ok_or_else(|| needed("--data DIR"))?;
    let captions = args
        .captions
        .as_deref()
        .ok_or_else(|| needed("--captions FILE"))?;
    if let Some(path) = &args.out {
        out::apart(
            "--out",
            path,
            [("--captions", captions), ("--model", Path::new(model))],
        )?;
    }
    let device = device::open(&args.device)?;
    let towers = Towers::open(model, &args.opening.opening(), &device, DType::F32)?;
    let broken = Broken::skipped(args.skip_broken);
    let how = towers.pictures(args.opening.image_size)?;
    let named = Columns {
        image: args.image_column.as_deref(),
        text: args.text_column.as_deref(),
    };
    let pairs = Pairs::open(folder, captions, named, &how, broken)?;
    tell(&pairs.notes);
    // Every distinct text is encoded once.
    let (distinct, of) = distinct(&pairs.texts);
    let ids = towers.ids(&distinct, args.tokenizer.as_deref())?;
    let tower = &towers.loaded.towers;
    let stage = Stage::waiting("captions");
    let texts = of_texts(tower, ids.view()).select(Axis(0), &of);
    stage.clear();
    let stage = Stage::waiting("images");
    let images = of_images(tower, pairs.images.clone(), &device)?;
    stage.clear();
    let mut arrays = Arrays::default();
    for (name, rows) in [("image_embeds", &images), ("text_embeds", &texts)] {
        let shape = [rows.nrows(), rows.ncols()];
        arrays.append(name, &shape, rows.iter().copied().collect());
    }
    arrays.text_owner = Some(pairs.owner.clone());
    let names = (0..images.nrows()).map(|i| pairs.images.id(i));
    arrays.ids = names.collect::<Option<_>>().unwrap_or_default();
    Ok(Found {
        distinct: Some(distinct.len()),
        images,
        texts,
        owner: pairs.owner,
        arrays,
    })
}

/// Vectors of files.
fn of_embeddings(args: &RetrievalArgs, images: &str) -> Result<Found, CliError> {
    let needed = |flag: &str| CliError::Usage {
        what: "--images".into(),
        expected: format!("{flag} beside it"),
        found: "none".into(),
    };
    if args.out.is_some() {
        return Err(CliError::Usage {
            what: "--out".into(),
            expected: "--model, whose vectors it keeps".into(),
            found: "vectors of files".into(),
        });
    }
    let texts = args
        .texts
        .as_deref()
        .ok_or_else(|| needed("--texts FILE:NAME"))?;
    let owner = args
        .owner
        .as_deref()
        .ok_or_else(|| needed("--owner FILE:NAME"))?;
    let rows = |flag: &'static str, given: &str| -> Result<Array2<f32>, CliError> {
        let file = TensorFile::open(flag, given)?;
        let wrong = || CliError::Usage {
            what: flag.into(),
            expected: "a matrix, one vector a row".into(),
            found: file.described(),
        };
        let shape: [usize; 2] = file.shape.as_slice().try_into().map_err(|_| wrong())?;
        Array2::from_shape_vec(shape, file.floats()?).map_err(|_| wrong())
    };
    let (images, texts) = (rows("--images", images)?, rows("--texts", texts)?);
    let file = TensorFile::open("--owner", owner)?;
    let whole = file.shape.iter().product::<usize>() == texts.nrows();
    if !(whole && file.is_whole()) || file.is_truth() {
        return Err(CliError::Usage {
            what: "--owner".into(),
            expected: format!(
                "the row of its image for each of {} texts, as integers",
                texts.nrows()
            ),
            found: file.described(),
        });
    }
    let owner: Vec<usize> = file
        .ints()?
        .into_iter()
        .map(|row| usize::try_from(row).unwrap_or(usize::MAX))
        .collect();
    Ok(Found {
        images,
        texts,
        owner,
        distinct: None,
        arrays: Arrays::default(),
    })
}

const BOTH: [(Direction, &str, &str); 2] = [
    (Direction::ImageToText, "image_to_text", "image to text"),
    (Direction::TextToImage, "text_to_image", "text to image"),
];

fn fields(measured: &Retrieval, found: &Found, seconds: f64) -> Value {
    let mut all = Map::new();
    for measure in ALL {
        let name = measure.about.name.replace('-', "_");
        all.insert(name, json!(measure.value(measured, Rule::Pessimistic)));
    }
    let optimistic = ALL.iter().map(|measure| {
        let name = measure.about.name.replace('-', "_");
        (name, json!(measure.value(measured, Rule::Optimistic)))
    });
    all.insert("optimistic".into(), Value::Object(optimistic.collect()));
    for (direction, name, _) in BOTH {
        let intervals = [1, 5, 10].map(|k| measured.interval(direction, k, None));
        all.insert(format!("{name}_intervals"), json!(intervals));
        all.insert(format!("{name}_tied"), json!(measured.tied(direction)));
    }
    all.insert("images".into(), json!(found.images.nrows()));
    all.insert(
        "images_with_captions".into(),
        json!(measured.asking().len()),
    );
    all.insert("captions".into(), json!(found.texts.nrows()));
    all.insert("distinct_captions".into(), json!(found.distinct));
    all.insert("seconds".into(), json!(seconds));
    Value::Object(all)
}

fn text_of(measured: &Retrieval, found: &Found, subject: &str, seconds: f64) -> String {
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    let mean = measured.mean_recall(Rule::Pessimistic);
    let best = measured.mean_recall(Rule::Optimistic);
    let captions = match found.distinct {
        Some(distinct) if distinct < found.texts.nrows() => {
            format!("{}, {distinct} of them distinct", found.texts.nrows())
        }
        _ => found.texts.nrows().to_string(),
    };
    let tied: usize = BOTH
        .iter()
        .map(|(direction, ..)| measured.tied(*direction))
        .sum();
    let mut facts = vec![
        ("images", found.images.nrows().to_string()),
        ("captions", captions),
        ("of", subject.to_string()),
    ];
    if tied > 0 {
        let words = format!(
            "{}, where wrong ones come first; if right ones came first the mean recall would be {} %",
            count(tied, "query").replace("querys", "queries"),
            percent(best)
        );
        facts.push(("ties", words));
    }
    let mut rows = vec![["", "R@1", "R@5", "R@10"].map(String::from).to_vec()];
    for (direction, _, words) in BOTH {
        let mut row = vec![words.to_string()];
        row.extend([1, 5, 10].map(|k| {
            let [low, high] = measured.interval(direction, k, None);
            let value = measured.recall(direction, k, Rule::Pessimistic);
            format!("{} ({} to {})", percent(value), percent(low), percent(high))
        }));
        rows.push(row);
    }
    let headline = format!("Retrieval: mean recall {} %", percent(mean));
    page(&headline, &facts, seconds)
        + &format!(
            "\n  Percent of queries that find a right one among the first K (95 %, captions of an image together)\n{}",
            columns(&rows, &[1, 2, 3], "    ")
        )
}
