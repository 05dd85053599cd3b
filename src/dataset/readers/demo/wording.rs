//! Five captions of a drawing: five sentences that mention different things in different words, so that no caption is found
//! by a word alone, and captions of different drawings rarely coincide.

use rand::{Rng, RngExt};

use super::drawing::{Drawing, Hue, Item};
use super::shape::Shape;
use super::texture::Fill;

/// Captions of a drawing.
pub const CAPTIONS: usize = 5;

/// Words for an outline, the name of its class first.
fn nouns(shape: Shape) -> [&'static str; 2] {
    let other = match shape {
        Shape::Disk => "circle",
        Shape::Ring => "hoop",
        Shape::Square => "box",
        Shape::Triangle => "wedge",
        Shape::Star => "pentagram",
        Shape::Cross => "plus sign",
        Shape::Crescent => "moon",
        Shape::Heart => "love heart",
        Shape::Flower => "blossom",
        Shape::Bar => "rectangle",
    };
    [shape.noun(), other]
}

fn colours(hue: Hue) -> [&'static str; 2] {
    match hue {
        Hue::Red => ["red", "scarlet"],
        Hue::Orange => ["orange", "tangerine"],
        Hue::Yellow => ["yellow", "lemon"],
        Hue::Green => ["green", "emerald"],
        Hue::Turquoise => ["turquoise", "cyan"],
        Hue::Blue => ["blue", "azure"],
        Hue::Purple => ["purple", "violet"],
        Hue::Pink => ["pink", "rose"],
    }
}

/// Words for a fill before a noun.
fn fills(fill: Fill) -> [&'static str; 2] {
    match fill {
        Fill::Striped => ["striped", "stripy"],
        Fill::Checked => ["checked", "chequered"],
        Fill::Dotted => ["dotted", "spotted"],
        _ => ["plain", "solid"],
    }
}

/// Words for a fill behind a noun.
fn patterns(fill: Fill) -> [&'static str; 2] {
    match fill {
        Fill::Striped => ["with stripes", "crossed by lines"],
        Fill::Checked => ["with checks", "like a chessboard"],
        Fill::Dotted => ["with dots", "full of spots"],
        _ => ["without a pattern", "of one colour"],
    }
}

fn sizes(large: bool) -> [&'static str; 2] {
    if large {
        ["large", "big"]
    } else {
        ["small", "little"]
    }
}

fn places([row, column]: [usize; 2]) -> [&'static str; 2] {
    match (row, column) {
        (0, 0) => ["in the top left corner", "at the upper left"],
        (0, 1) => ["at the top", "near the upper edge"],
        (0, _) => ["in the top right corner", "at the upper right"],
        (1, 0) => ["on the left", "near the left edge"],
        (1, 1) => ["in the middle", "at the centre"],
        (1, _) => ["on the right", "near the right edge"],
        (_, 0) => ["in the bottom left corner", "at the lower left"],
        (_, 1) => ["at the bottom", "near the lower edge"],
        (_, _) => ["in the bottom right corner", "at the lower right"],
    }
}

/// What the first is to the second, or the second to the first.
fn relations(beside: bool, converse: bool) -> [&'static str; 2] {
    match (beside, converse) {
        (true, false) => ["to the left of", "left of"],
        (true, true) => ["to the right of", "right of"],
        (false, false) => ["above", "over"],
        (false, true) => ["below", "under"],
    }
}

/// Words put together, with "a" or "an" before them.
fn a(words: &[&str]) -> String {
    let article = match words.first().and_then(|word| word.chars().next()) {
        Some('a' | 'e' | 'i' | 'o' | 'u') => "an",
        _ => "a",
    };
    format!("{article} {}", words.join(" "))
}

/// One of two words.
fn one(rng: &mut impl Rng, of: [&'static str; 2]) -> &'static str {
    of[usize::from(rng.random::<bool>())]
}

/// The captions of a drawing, in an order that says nothing; `rng` chooses among words for the same.
pub fn captions(drawing: &Drawing, rng: &mut impl Rng) -> Vec<String> {
    let said = |template: usize| match drawing {
        Drawing::One(item) => alone(item, template, &mut *rng),
        Drawing::Two { items, beside } => both(items, *beside, template, &mut *rng),
    };
    (0..CAPTIONS).map(said).collect()
}

fn alone(item: &Item, template: usize, rng: &mut impl Rng) -> String {
    let noun = one(rng, nouns(item.shape));
    let colour = one(rng, colours(item.hue));
    let size = one(rng, sizes(item.large));
    let fill = one(rng, fills(item.fill));
    let pattern = one(rng, patterns(item.fill));
    let place = one(rng, places(item.cell));
    match template {
        0 => format!("{} {place}", a(&[size, fill, colour, noun])),
        1 => format!("{} {pattern}, {place}", a(&[colour, noun])),
        2 => format!("there is {} {place}", a(&[size, colour, noun])),
        3 => format!("{place}, {} in {colour}", a(&[fill, noun])),
        _ => format!(
            "nothing but {} {pattern}, {place}",
            a(&[size, colour, noun])
        ),
    }
}

fn both(items: &[Item; 2], beside: bool, template: usize, rng: &mut impl Rng) -> String {
    let converse = rng.random::<bool>();
    let relation = one(rng, relations(beside, converse));
    let [first, second] = if converse {
        [&items[1], &items[0]]
    } else {
        [&items[0], &items[1]]
    };
    let [first, second] = [first, second].map(|item| {
        let noun = one(rng, nouns(item.shape));
        let colour = one(rng, colours(item.hue));
        let size = one(rng, sizes(item.large));
        let fill = one(rng, fills(item.fill));
        match template {
            0 => a(&[fill, colour, noun]),
            1 => a(&[size, colour, noun]),
            2 => a(&[colour, noun]),
            3 => format!("{} {}", a(&[colour, noun]), one(rng, patterns(item.fill))),
            _ => format!("{} in {colour}", a(&[size, fill, noun])),
        }
    });
    match template {
        1 => format!("two shapes: {first} and {second}"),
        2 => format!("there is {first} {relation} {second}"),
        3 => format!("{first}, and {second}"),
        _ => format!("{first} {relation} {second}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::drawing::FILLS;
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_word_means_two_things() {
        let mut words = HashSet::new();
        let nouns = Shape::ALL.into_iter().flat_map(nouns);
        let colours = Hue::ALL.into_iter().flat_map(colours);
        let fills = FILLS
            .into_iter()
            .flat_map(|f| [fills(f), patterns(f)].concat());
        let sizes = [true, false].into_iter().flat_map(sizes);
        let places = (0..9).flat_map(|cell| places([cell / 3, cell % 3]));
        let relations = (0..4).flat_map(|i| relations(i / 2 == 0, i % 2 == 0));
        for word in nouns
            .chain(colours)
            .chain(fills)
            .chain(sizes)
            .chain(places)
            .chain(relations)
        {
            assert!(words.insert(word), "{word} twice");
        }
    }

    #[test]
    fn relations_name_the_things_in_their_order() {
        let item = |shape, cell| Item {
            shape,
            fill: Fill::Plain,
            hue: Hue::Orange,
            large: true,
            cell,
        };
        let items = [item(Shape::Star, [1, 0]), item(Shape::Heart, [1, 2])];
        let drawing = Drawing::Two {
            items,
            beside: true,
        };
        let mut rng = crate::random::DEMO_DRAWING.rng(3, &[]);
        for _ in 0..20 {
            let said = &captions(&drawing, &mut rng)[2];
            let star_first = said.find("star").or(said.find("pentagram")) < said.find("heart");
            assert_eq!(star_first, said.contains("left of"), "{said}");
            assert!(!said.contains("a orange"), "{said}");
        }
    }
}
