//! Captions as the released code of HarMA reads them (`pre_caption`), which it has from BLIP: fewer words differ.

/// Most words that are kept.
const WORDS: usize = 30;

/// A caption in lower case, without `, . ' ! ? " ( ) * # : ; ~`, hyphens and strokes as spaces, runs of spaces as one, and no
/// more than its first thirty words.
pub fn cleaned(text: &str) -> String {
    let lower = text.to_lowercase();
    let kept = lower.chars().filter(|c| !",.'!?\"()*#:;~".contains(*c));
    let spaced: String = kept
        .map(|c| if matches!(c, '-' | '/') { ' ' } else { c })
        .collect();
    let words: Vec<&str> = spaced.split_whitespace().take(WORDS).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn captions_lose_what_does_not_tell_them_apart() {
        let text = "  A T-junction, (seen\tfrom above): it's wide / green.  ";
        assert_eq!(cleaned(text), "a t junction seen from above its wide green");
        assert_eq!(cleaned(&"word ".repeat(40)).split(' ').count(), 30);
        assert_eq!(cleaned("?!"), "");
    }
}
