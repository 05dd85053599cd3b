//! `modalign cka --layers`: how far the layers of one encoder agree with those of another, every one with every one.

use super::{align_files, contents, subject, together};
use crate::cli::args::CkaArgs;
use crate::cli::error::CliError;
use crate::cli::measure::{count, page};
use crate::cli::print;
use crate::cli::progress::Stage;
use crate::cli::words::{columns, print_json, tell};
use crate::feature::file::{self, Choice, Contents};
use crate::measure::encoder::cka::{CKA, Cka, cka_of_all};
use ndarray::{Array2, ArrayView2};
use serde_json::json;
use std::path::Path;
use std::time::Instant;

/// Runs the command.
pub fn run(args: &CkaArgs) -> Result<(), CliError> {
    let files = [&args.first, &args.second];
    let [first, second] = [file::layers(files[0])?, file::layers(files[1])?];
    let embedded = [
        layer(args, files[0], &first[0])?,
        layer(args, files[1], &second[0])?,
    ];
    // Told once: what is said of the first layers holds for all.
    for (path, contents) in files.iter().zip(&embedded) {
        let said = path.display().to_string();
        contents.told().iter().for_each(|told| tell(&said, told));
    }
    let samples = together(&embedded)?.labels.len();
    let stage = Stage::waiting("comparing layers");
    let begun = Instant::now();
    let xs = aligned(args, &first, &embedded, 0)?;
    let ys = aligned(args, &second, &embedded, 1)?;
    let found = cka_of_all(&views(&xs), &views(&ys));
    stage.clear();
    let found = found.map_err(|error| CliError::of_measure(subject(args, &error))(error))?;
    let seconds = begun.elapsed().as_secs_f64();
    let values = |of: fn(&Cka) -> Option<f64>| -> Vec<Vec<Option<f64>>> {
        let row = |row: ndarray::ArrayView1<Option<Cka>>| {
            row.iter().map(|one| of(one.as_ref()?)).collect()
        };
        found.outer_iter().map(row).collect()
    };
    let value = values(|cka| cka.debiased);
    if args.json {
        let widths = |of: &[Array2<f32>]| of.iter().map(Array2::ncols).collect::<Vec<_>>();
        return print_json(&json!({
            "value": value,
            "biased": values(|cka| Some(cka.biased)),
            "layers": [first, second],
            "features": [widths(&xs), widths(&ys)],
            "samples": samples,
            "seconds": seconds,
        }));
    }
    let about = &CKA.about;
    let head = format!("{} of layers: A down, B across", about.title);
    let mut rows = vec![[vec![String::new()], second.clone()].concat()];
    rows.extend(first.iter().zip(&value).map(|(name, row)| {
        let shown = |value: &Option<f64>| value.map_or("–".into(), |v| about.unit.show(v));
        [vec![name.clone()], row.iter().map(shown).collect()].concat()
    }));
    let right: Vec<usize> = (1..=second.len()).collect();
    let facts = [("samples", count(samples, "sample"))];
    let text = format!(
        "{}\n{}",
        page(&head, &facts, seconds),
        columns(&rows, &right, "  ")
    );
    print(text.as_bytes())
}

/// A layer of a file.
fn layer(args: &CkaArgs, path: &Path, name: &str) -> Result<Contents, CliError> {
    let choice = Choice {
        features: Some(name.into()),
        ..args.columns.choice()
    };
    contents(path, &choice)
}

/// The layers of one side, one after the other; rows are in the order of the first file.
fn aligned(
    args: &CkaArgs,
    names: &[String],
    embedded: &[Contents; 2],
    side: usize,
) -> Result<Vec<Array2<f32>>, CliError> {
    let path = [&args.first, &args.second][side];
    let labelled = embedded.iter().all(|file| file.labels().is_some());
    let one = |name: &String| {
        let mut both = embedded.clone();
        both[side] = layer(args, path, name)?;
        let mut shared = align_files(&both, labelled)?;
        Ok(shared.encoders.swap_remove(side).features)
    };
    names.iter().map(one).collect()
}

fn views(of: &[Array2<f32>]) -> Vec<ArrayView2<'_, f32>> {
    of.iter().map(Array2::view).collect()
}
