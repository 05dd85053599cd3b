//! `modalign extract`: runs a model on a raw tensor or a dataset and writes what its parts say:
//! the parity surface that anyone can check against PyTorch.

mod towers;

use super::args::{ExtractArgs, Precision, Wanted};
use super::error::CliError;
use super::images::{Asked, open_set};
use super::models::{open, tell};
use super::out;
use super::progress::Stage;
use super::tensor::{batches_of, check_predictor, read_input};
use crate::dataset::loader::{Order, batches};
use crate::dataset::{self, Dataset, images::Broken};
use crate::feature::file::{self, Arrays};
use crate::feature::outputs::{Input, Output, Values, outputs};
use crate::feature::towers::TowerOutput;
use crate::feature::{extract, samples_at_once};
use crate::model::windows::Windows;
use crate::model::{Model, Opening, device, load, precision};
use crate::suite::preprocess::Preprocess;
use burn::tensor::{DType, Device};
use ndarray::Array2;
use std::path::{Path, PathBuf};

/// Runs the command.
pub fn run(args: &ExtractArgs) -> Result<(), CliError> {
    apart(args)?;
    let device = device::open(&args.device)?;
    let dtype = match args.precision {
        Precision::F64 => DType::F64,
        Precision::F32 => DType::F32,
        Precision::F16 => DType::F16,
        Precision::Bf16 => DType::BF16,
    };
    device::supports(&args.device, &device, dtype)?;
    // Once each, however often asked for.
    let (mut wanted, mut of_towers) = (Output::ALL.to_vec(), TowerOutput::ALL.to_vec());
    wanted.retain(|output| args.outputs.contains(&Wanted::One(*output)));
    of_towers.retain(|output| args.outputs.contains(&Wanted::Both(*output)));
    match (wanted.is_empty(), of_towers.is_empty()) {
        (true, _) => return towers::run(args, &of_towers, &device, dtype),
        (false, false) => {
            return Err(CliError::Usage {
                what: "--outputs".into(),
                expected: "outputs of one tower, or of both; each in a file of its own".into(),
                found: format!("{} and {}", wanted[0].name(), of_towers[0].name()),
            });
        }
        (false, true) => {}
    }
    if args.text.texts.is_some() {
        return Err(CliError::Usage {
            what: "--texts".into(),
            expected: "an output of both towers, as text_embeds or logits_per_image".into(),
            found: format!("--outputs {}", wanted[0].name()),
        });
    }
    let files = open(&args.model, &args.opening.opening())?.files;
    tell(&files.notes);
    let load = |dtype| load::build(files.description.clone(), &files.weights, &device, dtype);
    let mut loaded = load(precision::held(&device, dtype))?;
    if precision::rounds_products(&device, dtype) {
        loaded.model.network = precision::round_products(loaded.model.network);
    }
    tell_products(dtype, &device);
    tell(&loaded.notes);
    let model = loaded.model;
    if wanted.contains(&Output::Logits) && model.network.predictor.spec().is_none() {
        return Err(CliError::Usage {
            what: "--outputs logits".into(),
            expected: "a model with a classifier".into(),
            found: format!("{} without one", args.model),
        });
    }
    let mut sink = Sink {
        wanted: &wanted,
        arrays: Arrays::default(),
        reference: match dtype {
            DType::F16 | DType::BF16 => Some(load(DType::F32)?.model),
            _ => None,
        },
    };
    match (&args.tensor, &args.data) {
        (Some(tensor), _) => {
            let input = read_input("--tensor", tensor, args.mask.as_deref(), &model)?;
            if wanted.contains(&Output::Logits) {
                check_predictor(&input, &model)?;
            }
            tell_windows(&model, &input);
            let parts = batches_of(input, &model);
            let (total, stage) = (parts.len(), Stage::new("extracting", parts.len()));
            for (i, part) in parts.into_iter().enumerate() {
                sink.take(&model, part);
                stage.set(i + 1, total);
            }
            stage.finish();
        }
        (None, Some(set)) => {
            let asked = Asked {
                flag: "--data",
                images: set,
                data: args.data_dir.as_deref(),
                broken: Broken::skipped(args.skip_broken),
                side: args.opening.image_size,
            };
            let data = open_set(&asked, &args.model, &model)?.set;
            let order = Order::sequential(samples_at_once(data.shape().iter().product()));
            let (total, stage) = (order.batches(data.len()), Stage::new("extracting", 1));
            describe(&mut sink.arrays, data.as_ref());
            for (i, batch) in batches(data, order).into_iter().enumerate() {
                let batch = batch?;
                sink.take(&model, Input::Samples(batch.values, batch.shape));
                stage.set(i + 1, total);
            }
            stage.finish();
            sink.arrays.alias("pooled", "features");
        }
        (None, None) => {
            return Err(CliError::Usage {
                what: "input".into(),
                expected: "--tensor FILE:NAME or --data SET[:split]".into(),
                found: "neither".into(),
            });
        }
    }
    file::write_arrays(&args.out, &sink.arrays)?;
    Ok(())
}

/// What a set says of its samples beside their numbers.
fn describe(arrays: &mut Arrays, set: &dyn Dataset) {
    // Pictures that lie in no class have no labels.
    let labelled = !set.classes().is_empty();
    arrays.labels = labelled.then(|| dataset::labels(set));
    arrays.class_names = set.classes().to_vec();
    arrays.groups = dataset::groups(set);
    let ids = (0..set.len()).map(|index| set.id(index));
    arrays.ids = ids.collect::<Option<_>>().unwrap_or_default();
}

/// Refuses to write over the model's weights, the tensor or the mask.
fn apart(args: &ExtractArgs) -> Result<(), CliError> {
    // FILE:NAME names a tensor in a file; a name may hold colons, and so may a file.
    let files = |text: &str| -> Vec<PathBuf> {
        let cuts = text.match_indices(':').map(|(at, _)| at);
        cuts.chain([text.len()])
            .map(|at| PathBuf::from(&text[..at]))
            .collect()
    };
    let given = [
        ("--model", Some(args.model.as_str())),
        ("--tensor", args.tensor.as_deref()),
        ("--mask", args.mask.as_deref()),
        ("--texts", args.text.texts.as_deref()),
    ];
    for (flag, text) in given {
        for path in text.map(files).unwrap_or_default() {
            out::apart("--out", &args.out, [(flag, path.as_path())])?;
        }
    }
    Ok(())
}

/// Tells what multiplies bf16 numbers on the processor, where they are asked for.
fn tell_products(dtype: DType, device: &Device) {
    if !precision::rounds_products(device, dtype) {
        return;
    }
    match precision::Unit::best().name() {
        Some(name) => eprintln!("bf16: products by {name}, sums and all else in single precision"),
        None => eprintln!(
            "bf16: this processor multiplies no such numbers; operands of products are rounded, nothing is faster"
        ),
    }
}

/// Tells where windows are a guess: a checkpoint of timm's that does not say for which size it was
/// built, given another size than the one that was inferred.
fn tell_windows(model: &Model, input: &Input) {
    let (Windows::Timm { grid: None }, Input::Samples(_, [.., height, width])) =
        (model.windows(), input)
    else {
        return;
    };
    if model
        .config
        .image_size()
        .is_some_and(|side| [side; 2] != [*height, *width])
    {
        eprintln!(
            "windows: nothing tells for which size this checkpoint was built; taken as built for {height} × {width}"
        );
    }
}

/// Collects outputs; tells the error of half precision on the first batch.
struct Sink<'a> {
    wanted: &'a [Output],
    arrays: Arrays,
    reference: Option<Model>,
}

impl Sink<'_> {
    fn take(&mut self, model: &Model, input: Input) {
        let reference = self
            .reference
            .take()
            .map(|model| outputs(&model.network, input.clone(), self.wanted));
        let found = outputs(&model.network, input, self.wanted);
        for (i, (name, (shape, values))) in found.into_iter().enumerate() {
            if let Some(reference) = &reference {
                tell_error(&name, &values, &reference[i].1);
            }
            self.arrays.append(&name, &shape, values);
        }
    }
}

/// Tells the error of the first samples.
fn tell_error(name: &str, found: &[f32], want: &Values) {
    let error = relative_error(found, want);
    eprintln!("{name}: largest error against single precision {error:.1e} of the largest value");
}

/// Infinite if anything overflowed: `max` alone would pass over what is no number.
fn relative_error(found: &[f32], (_, want): &Values) -> f32 {
    let scale = want.iter().fold(f32::MIN_POSITIVE, |a, v| a.max(v.abs()));
    let errors = found.iter().zip(want).map(|(x, y)| (x - y).abs());
    errors.fold(
        0.0f32,
        |a, e| if e.is_nan() { f32::INFINITY } else { a.max(e) },
    ) / scale
}

/// What a model says about images.
pub struct Pooled {
    /// Pooled features `[N, D]`.
    pub features: Array2<f32>,
    /// Classes and their names, where the images are a dataset.
    pub labels: Option<(Vec<usize>, Vec<String>)>,
    /// Which samples belong together, where the images are a dataset of groups.
    pub groups: Option<Vec<usize>>,
    /// Hash of the model's weights.
    pub sha256: String,
    /// How pictures were prepared, where the images are a dataset.
    pub preprocess: Option<Preprocess>,
    /// Side in pixels of the model's square input, where the images are a dataset.
    pub image_size: Option<usize>,
}

/// The pooled outputs of a model for the images that `flag` names: a dataset as
/// `extract --data` takes it, or a tensor as `extract --tensor` does.
pub fn pooled(
    name: &str,
    opening: &Opening,
    (flag, images): (&str, &str),
    data: Option<&Path>,
    device: &Device,
) -> Result<Pooled, CliError> {
    let loaded = load::opened(open(name, opening)?.files, device, DType::F32)?;
    tell(&loaded.notes);
    let model = &loaded.model;
    let stage = Stage::waiting(&format!("asking {name}"));
    let asked = Asked {
        flag,
        images,
        data,
        broken: Broken::Refuse,
        side: opening.image_size,
    };
    let (mut preprocess, mut image_size, mut groups) = (None, None, None);
    let found = if asked.is_set() {
        let opened = open_set(&asked, name, model)?;
        (preprocess, image_size) = (Some(opened.how), Some(opened.side));
        let (network, set) = (&model.network, opened.set);
        groups = dataset::groups(set.as_ref());
        if set.classes().is_empty() {
            let rows = extract::rows(&network.embedder, &network.encoder, set, device)?;
            (rows, None)
        } else {
            let set = extract::features(&network.embedder, &network.encoder, set, device)?;
            let (features, labels, names) = set.into_parts();
            (features, Some((labels, names)))
        }
    } else {
        let input = read_input(flag, images, None, model)?;
        let (mut values, mut shape) = (Vec::new(), [0, 0]);
        for part in batches_of(input, model) {
            for (_, (own, rows)) in outputs(&model.network, part, &[Output::Pooled]) {
                shape = [shape[0] + own[0], own[1]];
                values.extend(rows);
            }
        }
        let count = values.len();
        let features = Array2::from_shape_vec(shape, values).map_err(|_| CliError::Usage {
            what: flag.into(),
            expected: format!("{shape:?} features"),
            found: count.to_string(),
        })?;
        (features, None)
    };
    stage.clear();
    Ok(Pooled {
        features: found.0,
        labels: found.1,
        groups,
        sha256: loaded.sha256,
        preprocess,
        image_size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overflow_is_an_infinite_error() {
        let want = (vec![2], vec![1.0, -4.0]);
        assert_eq!(relative_error(&[1.0, -2.0], &want), 0.5);
        for bad in [f32::NAN, f32::INFINITY] {
            assert_eq!(relative_error(&[bad, -4.0], &want), f32::INFINITY);
        }
    }
}
