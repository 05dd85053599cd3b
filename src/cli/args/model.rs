//! Arguments of the verbs that open a model: extract, models, export.

use super::OpeningArgs;
use crate::feature::outputs::Output;
use crate::feature::towers::TowerOutput;
use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// An output that `extract` writes: of one network, or of both towers of a CLIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Of one network.
    One(Output),
    /// Of both towers.
    Both(TowerOutput),
}

impl ValueEnum for Wanted {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: &[Wanted] = &[
            Wanted::One(Output::Embedded),
            Wanted::One(Output::Pooled),
            Wanted::One(Output::Logits),
            Wanted::One(Output::LastHiddenState),
            Wanted::One(Output::Layers),
            Wanted::Both(TowerOutput::ImageEmbeds),
            Wanted::Both(TowerOutput::TextEmbeds),
            Wanted::Both(TowerOutput::LogitsPerImage),
        ];
        ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::One(output) => {
                let help = match output {
                    Output::Embedded => "Tokens after the embedder [N, T, C]",
                    Output::Pooled => {
                        "The samples' features, as the encoder pools its tokens [N, D]"
                    }
                    Output::Logits => "Class scores [N, K]",
                    Output::LastHiddenState => "Last tokens [N, T, D]",
                    Output::Layers => {
                        "The samples' features behind the embedder (layer_00) and every block [N, D]"
                    }
                };
                (output.name(), help)
            }
            Self::Both(output) => {
                let help = match output {
                    TowerOutput::ImageEmbeds => {
                        "CLIP: images in the common space, of length one [N, E]"
                    }
                    TowerOutput::TextEmbeds => "CLIP: texts there [M, E]",
                    TowerOutput::LogitsPerImage => "CLIP: scaled cosines of both [N, M]",
                };
                (output.name(), help)
            }
        };
        Some(PossibleValue::new(name).help(help))
    }
}

/// Texts for the text tower of a CLIP.
#[derive(Debug, Clone, Default, Args)]
pub struct TextArgs {
    /// Texts: .txt (one a line), .csv, .tsv, .json or .jsonl; or token ids, FILE.safetensors:NAME
    #[arg(long, value_name = "FILE")]
    pub texts: Option<String>,
    /// Column of a table, or key of objects, that holds the texts
    #[arg(long, value_name = "NAME", requires = "texts")]
    pub text_column: Option<String>,
    /// tokenizer.json, vocab.json with merges.txt, or OpenAI's bpe_simple_vocab_16e6.txt.gz, as a file or its folder
    /// [default: beside the model]
    #[arg(long, value_name = "PATH")]
    pub tokenizer: Option<PathBuf>,
}

/// Float types that a model can compute in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// Double
    F64,
    /// Single (the default everywhere)
    F32,
    /// Half, where the device has it
    F16,
    /// Brain half: on a card where it has it; on the processor the products of linear layers, sums in single
    Bf16,
}

/// Arguments of `modalign extract`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign extract --model DIR --tensor IN.safetensors:pixels \\
      --outputs embedded,pooled,logits,last_hidden_state --out OUT.safetensors
  modalign extract --model swin.pth --data cifar10:test --data-dir DATA --outputs pooled --out F.npz
  modalign extract --model last.ckpt --key teacher --ignore 'head.*' --image-size 448 \\
      --tensor IN.npz:pixels --outputs pooled --out F.npz
  modalign extract --model roberta-base --tensor IN.safetensors:input_ids \\
      --mask IN.safetensors:attention_mask --outputs last_hidden_state --out OUT.npz
  modalign extract --model openai/clip-vit-base-patch32 --data cifar10:test --data-dir DATA \\
      --texts captions.txt --outputs image_embeds,text_embeds,logits_per_image --out F.npz

A tensor comes from a safetensors or a PyTorch file (.pt, .pth, .bin), or is an array of NumPy
(FILE.npz:NAME, FILE.npy). One of rank 4 is samples [N, C, H, W], of rank 2 token ids [N, T], of rank
3 tokens [N, T, C] that enter the encoder as they are. With --data the written file also holds labels,
class_names and (as features) the pooled outputs: a features file; of a folder of pictures also ids,
their paths below the folder; of a set of windows also groups.

Pictures are prepared as the files beside the weights say (preprocessor_config.json, timm's
pretrained_cfg), as transformers and timm do it; without such files as ImageNet's, and that is told.
Models made by this program keep CIFAR's constants. A camera's orientation (EXIF) is not followed,
as torchvision does not.")]
pub struct ExtractArgs {
    /// Model: folder, checkpoint file, Hugging Face name, or one inside the program
    #[arg(long, value_name = "MODEL")]
    pub model: String,
    /// How it is opened.
    #[command(flatten)]
    pub opening: OpeningArgs,
    /// Raw input: a tensor of a safetensors, PyTorch or .npz file, or a whole .npy
    #[arg(long, value_name = "FILE:NAME", conflicts_with = "data")]
    pub tensor: Option<String>,
    /// Tokens that others may attend to: a tensor with 1 or 0 (or true, false) for each of the ids
    #[arg(long, value_name = "FILE:NAME", requires = "tensor")]
    pub mask: Option<String>,
    /// Dataset to read, as SET or SET:train|valid|test (default test); or a folder of pictures,
    /// DIR/class/*.jpg, as DIR (all of it) or DIR:train|valid|test
    #[arg(long, value_name = "SET[:SPLIT]")]
    pub data: Option<String>,
    /// Leave out pictures of a folder that cannot be read, and count them
    #[arg(long, requires = "data")]
    pub skip_broken: bool,
    /// Folder with the dataset's files
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Texts for a CLIP.
    #[command(flatten)]
    pub text: TextArgs,
    /// What to write
    #[arg(long, value_enum, value_delimiter = ',', required = true)]
    pub outputs: Vec<Wanted>,
    /// File to write: .safetensors or .npz
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Float type to compute in; below single, the error against single is measured and told
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: Precision,
    /// Device to compute on: flex, ndarray, wgpu, vulkan or cuda, as built; a graphics card by its number, as wgpu:1
    #[arg(long, default_value = "flex")]
    pub device: String,
}

/// Arguments of `modalign zeroshot`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign zeroshot --model openai/clip-vit-base-patch32 --data cifar10:test --data-dir DATA
  modalign zeroshot --model ViT-B-32.pt --tokenizer bpe_simple_vocab_16e6.txt.gz --data PICTURES \\
      --template 'a photo of a {}.' --template 'a drawing of a {}.' --json

Every class is a text: its name (with _ as a space) in the template, of several templates the mean of their vectors. An
image is of the class whose text lies nearest. The error depends on names and templates as much as on the model.")]
pub struct ZeroShotArgs {
    /// CLIP: folder, checkpoint file, or Hugging Face name
    #[arg(long, value_name = "MODEL")]
    pub model: String,
    /// How it is opened.
    #[command(flatten)]
    pub opening: OpeningArgs,
    /// Labelled pictures: a dataset as SET or SET:train|valid|test (default test), or a folder DIR/class/*.jpg as DIR or
    /// DIR:train|valid|test
    #[arg(long, value_name = "SET[:SPLIT]")]
    pub data: String,
    /// Folder with the dataset's files
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Leave out pictures of a folder that cannot be read, and count them
    #[arg(long)]
    pub skip_broken: bool,
    /// Text of a class, with {} for its name; repeatable: the mean of several counts [default: a photo of a {}.]
    #[arg(long, value_name = "TEXT")]
    pub template: Vec<String>,
    /// Names of the classes in place of the set's: a file of texts, in the order of labels
    #[arg(long, value_name = "FILE")]
    pub class_names: Option<PathBuf>,
    /// tokenizer.json, vocab.json with merges.txt, or OpenAI's bpe_simple_vocab_16e6.txt.gz, as a file or its folder
    /// [default: beside the model]
    #[arg(long, value_name = "PATH")]
    pub tokenizer: Option<PathBuf>,
    /// Write the probabilities [N, K] as .npy: source probabilities for `modalign discrepancy`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Device to compute on: flex, ndarray, wgpu, vulkan or cuda, as built; a graphics card by its number, as wgpu:1
    #[arg(long, default_value = "flex")]
    pub device: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `modalign retrieval`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign retrieval --model openai/clip-vit-base-patch32 --data PICTURES --captions captions.csv
  modalign retrieval --images E.npz:image --texts E.npz:text --owner E.npz:owner --json

A captions file (.csv, .tsv, .json, .jsonl) has a column for the picture's path below the folder and one for the text; a
picture may have several captions. Of equal scores a wrong one comes first, so that no tie is won; how many queries that
touches is said, with the recall if right ones came first. Every distinct text is encoded once.")]
pub struct RetrievalArgs {
    /// CLIP: folder, checkpoint file, or Hugging Face name
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["images", "texts", "owner"])]
    pub model: Option<String>,
    /// How it is opened.
    #[command(flatten)]
    pub opening: OpeningArgs,
    /// Folder of pictures
    #[arg(long, value_name = "DIR", requires = "model")]
    pub data: Option<PathBuf>,
    /// Their captions
    #[arg(long, value_name = "FILE", requires = "model")]
    pub captions: Option<PathBuf>,
    /// Column of the pictures' paths [default: image, file_name, filename, file, path, … as the file has it]
    #[arg(long, value_name = "NAME", requires = "captions")]
    pub image_column: Option<String>,
    /// Column of the texts [default: caption, text, sentence, … as the file has it]
    #[arg(long, value_name = "NAME", requires = "captions")]
    pub text_column: Option<String>,
    /// Leave out pictures that cannot be read and captions without one, and count them
    #[arg(long, requires = "data")]
    pub skip_broken: bool,
    /// tokenizer.json, vocab.json with merges.txt, or OpenAI's bpe_simple_vocab_16e6.txt.gz, as a file or its folder
    /// [default: beside the model]
    #[arg(long, value_name = "PATH", requires = "model")]
    pub tokenizer: Option<PathBuf>,
    /// Embeddings of images [N, E]
    #[arg(long, value_name = "FILE:NAME")]
    pub images: Option<String>,
    /// Embeddings of texts [M, E]
    #[arg(long, value_name = "FILE:NAME", requires = "images")]
    pub texts: Option<String>,
    /// The row of its image for every text: M integers
    #[arg(long, value_name = "FILE:NAME", requires = "images")]
    pub owner: Option<String>,
    /// Write the vectors: image_embeds, text_embeds, text_owner (.npz, .safetensors)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Device to compute on: flex, ndarray, wgpu, vulkan or cuda, as built; a graphics card by its number, as wgpu:1
    #[arg(long, default_value = "flex")]
    pub device: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `modalign models`.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Models inside the program and in the Hugging Face cache, and what can be loaded
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// What a model is, and what of it will and will not load
    Show {
        /// Model: folder, checkpoint file, Hugging Face name, or one inside the program
        #[arg(value_name = "PATH")]
        model: String,
        /// How it is opened.
        #[command(flatten)]
        opening: OpeningArgs,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Forms that a model can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModelFormat {
    /// A Hugging Face folder: config.json and model.safetensors
    SafetensorsHf,
}

/// Float types that weights can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WeightType {
    /// As the checkpoint had them
    Keep,
    /// Double
    F64,
    /// Single
    F32,
    /// Half
    F16,
    /// Brain half
    Bf16,
}

/// Arguments of `modalign export`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign export runs/demo/cells/TARGET-nft-0/model --out DIR     a fine-tuned encoder, for PyTorch
  modalign export swin_base_patch4_window7_224.pth --out DIR       timm's names to Hugging Face's")]
pub struct ExportArgs {
    /// Model: folder, checkpoint file, Hugging Face name, or one inside the program
    pub model: String,
    /// How it is opened.
    #[command(flatten)]
    pub opening: OpeningArgs,
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Form to write
    #[arg(long, value_enum, default_value = "safetensors-hf")]
    pub format: ModelFormat,
    /// Float type of the tensors
    #[arg(long, value_enum, default_value = "keep")]
    pub dtype: WeightType,
}
