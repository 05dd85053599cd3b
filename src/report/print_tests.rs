//! The report's figures on paper and on dark screens.

use super::figure;
use crate::figure::Figure;
use crate::figure::palette::{self, PAPER, Theme};
use crate::figure::print::{Print, Width, columns as columns_of};
use std::path::Path;

fn drawn(name: &str, print: Print) -> Figure {
    let tables = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tables");
    figure(name, &tables).unwrap().printed(print)
}

fn wide(millimetres: f64) -> Print {
    Print {
        width: Some(Width::new(millimetres).unwrap()),
        ..Print::default()
    }
}

#[test]
fn a_print_has_its_width_to_the_pixel_and_text_that_can_be_read() {
    for name in [
        "flow",
        "tsne",
        "probe",
        "discrepancy",
        "training",
        "paired",
        "cka",
        "tradeoff",
    ] {
        for millimetres in [84.0, 174.0, 57.5] {
            let figure = drawn(name, wide(millimetres));
            let svg = figure.svg().unwrap();
            assert!(svg.starts_with(&format!("<svg width=\"{millimetres}mm\" height=\"")));
            let bytes = figure.png().unwrap();
            let reader = png::Decoder::new(bytes.as_slice()).read_info().unwrap();
            let info = reader.info();
            let density = info.pixel_dims.unwrap().xppu;
            assert!(f64::from(density) > 300.0 / 0.0254, "{density} a metre");
            let shown = f64::from(info.width) * 1000.0 / f64::from(density);
            assert!((shown - millimetres).abs() < 0.01, "{shown} mm");
            // The flow is one panel and a little small at 84 mm.
            let smallest = figure.smallest_text().unwrap();
            assert!(millimetres < 84.0 || smallest > 5.6, "{smallest} pt");
            assert_eq!(svg, drawn(name, wide(millimetres)).svg().unwrap());
        }
    }
}

#[test]
fn columns_follow_the_width_and_fill_their_rows() {
    let panels = drawn("tsne", Print::default()).panels;
    assert_eq!(panels.len(), 6, "five maps and their key");
    let columns = |mm| columns_of(&panels, Width::new(mm).unwrap());
    assert_eq!([20.0, 84.0, 174.0, 400.0].map(columns), [1, 1, 3, 6]);
    let (five, at) = (&panels[..5], Width::new(230.0).unwrap());
    assert_eq!(columns_of(five, at), 3, "four and one would leave a hole");
}

#[test]
fn a_screen_has_no_colour_of_paper_left_and_paper_is_untouched() {
    let screen = Print {
        theme: Theme::Screen,
        ..Print::default()
    };
    for name in ["tsne", "probe", "discrepancy", "paired", "cka"] {
        let (light, dark) = (drawn(name, Print::default()), drawn(name, screen));
        assert_eq!(dark.whole.paper, Theme::Screen.of(PAPER));
        let (light, dark) = (light.svg().unwrap(), dark.svg().unwrap());
        for (from, to) in palette::dark() {
            assert!(!dark.contains(&from.hex()), "figure {name}: {}", from.hex());
            assert_eq!(light.contains(&from.hex()), dark.contains(&to.hex()));
        }
        assert_eq!(light.len(), dark.len(), "nothing but colours differs");
    }
    assert_eq!(screen.suffix(), "-screen");
    assert_eq!(wide(84.0).suffix(), "-84mm");
    assert_eq!(Print::default().suffix(), "");
}
