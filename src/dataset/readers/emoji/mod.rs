//! Emoji: the same things drawn by four teams of designers, and once more as lines alone, each with five captions.
//!
//! A style is a file of records of 3 × 32 × 32 bytes, one a thing, in the order of `index.csv`; `captions.json` has the texts.
//! What differs between styles is the drawing alone, so a model of one style meets a shift of domain in the others and
//! nothing else. Things, not pictures, are dealt out to the parts: no thing is in two parts in any style.
//!
//! | reader | sample | target |
//! |---|---|---|
//! | `emoji-STYLE` | the picture of a thing | its five captions |
//! | `emoji-unseen` | a picture of a thing in one of the four styles other than Noto, style after style | its five captions |
//! | `emoji-pretraining` | the picture of a thing by Noto, or a photograph | its captions |
//! | `emoji-STYLE-groups` | the picture of a thing of a subgroup with 16 things or more | the subgroup |
//!
//! Nothing is copied: pictures are read from the mapped files.

mod pretraining;
mod things;

pub use pretraining::READER as PRETRAINING;

use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

use super::descriptor::{Asked, Data, Input, Reader};
use crate::dataset::files::{Place, malformed, map};
use crate::dataset::part::Part;
use crate::dataset::{
    Dataset, DatasetError, Display, Normalise, Splits, TargetShape, check_request,
};
use crate::suite::task::TargetKind;
use things::Thing;

const PLACE: Place = Place::of("emoji");
/// Pixels along each side.
const SIDE: usize = 32;
/// Bytes of a record: planes of red, green and blue.
const RECORD: usize = 3 * SIDE * SIDE;
/// The files of the styles: Noto, Twemoji, Fluent, OpenMoji, OpenMoji's lines.
const STYLES: [&str; 5] = [
    "noto.u8",
    "twemoji.u8",
    "fluent3d.u8",
    "openmoji.u8",
    "openmoji_line.u8",
];
/// Things that a subgroup has at least to be a class.
const CLASS: usize = 16;
/// What a group of pictures is.
const UNIT: &str = "thing";

/// Pictures of style `S` with their captions.
const fn captioned<const S: usize>(name: &'static str, title: &'static str) -> Reader {
    Reader {
        name,
        title,
        what: "Drawings of things, 3 × 32 × 32, with five captions each",
        display: Some(Display::Image),
        input: Input::Pictures,
        target: TargetKind::Pairs,
        unit: None,
        data: Data::Published(PLACE.set),
        open: |asked| open(asked, &[S], TargetShape::Captions),
    }
}

/// Pictures of style `S` with their subgroups as classes.
const fn groups<const S: usize>(name: &'static str, title: &'static str) -> Reader {
    Reader {
        what: "Drawings of things, 3 × 32 × 32, of the 34 subgroups with 16 things or more",
        target: TargetKind::Labels,
        open: |asked| open(asked, &[S], TargetShape::Class),
        ..captioned::<S>(name, title)
    }
}

/// The reader `emoji-noto`.
pub const NOTO: Reader = captioned::<0>("emoji-noto", "Emoji: Noto");
/// The reader `emoji-twemoji`.
pub const TWEMOJI: Reader = captioned::<1>("emoji-twemoji", "Emoji: Twemoji");
/// The reader `emoji-fluent`.
pub const FLUENT: Reader = captioned::<2>("emoji-fluent", "Emoji: Fluent");
/// The reader `emoji-openmoji`.
pub const OPENMOJI: Reader = captioned::<3>("emoji-openmoji", "Emoji: OpenMoji");
/// The reader `emoji-line`.
pub const LINE: Reader = captioned::<4>("emoji-line", "Emoji: OpenMoji's lines");
/// The reader `emoji-unseen`.
pub const UNSEEN: Reader = Reader {
    what: "Drawings of things in four styles other than Noto, 3 × 32 × 32, with five captions each",
    unit: Some(UNIT),
    open: |asked| open(asked, &[1, 2, 3, 4], TargetShape::Captions),
    ..captioned::<1>("emoji-unseen", "Emoji: four styles")
};
/// The reader `emoji-noto-groups`.
pub const NOTO_GROUPS: Reader = groups::<0>("emoji-noto-groups", "Emoji: Noto, subgroups");
/// The reader `emoji-twemoji-groups`.
pub const TWEMOJI_GROUPS: Reader = groups::<1>("emoji-twemoji-groups", "Emoji: Twemoji, subgroups");
/// The reader `emoji-fluent-groups`.
pub const FLUENT_GROUPS: Reader = groups::<2>("emoji-fluent-groups", "Emoji: Fluent, subgroups");
/// The reader `emoji-openmoji-groups`.
pub const OPENMOJI_GROUPS: Reader =
    groups::<3>("emoji-openmoji-groups", "Emoji: OpenMoji, subgroups");
/// The reader `emoji-line-groups`.
pub const LINE_GROUPS: Reader =
    groups::<4>("emoji-line-groups", "Emoji: OpenMoji's lines, subgroups");

/// Some pictures of some styles.
struct Emoji {
    things: Arc<Vec<Thing>>,
    /// Name and records of every style that is read.
    styles: Arc<Vec<(&'static str, Mmap)>>,
    /// Place in `styles` and thing of every sample.
    rows: Vec<(usize, usize)>,
    /// Class names; none for captions.
    classes: Arc<Vec<String>>,
    norm: Normalise,
}

/// Opens the three parts of the styles, with captions or with classes as targets.
fn open(asked: &Asked<'_>, styles: &[usize], target: TargetShape) -> Result<Splits, DatasetError> {
    let things = things::read(
        &PLACE.find(asked.root, &["index.csv"])?,
        &PLACE.find(asked.root, &["captions.json"])?,
    )?;
    let opened = styles.iter().map(|&style| {
        let path = PLACE.find(asked.root, &[STYLES[style]])?;
        let name = STYLES[style].trim_end_matches(".u8");
        Ok((name, records(&path, things.len())?))
    });
    let opened = Arc::new(opened.collect::<Result<Vec<_>, DatasetError>>()?);
    let (mut things, mut classes, mut notes) = (things, Vec::new(), Vec::new());
    if target == TargetShape::Class {
        let all = things.len();
        classes = things::classes(&mut things, CLASS);
        let kept = things.iter().filter(|thing| thing.class.is_some()).count();
        notes.push(format!(
            "{} of {all} things left out: their subgroups have fewer than {CLASS}",
            all - kept
        ));
    } else if styles.len() > 1 {
        notes.push(format!(
            "a caption stands once for each of the {0} pictures of its thing, and one of them is right at a time: \
             from texts to images R@1 is at most 1 in {0}, and from images to texts it is 0, because equal texts are \
             ties and of these a wrong one comes first",
            styles.len()
        ));
    }
    let (things, classes) = (Arc::new(things), Arc::new(classes));
    let part = |part: Part| -> Arc<dyn Dataset> {
        let own = |thing: &usize| {
            let Thing {
                part: of, class, ..
            } = &things[*thing];
            *of == part && (classes.is_empty() || class.is_some())
        };
        let of_style = |style| {
            (0..things.len())
                .filter(own)
                .map(move |thing| (style, thing))
        };
        Arc::new(Emoji {
            rows: (0..opened.len()).flat_map(of_style).collect(),
            things: things.clone(),
            styles: opened.clone(),
            classes: classes.clone(),
            norm: asked.normalise(Normalise::cifar()),
        })
    };
    Ok(Splits::new(part(Part::Train), part(Part::Valid), part(Part::Test)).noted(notes))
}

/// Maps a file of one record a thing.
fn records(path: &Path, things: usize) -> Result<Mmap, DatasetError> {
    let bytes = map(path)?;
    if bytes.len() != things * RECORD {
        let expected = format!("{things} records of {RECORD} bytes, one a thing of index.csv");
        return Err(malformed(
            path,
            "file size",
            expected,
            format!("{} bytes", bytes.len()),
        ));
    }
    Ok(bytes)
}

impl Emoji {
    fn thing(&self, index: usize) -> Option<&Thing> {
        self.rows.get(index).map(|&(_, thing)| &self.things[thing])
    }
}

impl Dataset for Emoji {
    fn shape(&self) -> [usize; 3] {
        [3, SIDE, SIDE]
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn label(&self, index: usize) -> usize {
        let class = self.thing(index).and_then(|thing| thing.class);
        class.unwrap_or_default()
    }

    fn group(&self, index: usize) -> usize {
        match self.unit() {
            Some(_) => self.rows[index].1,
            None => index,
        }
    }

    fn unit(&self) -> Option<&'static str> {
        (self.styles.len() > 1).then_some(UNIT)
    }

    fn id(&self, index: usize) -> Option<String> {
        let &(style, thing) = self.rows.get(index)?;
        Some(format!(
            "{}/{}",
            self.styles[style].0, self.things[thing].codepoint
        ))
    }

    fn captions(&self, index: usize) -> &[String] {
        match self.thing(index) {
            Some(thing) if self.classes.is_empty() => &thing.captions,
            _ => &[],
        }
    }

    fn target_shape(&self) -> TargetShape {
        if self.classes.is_empty() {
            TargetShape::Captions
        } else {
            TargetShape::Class
        }
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request("emoji", self, index, out.len())?;
        let (style, thing) = self.rows[index];
        let bytes = &self.styles[style].1[thing * RECORD..(thing + 1) * RECORD];
        for (value, &byte) in out.iter_mut().zip(bytes) {
            *value = f32::from(byte) / 255.0;
        }
        self.norm.apply(out);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
