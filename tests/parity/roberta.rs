//! RoBERTa against `transformers`: from ids, with padding, and the encoder behind a modality's own
//! embedder.

use super::swin::on_all_devices;
use super::{check, fixture, io, tensor};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use modalign::model::weights::Weights;
use modalign::model::{Embedder, Pass, Tokens, load};

fn ids(io: &Weights, name: &str, device: &Device) -> Tensor<2, Int> {
    let shape = io.shape(name).unwrap().to_vec();
    Tensor::from_data(TensorData::new(io.read_ints(name).unwrap(), shape), device)
}

fn roberta(name: &str, device: &Device) {
    let io = io(name);
    let loaded = load::load(&fixture(name), device, DType::F32).unwrap();
    let (network, pass) = (loaded.model.network, &mut Pass::eval());
    let Embedder::Ids(embedder) = &network.embedder else {
        panic!("RoBERTa embeds ids");
    };
    let ids = ids(&io, "input_ids", device);
    let masks = [
        (None, "from_ids"),
        (Some("attention_mask"), "from_ids_masked"),
    ];
    for (mask, what) in masks {
        if io.shape(what).is_none() {
            continue;
        }
        let keep = mask.map(|mask| self::ids(&io, mask, device).float());
        let tokens = embedder.forward(ids.clone(), keep, pass);
        if io.shape("embedded").is_some() {
            let embedded = tokens.values.primal.clone();
            check(name, "embedded", embedded, &io, 1e-4);
        }
        let last = network.encoder.encode(tokens, pass).values.primal;
        check(name, what, last, &io, 1e-4);
    }
    let x = tensor::<3>(&io, "inputs_embedded", device, DType::F32);
    let length = x.dims()[1];
    let last = network.encoder.encode(Tokens::new(x, [1, length]), pass);
    check(name, "from_embedded", last.values.primal, &io, 1e-4);
}

#[test]
fn roberta_small() {
    on_all_devices(|device| roberta("roberta-small", device));
}

#[test]
fn roberta_with_padding() {
    on_all_devices(|device| roberta("roberta-more", device));
}
