//! What arrays with features of layers are called in files: `layer_00` behind the embedder, `layer_01` behind the first block.

/// What the names begin with.
const LAYER: &str = "layer_";

/// The name of a layer's array; 0 is the embedder's.
pub fn layer_name(layer: usize) -> String {
    format!("{LAYER}{layer:02}")
}

/// The layer whose features an array of this name has, if it is such a name.
pub fn layer_of(name: &str) -> Option<usize> {
    name.strip_prefix(LAYER)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for layer in [0, 7, 12, 130] {
            assert_eq!(layer_of(&layer_name(layer)), Some(layer));
        }
        assert_eq!(layer_name(3), "layer_03");
        for other in ["layer_", "layer_x", "layers", "layernorm"] {
            assert_eq!(layer_of(other), None);
        }
    }
}
