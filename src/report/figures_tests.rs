//! Tests of figures as their users see them: a folder of tables goes in, files come out. The
//! fixture tables hold invented numbers (`tests/fixtures/tables/make.py`).

use std::path::{Path, PathBuf};

use super::figures::{draw, figure};
use crate::figure::{FigureError, Format, font, scene};
use crate::table::{Row as _, *};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tables")
}

/// A copy of the fixture tables that a test may spoil.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(fixtures()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    folder
}

fn spoil(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} lacks {from}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn same_tables_give_the_same_bytes() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let written = draw(&fixtures(), first.path(), &Format::ALL, None).unwrap();
    assert_eq!(
        written.len(),
        18,
        "geometry needs several epochs, the matching its means, stage 1 its table"
    );
    draw(&fixtures(), second.path(), &Format::ALL, None).unwrap();
    for path in written {
        let name = path.file_name().unwrap();
        let again = std::fs::read(second.path().join(name)).unwrap();
        assert!(
            std::fs::read(&path).unwrap() == again,
            "{name:?} differs between two drawings"
        );
    }
}

#[test]
fn png_has_four_device_pixels_to_the_css_pixel() {
    let figure = figure("probe", &fixtures()).unwrap();
    let bytes = figure.png().unwrap();
    let mut reader = png::Decoder::new(bytes.as_slice()).read_info().unwrap();
    let size = (reader.info().width, reader.info().height);
    let expected = (
        (figure.whole.width * 4.0).ceil() as u32,
        (figure.whole.height * 4.0).ceil() as u32,
    );
    assert_eq!(size, expected);
    let mut pixels = vec![0; reader.output_buffer_size()];
    reader.next_frame(&mut pixels).unwrap();
    let dark = pixels
        .chunks(3)
        .filter(|pixel| pixel.iter().all(|value| *value < 64))
        .count();
    assert!(dark > 1000, "only {dark} pixels of ink: text is missing");
}

#[test]
fn svg_is_exact_and_carries_its_font() {
    let svg = figure("tsne", &fixtures()).unwrap().svg().unwrap();
    assert!(svg.contains("@font-face") && svg.contains("data:font/otf;base64,"));
    assert!(
        !svg.contains("http://") || svg.matches("http://").count() == 1,
        "only the namespace"
    );
    assert!(
        svg.contains(r#"paint-order="stroke""#),
        "class labels have a rim"
    );
}

#[test]
fn hostile_names_come_out_inert() {
    let folder = copy();
    let evil = "</text><script>alert(1)</script><img onerror=x>\u{202e}&amp;";
    spoil(folder.path(), "tsne.csv", "disc", evil);
    spoil(folder.path(), "tsne.csv", "Pretrained", evil);
    spoil(
        folder.path(),
        "probe.csv",
        "Sound",
        "\"A \"\"quoted\"\" <b>name</b>\"",
    );
    for name in ["tsne", "probe"] {
        let figure = figure(name, folder.path()).unwrap();
        for svg in figure
            .panel_svgs()
            .unwrap()
            .iter()
            .chain([&figure.svg().unwrap()])
        {
            for tag in ["<script", "<img", "<b>", "\u{202e}"] {
                assert!(!svg.contains(tag), "figure {name} lets {tag:?} through");
            }
        }
    }
}

#[test]
fn missing_table_is_not_run() {
    let folder = copy();
    std::fs::remove_file(folder.path().join("discrepancy.csv")).unwrap();
    let out = tempfile::tempdir().unwrap();
    let written = draw(folder.path(), out.path(), &[Format::Svg], None).unwrap();
    assert_eq!(written.len(), 8, "the other figures are still drawn");
    let error = draw(
        folder.path(),
        out.path(),
        &[Format::Svg],
        Some(&["discrepancy".into()]),
    )
    .unwrap_err();
    assert!(
        matches!(
            error,
            FigureError::Table(TableError::NotRun {
                table: "discrepancy.csv",
                ..
            })
        ),
        "{error}"
    );
}

#[test]
fn missing_column_names_file_column_expected_and_found() {
    let folder = copy();
    spoil(folder.path(), "probe.csv", ",error,", ",mistake,");
    let error = figure("probe", folder.path()).unwrap_err().to_string();
    for part in ["probe.csv", "`error`", "expected", "mistake"] {
        assert!(error.contains(part), "{error:?} lacks {part}");
    }
    assert!(
        figure("tsne", folder.path()).is_err(),
        "a broken table is not the same as an absent one"
    );
}

#[test]
fn wrong_cell_names_its_line() {
    let folder = copy();
    spoil(folder.path(), "discrepancy.csv", "0.412000", "much");
    let error = figure("discrepancy", folder.path())
        .unwrap_err()
        .to_string();
    for part in ["line 2", "`value`", "a finite number", "`much`"] {
        assert!(error.contains(part), "{error:?} lacks {part}");
    }
}

#[test]
fn numbers_that_are_no_numbers_are_refused() {
    for bad in ["NaN", "inf", "-inf", ""] {
        let folder = copy();
        spoil(folder.path(), "discrepancy.csv", "0.412000", bad);
        assert!(
            figure("discrepancy", folder.path()).is_err(),
            "{bad:?} was drawn"
        );
    }
}

#[test]
fn empty_and_extreme_tables_do_not_panic() {
    let folder = copy();
    let header = TsneRow::COLUMNS.join(",");
    let rows = |body: &str| {
        std::fs::write(folder.path().join("tsne.csv"), format!("{header}\n{body}")).unwrap();
        figure("tsne", folder.path())
    };
    assert!(rows("").is_err(), "no rows, no figure");
    for body in [
        "a,A,0,0,0,one,,,\n",
        "a,A,1e308,-1e308,0,one,,,\na,A,-1e308,1e308,1,two,-,NaN,-\n",
        "a,,5,5,18446744073709551615,,,,\n",
    ] {
        let figure = rows(body).unwrap();
        assert!(!figure.svg().unwrap().contains("NaN"));
        figure.png().unwrap();
    }
}

#[test]
fn several_epochs_become_small_multiples() {
    let folder = copy();
    let path = folder.path().join("probe.csv");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (target, title) in [("emg", "EMG gestures"), ("sound", "Sound")] {
        for epoch in [0, 1, 2, 5] {
            text += &format!("{target},{title},nft,0,{epoch},0.15,0.13,0.17,0.3,4000,1000\n");
        }
    }
    std::fs::write(&path, text).unwrap();
    let figure = figure("probe", folder.path()).unwrap();
    assert_eq!(figure.panels.len(), 5, "four targets and the key");
}

#[test]
fn a_method_far_from_all_others_is_named_and_not_drawn() {
    let folder = copy();
    let path = folder.path().join("probe.csv");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (method, error) in [("nft", 0.15), ("emb", 0.14), ("scratch", 0.62)] {
        for epoch in [0, 1, 2] {
            text += &format!("emg,EMG gestures,{method},0,{epoch},{error},,,0.3,4000,1000\n");
        }
    }
    std::fs::write(&path, text).unwrap();
    let svg = figure("probe", folder.path()).unwrap().svg().unwrap();
    assert!(svg.contains("From scratch (62.0 to 62.0, off scale)"));
    let says = |text: &str| {
        svg.lines()
            .any(|line| line.trim_end_matches("</text>") == text)
    };
    assert!(!says("60"), "the axis does not reach there");
}

#[test]
fn geometry_over_epochs_becomes_two_panels_a_target() {
    let folder = copy();
    let error = figure("geometry", folder.path()).unwrap_err().to_string();
    assert!(error.contains("probe_epochs"), "{error}");
    let path = folder.path().join("geometry.csv");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (target, title) in [("emg", "EMG gestures"), ("sound", "Sound")] {
        for epoch in [0, 1, 5] {
            text += &format!("{target},{title},nft,0,{epoch},0.4{epoch},-2.{epoch}\n");
        }
    }
    std::fs::write(&path, text).unwrap();
    let figure = figure("geometry", folder.path()).unwrap();
    assert_eq!(figure.panels.len(), 9, "four targets twice and the key");
    assert!(!figure.svg().unwrap().contains("NaN"));
}

#[test]
fn paired_differences_name_their_baseline_and_mark_clear_ones() {
    let figure = figure("paired", &fixtures()).unwrap();
    assert_eq!(figure.panels.len(), 2, "source error and target error");
    let svg = figure.svg().unwrap();
    assert!(svg.contains("difference to NFT"), "the baseline is named");
    assert!(svg.contains("\u{2212}"), "fewer errors have a minus sign");
}

#[test]
fn every_seed_of_a_difference_is_a_mark_of_its_own() {
    let folder = copy();
    let dots = || {
        let figure = figure("paired", folder.path()).unwrap();
        let dot = |mark: &&scene::Mark| matches!(mark, scene::Mark::Dot { .. });
        let count = |panel: &scene::Scene| panel.marks().iter().filter(dot).count();
        (count(&figure.panels[0]), count(&figure.panels[1]))
    };
    let before = dots();
    let row = PairedRow::read(folder.path()).unwrap().swap_remove(0);
    let mut text =
        "target,target_title,method,baseline,quantity,seed,method_value,baseline_value\n"
            .to_owned();
    for (quantity, seeds) in [("source-error", 3), ("target-error", 1)] {
        for seed in 0..seeds {
            text += &format!(
                "{},x,{},{},{quantity},{seed},0.2{seed},0.3\n",
                row.target, row.method, row.baseline
            );
        }
    }
    std::fs::write(folder.path().join("seeds.csv"), text).unwrap();
    assert_eq!(
        dots(),
        (before.0 + 3, before.1),
        "one seed is the mean already"
    );
}

#[test]
fn stage_1_is_drawn_where_a_method_looks_at_the_source() {
    let folder = copy();
    let head =
        "target,target_title,method,seed,epoch,inner,align,uniform,outer_share,otdd,converged\n";
    let path = folder.path().join("stage1.csv");
    let rows = |epochs: u64| {
        let row = |epoch: u64| {
            format!(
                "emg,EMG,emb,0,{epoch},1.5,,,,,\nemg,EMG,mona,0,{epoch},1.5,0.{epoch},-2.{epoch},0.1,,\n"
            )
        };
        head.to_owned() + &(1..=epochs).map(row).collect::<String>()
    };
    std::fs::write(&path, rows(1)).unwrap();
    let error = figure("stage1", folder.path()).unwrap_err();
    assert!(
        matches!(
            error,
            FigureError::NotMeasured {
                figure: "stage1",
                ..
            }
        ),
        "{error}"
    );
    std::fs::write(&path, rows(3)).unwrap();
    let drawn = figure("stage1", folder.path()).unwrap();
    assert_eq!(
        drawn.panels.len(),
        3,
        "both quantities of one target and the key"
    );
    let label = &drawn.panels[0].label;
    assert!(label.ends_with("lines for MoNA"), "{label}");
}

#[test]
fn a_difference_off_the_axis_ends_in_an_arrow() {
    let folder = copy();
    let path = folder.path().join("paired.csv");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for quantity in ["source-error", "target-error"] {
        text += &format!(
            "emg,EMG,scratch,nft,{quantity},0.6,0.2,0.4,0.38,0.42,0.001,0.01,higher,3,1000,1000\n"
        );
    }
    std::fs::write(&path, text).unwrap();
    let svg = figure("paired", folder.path()).unwrap().svg().unwrap();
    let says = |text: &str| {
        svg.lines()
            .any(|line| line.trim_end_matches("</text>") == text)
    };
    assert!(says("+40.0") && says("→"));
    assert!(!says("40"), "the axis does not reach there");
}

#[test]
fn unknown_figure_is_an_error() {
    assert!(matches!(
        figure("0", &fixtures()),
        Err(FigureError::UnknownFigure { .. })
    ));
    let error = figure("tnse", &fixtures()).unwrap_err().to_string();
    assert!(
        error.contains("1 (tradeoff)") && error.contains("3 (tsne)"),
        "{error}"
    );
    assert!("pdf".parse::<Format>().is_err());
}

#[test]
fn widths_follow_the_font() {
    let wide = font::width("mmmm", 10.0, font::Weight::Regular);
    let narrow = font::width("iiii", 10.0, font::Weight::Regular);
    assert!(wide > 3.0 * narrow && wide < 40.0);
    assert!(font::fit("a long title indeed", 10.0, font::Weight::Regular, 40.0).ends_with('…'));
}

#[test]
fn numbers_and_names_draw_the_same_file_and_old_numbers_leave() {
    let (folder, out) = (copy(), tempfile::tempdir().unwrap());
    let asked = |name: &str| {
        let only = [name.to_owned()];
        draw(folder.path(), out.path(), &[Format::Svg], Some(&only)).unwrap()
    };
    assert_eq!(asked("tsne"), asked("3"));
    assert_eq!(asked("tsne"), [out.path().join("fig3.svg")]);
    // What has no table any more keeps no file of an earlier state.
    std::fs::remove_file(folder.path().join("tsne.csv")).unwrap();
    std::fs::write(out.path().join("fig3.txt"), "mine").unwrap();
    draw(folder.path(), out.path(), &[Format::Svg], None).unwrap();
    assert!(!out.path().join("fig3.svg").exists() && out.path().join("fig3.txt").exists());
}
