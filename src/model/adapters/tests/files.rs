//! Tunings as files: out and in again, and what is refused.

use super::*;
use crate::model::adapters::files;
use crate::model::state::{state, trains};
use crate::model::weights::{Dtype, Outgoing, write_tensors};
use burn::module::Module;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

#[test]
fn every_tuning_comes_back_byte_for_byte() {
    let home = tempfile::tempdir().unwrap();
    let [first, again] = ["a.safetensors", "b.safetensors"].map(|name| home.path().join(name));
    for dtype in [DType::F32, DType::F64] {
        let of = loaded(dtype);
        for settings in kinds() {
            let tuning = fresh(&of, settings);
            tuning.clone().train().save(&first).unwrap();
            let says = Weights::open(&first).unwrap().metadata().unwrap();
            assert_eq!(says["tuning"], settings.name());
            assert_eq!(says["settings"], settings.json().to_string());
            assert_eq!(says["format"], "pt");
            for asked in [None, Some(settings)] {
                let found = Tuning::load(&first, &of.config, &of.towers, asked).unwrap();
                assert_eq!(found.settings(), settings);
                assert_eq!(state(&found), state(&tuning), "{settings:?}");
                found.save(&again).unwrap();
                let read = |path: &Path| std::fs::read(path).unwrap();
                assert_eq!(read(&first), read(&again), "{settings:?}");
                assert!(trains(&found.train()), "{settings:?}");
            }
        }
    }
}

#[test]
fn another_tuning_than_asked_is_refused() {
    let (of, home) = (loaded(DType::F32), tempfile::tempdir().unwrap());
    let path = home.path().join("tuning.safetensors");
    fresh(&of, Settings::LowRank(LOW_RANK)).save(&path).unwrap();
    for asked in [
        Settings::Whole(Nothing {}),
        Settings::LowRank(LowRankSettings {
            rank: 4,
            ..LOW_RANK
        }),
    ] {
        let told = Tuning::load(&path, &of.config, &of.towers, Some(asked));
        let told = told.err().unwrap().to_string();
        assert!(
            told.contains(asked.name()) && told.contains("\"rank\":3"),
            "{told}"
        );
    }
}

/// As the released code has them.
const RELEASED: HarmaShape = HarmaShape {
    form: Form::Released,
    share: Share::Text,
    ..HARMA
};

/// The tensors and the metadata of a file, changed and written again.
fn changed(
    from: &Path,
    to: &Path,
    change: impl Fn(&mut BTreeMap<String, Array>, &mut HashMap<String, String>),
) {
    let weights = Weights::open(from).unwrap();
    let mut arrays: BTreeMap<String, Array> = weights
        .names()
        .map(|name| (name.to_string(), weights.read(name).unwrap()))
        .collect();
    let mut says = weights.metadata().unwrap().into_iter().collect();
    change(&mut arrays, &mut says);
    let all = arrays.iter().map(|(name, array)| {
        Outgoing::floats(name.clone(), Dtype::F32, array.shape.clone(), &array.values)
    });
    write_tensors(to, all, says).unwrap();
}

#[test]
fn tensors_and_words_that_do_not_fit_are_refused() {
    type Arrays = BTreeMap<String, Array>;
    type Says = HashMap<String, String>;
    type Change<'c> = &'c dyn Fn(&mut Arrays, &mut Says);
    let (of, home) = (loaded(DType::F32), tempfile::tempdir().unwrap());
    let [own, wrong] = ["a.safetensors", "b.safetensors"].map(|name| home.path().join(name));
    let tuning = fresh(&of, Settings::Bottleneck(BottleneckSettings { width: 6 }));
    tuning.save(&own).unwrap();
    let name = "text.1.up.weight";
    let cases: [(Change, &str); 8] = [
        (
            &|all, _| drop(all.remove(name)),
            "missing (1): text.1.up.weight",
        ),
        (
            &|all, _| {
                let array = all[name].clone();
                all.insert("text.2.up.weight".into(), array);
            },
            "unexpected (1): text.2.up.weight",
        ),
        (
            &|all, _| all.get_mut(name).unwrap().shape.reverse(),
            "text.1.up.weight: expected [32, 6], found [6, 32]",
        ),
        (
            &|_, says| drop(says.insert("tuning".into(), "lora".into())),
            "one of untouched",
        ),
        (
            &|_, says| drop(says.insert("settings".into(), "{".into())),
            "settings",
        ),
        (
            &|_, says| drop(says.insert("settings".into(), "{\"width\":7}".into())),
            "expected [7, 40], found [6, 40]",
        ),
        (
            &|_, says| drop(says.insert("settings".into(), "{\"width\":0}".into())),
            "width",
        ),
        (&|_, says| drop(says.remove("tuning")), "neither"),
    ];
    for (change, part) in cases {
        changed(&own, &wrong, change);
        let told = Tuning::load(&wrong, &of.config, &of.towers, None);
        let told = told.err().unwrap().to_string();
        assert!(
            told.contains(part) && told.contains("b.safetensors"),
            "{told}"
        );
    }
}

#[test]
fn a_file_of_the_released_code_says_nothing_and_may_have_its_backbone() {
    let (of, home) = (loaded(DType::F32), tempfile::tempdir().unwrap());
    let [own, whole] = ["a.safetensors", "b.safetensors"].map(|name| home.path().join(name));
    let (harma, asked) = (fresh(&of, Settings::Harma(HARMA)), Settings::Harma(HARMA));
    let Tuning::Harma(adapters) = &harma else {
        panic!("{}", harma.name());
    };
    files::save(adapters, &own).unwrap();
    let backbone = |all: &mut BTreeMap<String, Array>, _: &mut HashMap<String, String>| {
        let array = all["temp"].clone();
        all.insert("model.logit_scale".into(), array);
    };
    changed(&own, &whole, backbone);
    for path in [&own, &whole] {
        let found = Tuning::load(path, &of.config, &of.towers, Some(asked)).unwrap();
        assert_eq!(state(&found), state(&harma));
        assert!(trains(&found.train()));
        assert!(Tuning::load(path, &of.config, &of.towers, None).is_err());
    }
    // A file that says that it is the tuning alone has nothing else.
    harma.save(&own).unwrap();
    let names = |path: &Path| -> Vec<String> {
        let weights = Weights::open(path).unwrap();
        weights.names().map(String::from).collect()
    };
    assert!(names(&own).contains(&"temp".to_string()));
    changed(&own, &whole, backbone);
    let told = Tuning::load(&whole, &of.config, &of.towers, None);
    let told = told.err().unwrap().to_string();
    assert!(told.contains("unexpected (1): model.logit_scale"), "{told}");
}

#[test]
fn adapters_survive_a_file_alone() {
    let (device, home) = (Device::flex(), tempfile::tempdir().unwrap());
    let config = loaded(DType::F32).config;
    let path = home.path().join("adapters.safetensors");
    let fresh = Harma::new(&config, RELEASED, 3, &device, DType::F32).unwrap();
    files::save(&fresh, &path).unwrap();
    let (again, others) = files::load(&path, &config, RELEASED, &device, DType::F32).unwrap();
    assert_eq!((state(&again), others), (state(&fresh), 0));
    let weights = Weights::open(&path).unwrap();
    assert_eq!(weights.shape("temp"), Some(&[][..]));
    let gate = "model.visual.transformer.resblocks.0.gate1";
    assert_eq!(weights.shape(gate), Some(&[][..]));
}

#[test]
fn another_width_or_a_backbone_alone_is_refused() {
    let (device, home) = (Device::flex(), tempfile::tempdir().unwrap());
    let config = loaded(DType::F32).config;
    let path = home.path().join("adapters.safetensors");
    files::save(
        &Harma::new(&config, RELEASED, 3, &device, DType::F32).unwrap(),
        &path,
    )
    .unwrap();
    let wide = HarmaShape {
        rank: 32,
        ..RELEASED
    };
    let told = files::load(&path, &config, wide, &device, DType::F32)
        .err()
        .unwrap()
        .to_string();
    assert!(told.contains("img_proj_down"), "{told}");
    let backbone = fixture::path("harma").join("model.safetensors");
    let told = files::load(&backbone, &config, RELEASED, &device, DType::F32)
        .err()
        .unwrap()
        .to_string();
    assert!(told.contains("mmadapter"), "{told}");
}
