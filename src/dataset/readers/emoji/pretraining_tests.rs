//! The drawings of a small folder of emoji beside a small CIFAR-100.

use super::super::tests::folder;
use super::*;
use crate::dataset::open as open_set;
use crate::dataset::readers::cifar::write_hundred;
use crate::suite::dataset::DatasetSpec;

#[test]
fn all_drawings_have_their_subgroup_too_and_a_quarter_of_the_pairs_are_photographs() {
    let home = folder();
    write_hundred(home.path(), 300);
    let spec = DatasetSpec::new("source", "Source", "emoji-pretraining");
    let splits = open_set(&spec, Some(home.path()), 0).unwrap();
    let train = splits.train.as_ref();
    // Forty drawings of three captions each; the photographs are a third of these.
    assert_eq!(
        (train.len(), train.target_shape()),
        (40 + 40, TargetShape::Captions)
    );
    let pairs: usize = (0..train.len()).map(|i| train.captions(i).len()).sum();
    assert_eq!(pairs, 4 * 40);
    let first = ["thing 0", "a thing", "a photo of a place other."];
    assert_eq!(train.captions(0), first);
    assert_eq!(train.captions(39)[2], "a photo of a rare.");
    let mut classes: Vec<&String> = (40..80).map(|i| &train.captions(i)[0]).collect();
    assert!(classes[0].starts_with("a photo of a 0"), "{classes:?}");
    classes.sort();
    classes.dedup();
    assert_eq!(classes.len(), 40, "photographs are balanced over classes");
    let mut out = vec![0.0; 3 * 32 * 32];
    (0..80).for_each(|i| train.read(i, &mut out).unwrap());
    assert!(train.read(80, &mut out).is_err() && train.captions(80).is_empty());
    // What judges are Noto's drawings with their own captions.
    assert_eq!([splits.valid.len(), splits.test.len()], [10, 10]);
    assert_eq!(splits.test.captions(1), ["thing 6", "a thing"]);
    assert!(splits.test.id(1).unwrap().starts_with("noto/"));
    let note = &splits.notes[0];
    assert!(note.contains("among the drawings"), "{note}");
}

#[test]
fn without_photographs_what_is_missing_is_said() {
    let home = folder();
    let spec = DatasetSpec::new("source", "Source", "emoji-pretraining");
    let error = open_set(&spec, Some(home.path()), 0).err().unwrap();
    assert!(error.to_string().contains("cifar"), "{error}");
    let files: Vec<&str> = crate::dataset::readers::manifests_of(&spec)
        .map(|manifest| manifest.name.as_str())
        .collect();
    assert_eq!(files, ["emoji", "cifar100"]);
}
