use super::*;
use crate::dataset::images;
use crate::fixture;
use crate::suite::preprocess::{Interpolation, Resize};

fn photo() -> images::Picture {
    images::decode(&fixture::path("preprocess/pictures/photo.png")).unwrap()
}

#[test]
fn every_filter_gives_pils_grey_levels() {
    let picture = photo();
    for size in [[20, 30], [74, 53], [37, 80], [8, 100]] {
        for number in 0..6 {
            let name = format!("{}x{}-{number}", size[0], size[1]);
            let want = fixture::npz("preprocess/resized.npz", &name);
            let filter = Interpolation::of_number(number).unwrap();
            let got = pil::resize(&picture.planes, picture.header.size, size, filter);
            assert_eq!(got.len(), want.len());
            let apart = got
                .iter()
                .zip(&want)
                .map(|(a, b)| (f64::from(*a) - b).abs());
            assert_eq!(apart.fold(0.0, f64::max), 0.0, "{name}");
        }
    }
}

#[test]
fn a_mean_for_other_channels_and_a_deviation_of_zero_are_refused() {
    let mut how = Preprocess::guess(32);
    assert!(Lens::new(&how, 3, "x").is_ok());
    let said = Lens::new(&how, 1, "x").unwrap_err().to_string();
    assert!(said.contains("1 numbers, one a channel"), "{said}");
    how.std = vec![0.0];
    assert!(Lens::new(&how, 3, "x").is_err());
    how.std = vec![2.0];
    how.mean = vec![0.5];
    assert!(Lens::new(&how, 1, "x").is_ok());
}

#[test]
fn pixels_that_were_bytes_come_back_as_bytes() {
    // All 256 levels through a set of floats: what Cifar gives without constants.
    let values: Vec<f32> = (0..256).map(|byte| byte as f32 / 255.0).collect();
    let set = crate::dataset::InMemory::new([1, 16, 16], vec!["a".into()], vec![0], values);
    let set: Arc<dyn Dataset> = Arc::new(set.unwrap());
    let splits = Splits::new(set.clone(), set.clone(), set);
    let how = Preprocess {
        resize: Resize::None,
        crop: None,
        scale: 1.0,
        mean: vec![0.0],
        std: vec![1.0],
        ..Preprocess::guess(16)
    };
    let opened = Pictured::splits(&splits, &how, "x").unwrap();
    let mut out = vec![0.0; 256];
    opened.train.read(0, &mut out).unwrap();
    assert!(out.iter().enumerate().all(|(i, v)| *v == i as f32));
}
