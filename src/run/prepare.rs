//! Opening what a suite names: the source model, the surrogate, what stands for the source in
//! stage 1, and the targets, all at the model's input size; and what every part of a run works with.

use super::captions;
use super::error::RunError;
use super::failure;
use super::folder::RunFolder;
use super::origin::{self, Origins};
use super::progress::{Progress, check_interrupt};
use super::texts::{self, ClassIds};
use crate::dataset::readers::{self, Reader};
use crate::dataset::shots::short;
use crate::dataset::store::{Ledger, Store, verify};
use crate::dataset::{self, Dataset, DatasetError, Opened, Splits, TargetShape, subset};
use crate::feature::{FeatureSet, extract};
use crate::files::checksum;
use crate::measure::Groups;
use crate::measure::encoder::zero_shot::Texts;
use crate::model::two_tower::LoadedTowers;
use crate::model::{self, Loaded, Model, Opening, RobertaConfig, embedded, load, preprocess};
use crate::strata;
use crate::suite::data::{DataFile, DataManifest};
use crate::suite::dataset::SequenceEncoder;
use crate::suite::definition::{ClassTexts, DatasetSpec, Suite, Transfer};
use crate::suite::preprocess::{Origin, Preprocess};
use crate::suite::stage1::SourceData;
use crate::suite::task::TargetKind;
use crate::transfer::methods::{self, Method};
use crate::transfer::task;
use crate::transfer::towers::{Captioned, Named};
use burn::tensor::{DType, Device};
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// A target at the model's input size.
pub struct Target<'a> {
    /// Its manifest entry.
    pub spec: &'a DatasetSpec,
    /// Its parts.
    pub data: Splits,
    /// Its parts as they are read.
    pub original: Splits,
    /// Why D(Ms, Mt) is not defined for it, if it is not.
    pub undefined: Option<String>,
    /// The model that its transfer starts from, if that is not the suite's.
    pub sequence: Option<Model>,
    /// Its pictures with captions, where it is a set of such: training, validation and test part.
    pub captions: Option<[Captioned; 3]>,
    /// Its classes by their texts, where those tell them apart.
    pub named: Option<Named>,
}

impl Target<'_> {
    /// What a target model is built for.
    pub fn of_model(&self, settings: &Transfer, method: &Method) -> model::Target {
        let set = self.data.train.as_ref();
        model::Target {
            embedder_init: method.embedder_init(settings.embedder),
            ..model::Target::new(set.shape(), task::predictor(set))
        }
    }
}

/// What every part of a run works with.
pub struct Context<'a> {
    /// The experiment.
    pub suite: &'a Suite,
    /// The pretrained source model.
    pub source: &'a Loaded,
    /// The surrogate at the model's input size.
    pub surrogate: &'a Splits,
    /// What stands for the source in stage 1.
    pub source_set: &'a Arc<dyn Dataset>,
    /// How the source model's pictures are prepared.
    pub preprocess: &'a Preprocess,
    /// Device of all model computations.
    pub device: &'a Device,
    /// Its name on the command line.
    pub device_name: &'a str,
    /// What everything is made from.
    pub origins: &'a Origins,
    /// Texts of the surrogate's classes, where the source is a CLIP that has them.
    pub texts: Option<&'a Texts>,
    /// The same as token ids.
    pub class_ids: Option<&'a ClassIds>,
    /// Both towers of the source, where a target is pictures with captions.
    pub towers: Option<&'a LoadedTowers>,
    /// All targets that could be opened.
    pub targets: &'a [Target<'a>],
    /// Where results go.
    pub folder: &'a RunFolder,
    pretrained: OnceLock<FeatureSet>,
}

impl Context<'_> {
    /// Features through source embedder and pretrained encoder of the surrogate's test samples
    /// that balanced measures see; extracted once.
    pub fn pretrained(&self) -> Result<&FeatureSet, RunError> {
        if let Some(found) = self.pretrained.get() {
            return Ok(found);
        }
        let network = &self.source.model.network;
        let set = self.part(&self.surrogate.test);
        let found = extract::features(&network.embedder, &network.encoder, set, self.device)?;
        Ok(self.pretrained.get_or_init(|| found))
    }

    /// The part of a set that balanced measures see (`measures.balanced_samples`).
    pub fn part(&self, set: &Arc<dyn Dataset>) -> Arc<dyn Dataset> {
        let most = self.suite.measures.balanced_samples;
        subset::cap(set.clone(), most, self.suite.data_seed)
    }

    /// The same part of features of the whole set.
    pub fn rows(&self, set: &FeatureSet) -> FeatureSet {
        let most = self.suite.measures.balanced_samples;
        if most == 0 || most >= set.len() {
            return set.clone();
        }
        let chosen = strata::balanced(set.labels(), most, self.suite.data_seed);
        set.select(&chosen).unwrap_or_else(|| set.clone())
    }
}

/// What a run is asked to do, beside its suite.
pub struct Request<'a> {
    /// Folder with real data files.
    pub data: Option<&'a Path>,
    /// Device of all model computations.
    pub device: &'a Device,
    /// Its name on the command line.
    pub device_name: &'a str,
    /// The command line that repeats the run.
    pub command: String,
    /// Whether results that were made from something else than is there now are made anew.
    pub refresh: bool,
}

/// Model and data of a suite, opened.
pub struct Prepared<'a> {
    /// The pretrained source model.
    pub source: Loaded,
    /// The surrogate at the model's input size.
    pub surrogate: Splits,
    /// The surrogate as it is read.
    pub original: Splits,
    /// What stands for the source in stage 1, at the model's input size.
    pub source_set: Arc<dyn Dataset>,
    /// The targets at the model's input size.
    pub targets: Vec<Target<'a>>,
    /// Targets whose data is malformed, and why: their cells fail, the others go on.
    pub unread: Vec<(&'a DatasetSpec, String)>,
    /// Data files by name, with their SHA-256.
    pub inputs: Vec<(String, String)>,
    /// How the source model's pictures are prepared.
    pub preprocess: Preprocess,
    /// What a reader must know of them: which are not the published ones, what was left out, which
    /// preprocessing was a guess.
    pub notes: Vec<String>,
    /// Texts of the surrogate's classes, where the source is a CLIP that has them, for measures and as token ids.
    pub texts: Option<(Texts, ClassIds)>,
    /// Both towers of the source, where a target is pictures with captions.
    pub towers: Option<LoadedTowers>,
    /// What everything is made from.
    pub origins: Origins,
}

/// Opens everything that a suite names.
pub fn prepare<'a>(
    suite: &'a Suite,
    request: &Request,
    progress: &mut dyn Progress,
) -> Result<Prepared<'a>, RunError> {
    for name in &suite.transfer.methods {
        methods::check(name, &format!("suite {}", suite.name))?;
    }
    let files = embedded::open(&suite.source.model, &Opening::of(&suite.source))?;
    let mut source = load::opened(files, request.device, DType::F32)?;
    let side = image_size(&suite.source.model, &source.model)?;
    let (inputs, mut notes) = inputs(origin::datasets(suite), request.data, progress)?;
    let asked = suite.source.image_size;
    let found = preprocess::of(&suite.source.model, &source.model.config, asked)?;
    let how = found.how;
    if how.origin == Origin::Guess {
        notes.push(format!("Pictures for the source model: {}.", how.words()));
    }
    notes.extend(found.notes);
    let mut told = 0;
    let mut tell = |notes: &[String], progress: &mut dyn Progress| {
        notes[told..].iter().for_each(|note| progress.tell(note));
        told = notes.len();
    };
    tell(&notes, progress);
    progress.begin("opening data", 1 + suite.targets.len());
    let open = |spec: &DatasetSpec| -> Result<Opened, DatasetError> {
        dataset::open_for(spec, request.data, suite.data_seed, &how, side)
    };
    let opened = open(&suite.surrogate)?;
    notes.extend_from_slice(opened.notes());
    let (surrogate, original) = (opened.splits, opened.original);
    fits_source(&suite.surrogate, &surrogate, &source.model)?;
    few_of_classes(suite)?;
    let by_texts = |spec: &DatasetSpec| failure::by_texts(suite, spec);
    let wanted = suite.source.texts.is_some() || suite.targets.iter().any(by_texts);
    if suite.source.texts.is_none() && suite.targets.iter().any(by_texts) {
        let template = &ClassTexts::default().templates[0];
        notes.push(format!(
            "The suite names no texts of classes ([source.texts]): {template:?} was taken."
        ));
    }
    let towers = match wanted || captioned(suite)? {
        true => Some(texts::towers(&suite.source, request.device)?),
        false => None,
    };
    let texts = match suite.source.texts.as_ref().zip(towers.as_ref()) {
        None => None,
        Some((settings, towers)) => {
            let classes = surrogate.train.classes();
            let found = texts::open(towers, settings, classes, request.device)?;
            notes.extend(found.notes);
            source.model.network.predictor = found.predictor;
            source.labels = found.names;
            found.texts
        }
    };
    let source_set = match suite.transfer.stage1.source {
        SourceData::Surrogate => surrogate.train.clone(),
        SourceData::Pretraining => {
            let spec = suite.source.data.as_ref().ok_or_else(|| RunError::Unfit {
                what: "transfer.stage1.source".into(),
                expected: "surrogate, as the suite does not name the source model's data".into(),
                found: "pretraining".into(),
            })?;
            let opened = open(spec)?;
            fits_source(spec, &opened.splits, &source.model)?;
            notes.extend_from_slice(opened.notes());
            opened.splits.train
        }
    };
    check_interrupt(progress.step(1, 1 + suite.targets.len()))?;
    let (mut targets, mut encoders, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    let mut captions_of = Vec::new();
    for (i, spec) in suite.targets.iter().enumerate() {
        let opened = match open(spec) {
            Err(error @ DatasetError::Malformed { .. }) => {
                progress.tell(&format!("{}: its cells fail: {error}", spec.title));
                unread.push((spec, error.to_string()));
                continue;
            }
            opened => opened?,
        };
        notes.extend_from_slice(opened.notes());
        let whole = opened.original;
        let undefined = match &spec.encoder {
            Some(_) => Some("its encoder is not the source model's".into()),
            None => no_discrepancy(whole.train.as_ref(), source.labels.len())
                .or_else(|| single_group(whole.test.as_ref())),
        };
        let sequence = match &spec.encoder {
            Some(encoder) => {
                let (model, sha256) = sequence_model(encoder, request.device)?;
                encoders.extend(sha256.map(|sha256| (spec, sha256)));
                Some(model)
            }
            None => None,
        };
        let data = match sequence {
            Some(_) => whole.clone(),
            None => opened.splits,
        };
        let captions = match data.train.target_shape() {
            TargetShape::Captions => {
                let parts = with_ids(suite, spec, &data, towers.as_ref(), &mut notes)?;
                captions_of.push((spec, digest(&parts)));
                Some(parts)
            }
            _ => None,
        };
        let named = match towers.as_ref().filter(|_| by_texts(spec)) {
            Some(towers) => {
                fits_source(spec, &data, &source.model)?;
                let texts = suite.source.texts.clone().unwrap_or_default();
                notes.extend(few_or_none(suite, spec, &data));
                let found = texts::by_names(towers, &texts, (&spec.name, &data), &mut notes)?;
                captions_of.push((spec, classes_digest(&found)));
                Some(found)
            }
            None => None,
        };
        targets.push(Target {
            spec,
            data,
            original: whole,
            undefined,
            sequence,
            captions,
            named,
        });
        check_interrupt(progress.step(2 + i, 1 + suite.targets.len()))?;
    }
    progress.end();
    tell(&notes, progress);
    let origins = Origins::of_run(suite, (&source, &how), encoders, captions_of, &inputs);
    Ok(Prepared {
        source,
        surrogate,
        original,
        source_set,
        targets,
        unread,
        inputs,
        preprocess: how,
        notes,
        texts,
        towers,
        origins,
    })
}

/// Whether a target is pictures with captions; then the source must have two towers.
fn captioned(suite: &Suite) -> Result<bool, RunError> {
    let mut found = false;
    for spec in &suite.targets {
        found |= Reader::of(spec)?.target == TargetKind::Pairs;
    }
    Ok(found)
}

/// Refuses a few samples a class where no method draws them.
fn few_of_classes(suite: &Suite) -> Result<(), RunError> {
    let other = suite
        .targets
        .iter()
        .find(|spec| !failure::by_texts(suite, spec));
    match other.filter(|_| suite.transfer.shots > 0) {
        None => Ok(()),
        Some(spec) => Err(RunError::Unfit {
            what: format!("transfer.shots with the target {}", spec.name),
            expected: "targets of classes that are told apart by their texts (transfer.head = \"texts\"); \
                       a target's own `train` is a number of samples"
                .into(),
            found: suite.transfer.shots.to_string(),
        }),
    }
}

/// What is to be told of classes that have few training samples or no test sample.
fn few_or_none(suite: &Suite, spec: &DatasetSpec, data: &Splits) -> Vec<String> {
    let named = |classes: Vec<usize>, told: String| {
        let first = data.train.classes().get(*classes.first()?)?;
        Some(format!(
            "{}: {} classes {told}; the first is {first}.",
            spec.name,
            classes.len()
        ))
    };
    let shots = suite.transfer.shots;
    let fewer = short(data.train.as_ref(), shots);
    let without = short(data.test.as_ref(), 1);
    let fewer = named(
        fewer,
        format!("have fewer than {shots} training samples and give all"),
    );
    let without = named(
        without,
        "have no test sample, so that no error says whether they were learned".into(),
    );
    [fewer, without].into_iter().flatten().collect()
}

/// SHA-256 of the texts of classes as token ids.
fn classes_digest(named: &Named) -> String {
    let mut hash = Sha256::new();
    for tokens in [&named.templated, &named.bare] {
        hash.update((tokens.classes as u64).to_le_bytes());
        tokens
            .ids
            .iter()
            .for_each(|id| hash.update(id.to_le_bytes()));
    }
    checksum::hex(&hash.finalize())
}

/// SHA-256 of captions as token ids, and of whose they are.
fn digest(parts: &[Captioned; 3]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let numbers = part.ids().iter().map(|id| *id as u64).collect::<Vec<_>>();
        let owners = part.owner.iter().map(|owner| *owner as u64);
        let rows = part.tokens.row.iter().map(|row| *row as u64);
        for number in numbers.into_iter().chain(owners).chain(rows) {
            hash.update(number.to_le_bytes());
        }
    }
    checksum::hex(&hash.finalize())
}

/// The captions of a target as token ids, part by part.
fn with_ids(
    suite: &Suite,
    spec: &DatasetSpec,
    data: &Splits,
    towers: Option<&LoadedTowers>,
    notes: &mut Vec<String>,
) -> Result<[Captioned; 3], RunError> {
    let towers = towers.ok_or_else(|| RunError::Unfit {
        what: format!("source model of {}", spec.name),
        expected: "a model of images and texts (a CLIP), for pictures with captions".into(),
        found: suite.source.model.clone(),
    })?;
    let settings = suite.source.texts.as_ref();
    let place = settings.and_then(|texts| texts.tokenizer.as_deref());
    let tokenise = |texts: &[String]| towers.tokenised(texts, place.map(Path::new));
    captions::parts(
        &spec.name,
        data,
        suite.transfer.pairs.clean,
        tokenise,
        notes,
    )
}

/// Names and hashes of data files, and remarks on them.
pub type Inputs = (Vec<(String, String)>, Vec<String>);

/// Checks the data files of a suite before anything is read from them. One that was checked and has
/// not been changed since is not read again. A file of the user's own making is allowed, and told.
pub fn inputs<'a>(
    specs: impl Iterator<Item = &'a DatasetSpec>,
    data: Option<&Path>,
    progress: &mut dyn Progress,
) -> Result<Inputs, RunError> {
    let (store, ledger) = (Store::at(data), Ledger::of_user());
    let specs: Vec<&DatasetSpec> = specs.collect();
    let mut files: Vec<(&DataManifest, &DataFile, u64)> = Vec::new();
    for manifest in specs.iter().flat_map(|spec| readers::manifests_of(spec)) {
        if files.iter().any(|(known, ..)| known.name == manifest.name) {
            continue;
        }
        files.extend(manifest.files.iter().map(|file| {
            let there = store.find(manifest, file).and_then(|p| p.metadata().ok());
            (manifest, file, there.map_or(0, |m| m.len()))
        }));
    }
    let total: u64 = files.iter().map(|(.., bytes)| bytes).sum();
    let megabytes = |bytes: u64| bytes.div_ceil(1 << 20) as usize;
    let (mut before, mut begun, stopped) = (0, false, Cell::new(false));
    let (mut found, mut unverified): Inputs = Default::default();
    for (manifest, file, bytes) in files {
        let mut read = 0;
        let mut progress = |count: u64| {
            if !begun {
                progress.begin("checking data files (MB)", megabytes(total));
                begun = true;
            }
            // a file whose publisher gives no SHA-256 is read twice
            read = bytes.min(read + count);
            stopped.set(!progress.step(megabytes(before + read), megabytes(total)));
            !stopped.get()
        };
        let name = format!("{}/{}", manifest.name, file.path);
        let sha256 = match verify(&store, &ledger, manifest, file, false, &mut progress) {
            Ok(verdict) => Ok(verdict.sha256().map(String::from)),
            Err(DatasetError::Mismatch { .. } | DatasetError::Malformed { .. }) => {
                let what = "is not the published file: its size or checksum differs";
                unverified.push(format!("{name} {what}."));
                store.sha256(manifest, file, &mut progress)
            }
            Err(error) => Err(error),
        };
        check_interrupt(!stopped.get())?;
        found.extend(sha256?.map(|sha256| (name, sha256)));
        before += bytes;
    }
    if begun {
        progress.end();
    }
    for spec in &specs {
        if let Some(digests) = Reader::of(spec)?.digests() {
            found.extend(digests(store.root(), spec)?);
        }
    }
    Ok((found, unverified))
}

impl Prepared<'_> {
    /// What every part of a run in `folder` works with.
    pub fn context<'a>(
        &'a self,
        suite: &'a Suite,
        request: &'a Request,
        folder: &'a RunFolder,
    ) -> Context<'a> {
        Context {
            suite,
            source: &self.source,
            surrogate: &self.surrogate,
            source_set: &self.source_set,
            preprocess: &self.preprocess,
            device: request.device,
            device_name: request.device_name,
            origins: &self.origins,
            texts: self.texts.as_ref().map(|(texts, _)| texts),
            class_ids: self.texts.as_ref().map(|(_, ids)| ids),
            towers: self.towers.as_ref(),
            targets: &self.targets,
            folder,
            pretrained: OnceLock::new(),
        }
    }
}

/// The surrogate goes through the source embedder: it must have its channels.
fn fits_source(spec: &DatasetSpec, data: &Splits, source: &Model) -> Result<(), RunError> {
    let (found, expected) = (data.train.shape()[0], source.network.embedder.channels());
    if found == expected {
        return Ok(());
    }
    Err(RunError::Unfit {
        what: format!(
            "channels of {}, which goes through the source model as it is",
            spec.name
        ),
        expected: format!("{expected} as the source model has"),
        found: found.to_string(),
    })
}

/// Side of the images that the source model takes.
fn image_size(name: &str, source: &Model) -> Result<usize, RunError> {
    source.config.image_size().ok_or_else(|| RunError::Unfit {
        what: format!("source model {name}"),
        expected: "a model of images".into(),
        found: format!("model_type {}", source.config.name()),
    })
}

/// The model of sequences that a target asks for, with the hash of its weights if it has any.
fn sequence_model(
    spec: &SequenceEncoder,
    device: &Device,
) -> Result<(Model, Option<String>), RunError> {
    if let Some(name) = &spec.model {
        let loaded = embedded::load(name, device, DType::F32)?;
        return Ok((loaded.model, Some(loaded.sha256)));
    }
    let config = RobertaConfig::sequence(spec.hidden, spec.layers, spec.heads);
    // Every transfer draws its own initial values by its seed.
    let model = Model::new(config, 1, None, 0, device, DType::F32)?;
    Ok((model, None))
}

/// D holds whole groups of every class out: says where a class has a single one.
fn single_group(test: &dyn Dataset) -> Option<String> {
    let unit = test
        .unit()
        .filter(|_| test.target_shape() == TargetShape::Class)?;
    let groups = Groups::of(&dataset::groups(test)?);
    let labels = dataset::labels(test);
    let counts = groups.per_class(&labels, test.classes().len());
    let class = counts.iter().position(|count| *count == 1)?;
    Some(format!(
        "the test part has a single {unit} of {:?}, and whole {unit}s of every class are held out",
        test.classes()[class]
    ))
}

/// D matches target classes with different source classes: says why it cannot, if there are none
/// or not enough of them.
fn no_discrepancy(target: &dyn Dataset, source: usize) -> Option<String> {
    let classes = target.classes().len();
    match target.target_shape() {
        TargetShape::Class | TargetShape::MultiHot if source == 0 => {
            Some("the source model has no classifier".into())
        }
        TargetShape::Class | TargetShape::MultiHot if classes > source => Some(format!(
            "{classes} target classes cannot be matched with {source} source classes"
        )),
        TargetShape::Class | TargetShape::MultiHot => None,
        other => Some(format!("the target has {}, not classes", other.name())),
    }
}
