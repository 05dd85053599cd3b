//! What the released code of HarMA calls a parameter: `resblocks.i.mmadapter…` under open_clip's names.

/// The released code's name of a parameter, of a checkpoint's entry `model`.
pub fn released_name(path: &str) -> String {
    if path == "temperature" {
        return "temp".into();
    }
    let (part, rest) = path.split_once('.').unwrap_or((path, ""));
    let (index, leaf) = rest.split_once('.').unwrap_or((rest, ""));
    let tower = if part == "image" { "visual." } else { "" };
    let block = format!("model.{tower}transformer.resblocks.{index}.");
    if leaf == "block_gate" {
        return format!("{block}gate1");
    }
    let leaf = leaf
        .replace("in_proj.", "in_proj_")
        .replace("gate", "gate1");
    if part == "share" {
        let leaf = leaf.replace("attention.", "multihead_attention1.");
        return format!("{block}mmadapter.BiShareAdapterxx.{leaf}");
    }
    let leaf = leaf
        .replace("attention.", "multihead_attention.")
        .replace("down.", "img_proj_down.")
        .replace("up.", "img_proj_up.");
    format!("{block}mmadapter.{leaf}")
}
