//! MmAP's prompts: the Kronecker map, logits with one prompt and with two, all gradients, the similarity of tasks, against
//! float64 PyTorch (`make_clip_fixtures.py`, `mmap`).

use super::clip::{ids, towers};
use super::{check, fixture, io, tensor};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use modalign::model::adapters::{Prompt, PromptShape, Prompts};
use modalign::model::architecture::clip::openai::Tower;
use modalign::model::state::{self, gradients, moved, with_state};
use modalign::model::two_tower::{self, TwoTower};
use modalign::model::weights::Weights;
use modalign::model::{Opening, Pass};
use modalign::transfer::loss::cross_entropy;
use serde_json::Value;
use std::collections::BTreeMap;

fn expected() -> Value {
    let text = std::fs::read_to_string(fixture("mmap").join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A prompt of the fixture, on the tracked device.
fn prompt(name: &str, depth: Option<usize>) -> Prompt {
    let told = expected();
    let number = |value: &Value| value.as_u64().unwrap() as usize;
    let shape = PromptShape {
        rows: number(&told["source_shape"][0]),
        columns: number(&told["source_shape"][1]),
        tokens: number(&told["tokens_of_a_prompt_b"]),
        depth,
        ..PromptShape::default()
    };
    let files = two_tower::open(&fixture("mmap"), &Opening::default()).unwrap();
    let fresh = Prompt::new(&files.config, &shape, 0, &Device::flex(), DType::F64).unwrap();
    let weights = Weights::open(&fixture("mmap").join("prompts.safetensors")).unwrap();
    let arrays: BTreeMap<String, TensorData> = state::parameters(&fresh)
        .into_iter()
        .map(|(path, shape)| {
            let values = weights.read_f64(&format!("{name}.{path}")).unwrap();
            (path, TensorData::new(values, shape))
        })
        .collect();
    with_state(fresh, arrays, DType::F64, "fixture".as_ref())
        .unwrap()
        .unfreeze()
        .train()
}

/// Images and labels of a task.
fn task(index: usize) -> (Tensor<4>, Vec<usize>) {
    let io = io("mmap");
    let pixels = tensor::<5>(&io, "pixels", &Device::flex(), DType::F64);
    let [_, count, c, h, w] = pixels.dims();
    let own = pixels.narrow(0, index, 1).reshape([count, c, h, w]);
    let labels = io.read_ints("labels").unwrap();
    let own_labels = labels[index * count..(index + 1) * count].iter();
    (own, own_labels.map(|v| *v as usize).collect())
}

/// Logits of a task's images with these prompts.
fn logits(towers: &TwoTower, parts: &[&Prompt], texts: Tensor<2, Int>, index: usize) -> Tensor<2> {
    let [image, text] = [Tower::Image, Tower::Text].map(|tower| Prompts::of(parts.to_vec(), tower));
    let pixels = Tensor::<4>::from_inner(task(index).0);
    let image = towers
        .image_embeds(pixels, &mut Pass::eval().with(&image))
        .primal;
    let text = towers
        .text_embeds(texts, &mut Pass::eval().with(&text))
        .primal;
    image.matmul(text.transpose()).mul_scalar(towers.scale())
}

fn loss(logits: Tensor<2>, index: usize) -> Tensor<1> {
    let labels = task(index).1;
    cross_entropy(logits.into(), &labels, 0.0).primal
}

/// Gradients of a prompt by path.
fn of(prompt: &Prompt, loss: Tensor<1>) -> (GradientsParams, BTreeMap<String, Vec<f64>>) {
    let grads = GradientsParams::from_module(&mut loss.backward(), prompt);
    let found = gradients(prompt, &grads);
    let values = found
        .into_iter()
        .map(|(path, data)| (path, data.iter::<f64>().collect()));
    let values = values.collect();
    (grads, values)
}

/// Largest difference of gradients from the fixture's under a prefix, of the largest of all.
fn compare(prefix: &str, found: &BTreeMap<String, Vec<f64>>) {
    let io = io("mmap");
    let (mut worst, mut largest) = (0.0f64, 0.0f64);
    for (path, values) in found {
        let want = io.read_f64(&format!("{prefix}.{path}")).unwrap();
        assert_eq!(want.len(), values.len());
        for (x, y) in values.iter().zip(want) {
            worst = worst.max((x - y).abs());
            largest = largest.max(y.abs());
        }
    }
    println!(
        "{:>22} {prefix}: worst {:.2e} of the largest",
        "mmap",
        worst / largest
    );
    assert!(worst < 1e-8 * largest, "{prefix}: {worst} of {largest}");
}

fn fixed() -> TwoTower {
    state::constant(towers(&fixture("mmap"), None, DType::F64))
}

#[test]
fn one_prompt_for_all_tasks_and_the_similarity_of_their_gradients() {
    let (io, towers) = (io("mmap"), fixed());
    let tasks = io.shape("labels").unwrap()[0];
    let mut shared = prompt("global", None);
    assert_eq!(
        state::size(&shared) as u64,
        expected()["parameters_of_one_prompt"].as_u64().unwrap()
    );
    for (tower, name) in [(Tower::Text, "text"), (Tower::Image, "image")] {
        let mut layer = 0;
        while let Some(found) = shared.of_layer(tower, layer, &Pass::eval()) {
            check(
                "mmap",
                &format!("global.{name}_prompt.{layer}"),
                found.primal.inner(),
                &io,
                1e-12,
            );
            layer += 1;
        }
        assert!(layer > 1);
    }
    let texts = || ids("mmap", "input_ids_one_prompt");
    let mut mean = vec![0.0; tasks * tasks];
    for snapshot in 0..3 {
        let mut flats: Vec<Vec<f64>> = Vec::new();
        let mut total: Option<GradientsParams> = None;
        for index in 0..tasks {
            let found = logits(&towers, &[&shared], texts(), index);
            if snapshot == 0 {
                check(
                    "mmap",
                    &format!("global.logits.{index}"),
                    found.clone().inner(),
                    &io,
                    1e-10,
                );
            }
            let (grads, values) = of(&shared, loss(found, index));
            if snapshot == 0 {
                compare(&format!("global.grad.{index}"), &values);
            }
            flats.push(values.into_values().flatten().collect());
            match &mut total {
                None => total = Some(grads),
                Some(total) => state::add_gradients(total, grads, &shared),
            }
        }
        let found = modalign::transfer::task_groups::cosines(&flats);
        let all = io.read_f64("similarity_of_snapshots").unwrap();
        let want = &all[snapshot * tasks * tasks..(snapshot + 1) * tasks * tasks];
        for ((x, y), mean) in found.iter().zip(want).zip(&mut mean) {
            assert!((x - y).abs() < 1e-8, "snapshot {snapshot}: {x} and {y}");
            *mean += x / 3.0;
        }
        shared = moved(shared, &total.unwrap(), -0.05);
    }
    let want = io.read_f64("similarity").unwrap();
    assert!(mean.iter().zip(want).all(|(x, y)| (x - y).abs() < 1e-8));
    for (path, data) in state::state(&shared) {
        let want = io
            .read_f64(&format!("global_after_3_steps.{path}"))
            .unwrap();
        assert!(
            data.iter::<f64>()
                .zip(want)
                .all(|(x, y)| (x - y).abs() < 1e-9),
            "{path}"
        );
    }
}

#[test]
fn a_groups_prompt_and_a_tasks_are_joined() {
    let (io, towers, told) = (io("mmap"), fixed(), expected());
    let tasks = io.shape("labels").unwrap()[0];
    let mut sums: BTreeMap<u64, BTreeMap<String, Vec<f64>>> = BTreeMap::new();
    for index in 0..tasks {
        let group = told["group_of_task"][index].as_u64().unwrap();
        let parts = [
            prompt(&format!("group.{group}"), None),
            prompt(&format!("task.{index}"), None),
        ];
        let run = || {
            let texts = ids("mmap", "input_ids_two_prompts");
            logits(&towers, &[&parts[0], &parts[1]], texts, index)
        };
        check(
            "mmap",
            &format!("grouped.logits.{index}"),
            run().inner(),
            &io,
            1e-10,
        );
        let (_, own) = of(&parts[1], loss(run(), index));
        compare(&format!("grouped.grad_task.{index}"), &own);
        let (_, of_group) = of(&parts[0], loss(run(), index));
        let sum = sums.entry(group).or_default();
        for (path, values) in of_group {
            let all = sum.entry(path).or_insert_with(|| vec![0.0; values.len()]);
            all.iter_mut().zip(values).for_each(|(a, v)| *a += v);
        }
    }
    for (group, sum) in sums {
        compare(&format!("grouped.grad_group.{group}"), &sum);
    }
}

#[test]
fn below_their_depth_prompts_stay() {
    let shallow = prompt("global", Some(1));
    let texts = ids("mmap", "input_ids_one_prompt");
    let found = logits(&fixed(), &[&shallow], texts, 0);
    check(
        "mmap",
        "one_layer_deep.logits.0",
        found.inner(),
        &io("mmap"),
        1e-10,
    );
}

#[test]
fn sizes_that_do_not_divide_are_refused() {
    let files = two_tower::open(&fixture("mmap"), &Opening::default()).unwrap();
    let plain = PromptShape::default();
    for (shape, part) in [
        (PromptShape { rows: 3, ..plain }, "tokens of a prompt"),
        (PromptShape { rows: 0, ..plain }, "tokens of a prompt"),
        (
            PromptShape {
                columns: 5,
                ..plain
            },
            "columns of the source prompt",
        ),
        (
            PromptShape {
                tokens: 40,
                ..plain
            },
            "tokens of prompts",
        ),
        (
            PromptShape {
                depth: Some(0),
                ..plain
            },
            "depth",
        ),
        (
            PromptShape {
                std: f32::NAN,
                ..plain
            },
            "std",
        ),
    ] {
        let told = Prompt::new(&files.config, &shape, 0, &Device::flex(), DType::F32);
        let told = told.expect_err("refused").to_string();
        assert!(told.contains(part), "{told}");
    }
}
