//! Both towers of CLIP against `transformers` and open_clip, in three spellings of one model (`make_clip_fixtures.py`).

use super::{check, fixture, io, tensor};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use modalign::model::two_tower::{self, TwoTower};
use modalign::model::{Opening, Pass};
use modalign::suite::parts::Activation;
use std::path::Path;

/// A fixture's towers.
pub fn towers(path: &Path, activation: Option<Activation>, dtype: DType) -> TwoTower {
    let opening = Opening {
        activation,
        ..Opening::default()
    };
    two_tower::load(path, &opening, &Device::flex(), dtype)
        .unwrap()
        .towers
}

/// Token ids of a fixture.
pub fn ids(name: &str, ids: &str) -> Tensor<2, Int> {
    let io = io(name);
    let shape = io.shape(ids).unwrap().to_vec();
    let data = TensorData::new(io.read_ints(ids).unwrap(), shape);
    Tensor::from_data(data, &Device::flex())
}

fn compare(name: &str, towers: &TwoTower) {
    let (io, (device, dtype)) = (io(name), towers.place());
    let pass = &mut Pass::eval();
    let pixels = tensor::<4>(&io, "pixels", &device, dtype);
    let image = towers.image_embeds(pixels, pass).primal;
    let text = towers.text_embeds(ids(name, "input_ids"), pass).primal;
    let logits = image.clone().matmul(text.clone().transpose());
    check(name, "image_embeds", image, &io, 1e-5);
    check(name, "text_embeds", text, &io, 1e-5);
    check(
        name,
        "logits_per_image",
        logits.mul_scalar(towers.scale()),
        &io,
        1e-5,
    );
}

#[test]
fn both_activations() {
    for name in ["clip-small-gelu", "clip-small-quickgelu"] {
        compare(name, &towers(&fixture(name), None, DType::F32));
    }
}

#[test]
fn three_spellings_of_one_model() {
    let folder = fixture("clip-names");
    let quick = Some(Activation::QuickGelu);
    for (file, activation) in [
        ("hf", None),
        ("openai.safetensors", quick),
        ("open_clip.pt", quick),
    ] {
        compare(
            "clip-names",
            &towers(&folder.join(file), activation, DType::F32),
        );
    }
}
