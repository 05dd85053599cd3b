//! The dictionaries of named tensors within a checkpoint. Training scripts save the state dict
//! beside an optimiser, counters and settings; whole modules are saved as objects, whose state
//! holds their parameters. Whatever else there is is passed over.

use super::tensor::{self, Kept, Tensor};
use crate::files::pickle::Value;
use std::collections::HashSet;

/// Most values that are looked at.
const MOST: usize = 1 << 20;
/// How deep dictionaries and modules may stand within each other.
const DEEPEST: usize = 48;

/// A dictionary of named tensors.
#[derive(Default)]
pub(super) struct Dictionary {
    /// The keys that lead to it.
    pub path: Vec<String>,
    pub tensors: Vec<(String, Tensor)>,
    /// Names of objects in it that are no tensors, and their classes.
    pub foreign: Vec<(String, String)>,
}

impl Dictionary {
    fn take(&mut self, name: String, value: Value) {
        match tensor::read(value) {
            Kept::Tensor(tensor) => self.tensors.push((name, tensor)),
            Kept::Foreign(class) => self.foreign.push((name, class)),
            Kept::Plain => {}
        }
    }

    /// Of equal names the last counts, as in Python.
    fn settle(mut self) -> Self {
        let mut seen = HashSet::new();
        self.tensors.reverse();
        self.tensors.retain(|(name, _)| seen.insert(name.clone()));
        self.tensors.reverse();
        self
    }

    /// The keys that lead to it, as `--key` takes them.
    pub fn key(&self) -> String {
        self.path.join(".")
    }
}

/// The text of a dictionary's key.
fn key(value: Value) -> Option<String> {
    value
        .text()
        .ok()
        .or_else(|| Some(value.integer().ok()?.to_string()))
}

/// The attributes of an object, as its state sets them.
fn attributes<'p, 'a>(value: Value<'p, 'a>) -> Option<Vec<(Value<'p, 'a>, Value<'p, 'a>)>> {
    let state = value.object()?.state()?;
    state.entries().or_else(|| {
        // (attributes, slots)
        state.items().ok()?.first()?.entries()
    })
}

/// An attribute by name.
fn attribute<'p, 'a>(value: Value<'p, 'a>, name: &str) -> Option<Value<'p, 'a>> {
    let all = attributes(value)?;
    let found = all.iter().rfind(|(k, _)| k.text().is_ok_and(|k| k == name));
    found.map(|(_, value)| *value)
}

/// Whether an object is a module of PyTorch, compiled ones included.
fn is_module(value: Value) -> bool {
    attribute(value, "_modules").is_some()
        || value
            .object()
            .is_some_and(|o| o.class().starts_with("__torch__."))
}

/// Adds the parameters and buffers of a module under their names.
fn add_module(module: Value, prefix: &str, depth: usize, out: &mut Dictionary) {
    if depth > DEEPEST || out.tensors.len() > MOST {
        return;
    }
    let compiled = attribute(module, "_modules").is_none();
    let unsaved: HashSet<String> = attribute(module, "_non_persistent_buffers_set")
        .map(members_of_set)
        .unwrap_or_default();
    let mut children = Vec::new();
    if compiled {
        children = attributes(module).unwrap_or_default();
    } else {
        for part in ["_parameters", "_buffers", "_modules"] {
            let part = attribute(module, part).and_then(Value::entries);
            children.extend(part.unwrap_or_default());
        }
    }
    for (name, value) in children {
        let Ok(name) = name.text() else { continue };
        if unsaved.contains(&name) {
            continue;
        }
        let full = format!("{prefix}{name}");
        if is_module(value) {
            add_module(value, &format!("{full}."), depth + 1, out);
        } else if let Kept::Tensor(tensor) = tensor::read(value) {
            out.tensors.push((full, tensor));
        }
    }
}

fn members_of_set(set: Value) -> HashSet<String> {
    let items = match set.object() {
        // protocols before 4 call set with a list
        Some(object) => match object.arguments().first() {
            Some(list) => list.items(),
            None => return HashSet::new(),
        },
        None => set.items(),
    };
    let items = items.unwrap_or_default().into_iter();
    items.filter_map(|item| item.text().ok()).collect()
}

/// What stands in a value: entries of a dictionary, items of a list, attributes of an object.
fn children<'p, 'a>(value: Value<'p, 'a>) -> Vec<(String, Value<'p, 'a>)> {
    let entries = value.entries().or_else(|| attributes(value));
    if let Some(entries) = entries {
        let named = entries.into_iter();
        return named.filter_map(|(k, v)| Some((key(k)?, v))).collect();
    }
    let items = value.items().unwrap_or_default().into_iter();
    let numbered = items.enumerate();
    numbered.map(|(i, v)| (i.to_string(), v)).collect()
}

/// All dictionaries that hold tensors themselves, and all modules, from the root on.
pub(super) fn dictionaries(root: Value) -> Vec<Dictionary> {
    let mut found = Vec::new();
    let mut seen = HashSet::from([root.id()]);
    let mut queue = std::collections::VecDeque::from([(root, Vec::<String>::new())]);
    while let Some((value, path)) = queue.pop_front() {
        let mut own = Dictionary {
            path: path.clone(),
            ..Dictionary::default()
        };
        if is_module(value) {
            add_module(value, "", 0, &mut own);
        } else if !matches!(tensor::read(value), Kept::Tensor(_)) {
            let named = value.entries().is_some();
            for (name, child) in children(value) {
                if seen.len() > MOST {
                    break;
                }
                if named {
                    own.take(name.clone(), child);
                }
                let inner = child.holds_values() && !matches!(tensor::read(child), Kept::Tensor(_));
                if inner && path.len() < DEEPEST && seen.insert(child.id()) {
                    let mut path = path.clone();
                    path.push(name);
                    queue.push_back((child, path));
                }
            }
        }
        if !own.tensors.is_empty() {
            found.push(own.settle());
        }
    }
    found
}

/// All tensors below a value as one dictionary, their names joined from the keys.
pub(super) fn flat(value: Value, path: Vec<String>) -> Dictionary {
    fn add(value: Value, prefix: &str, depth: usize, left: &mut usize, out: &mut Dictionary) {
        if is_module(value) {
            return add_module(value, prefix, depth, out);
        }
        for (name, child) in children(value) {
            if *left == 0 || depth > DEEPEST {
                return;
            }
            *left -= 1;
            let full = format!("{prefix}{name}");
            match tensor::read(child) {
                Kept::Tensor(tensor) => out.tensors.push((full, tensor)),
                _ => add(child, &format!("{full}."), depth + 1, left, out),
            }
        }
    }
    let mut out = Dictionary {
        path,
        ..Dictionary::default()
    };
    add(value, "", 0, &mut (MOST / 4), &mut out);
    out.settle()
}

/// The value under a dotted key; keys may hold dots themselves.
pub(super) fn under<'p, 'a>(
    root: Value<'p, 'a>,
    asked: &str,
) -> Option<(Vec<String>, Value<'p, 'a>)> {
    fn find<'p, 'a>(
        value: Value<'p, 'a>,
        asked: &str,
        depth: usize,
    ) -> Option<(Vec<String>, Value<'p, 'a>)> {
        let all = children(value);
        if let Some((name, child)) = all.iter().rfind(|(name, _)| name == asked) {
            return Some((vec![name.clone()], *child));
        }
        if depth == 0 {
            return None;
        }
        all.into_iter().rev().find_map(|(name, child)| {
            let rest = asked.strip_prefix(name.as_str())?.strip_prefix('.')?;
            let (mut path, found) = find(child, rest, depth - 1)?;
            path.insert(0, name);
            Some((path, found))
        })
    }
    find(root, asked, DEEPEST)
}

/// What a root is, for messages: the keys of a dictionary and what stands under them.
pub(super) fn describe(root: Value) -> String {
    if let Some(entries) = root.entries() {
        let mut keys: Vec<String> = entries
            .into_iter()
            .filter_map(|(k, v)| {
                let name = key(k)?;
                Some(match v.object() {
                    Some(_) => format!("{name} ({})", v.kind()),
                    None => name,
                })
            })
            .collect();
        keys.sort_unstable();
        let more = if keys.len() > 12 { ", …" } else { "" };
        keys.truncate(12);
        return format!("a dictionary of {}{more}", keys.join(", "));
    }
    match root.items() {
        Ok(items) => format!("a list of {}", items.len()),
        Err(_) => root.kind(),
    }
}
