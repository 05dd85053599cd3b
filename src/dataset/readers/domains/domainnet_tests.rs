use super::super::tests::{ids, lengths, opened, picture, said, spec};
use crate::dataset::{class_counts, labels, open};
use crate::files::fuzz;
use crate::suite::dataset::{DatasetSpec, DomainClasses};

/// Three classes of DomainNet in two domains: painting has no `bus`, and no `t-shirt` in its training list.
fn nets(folder: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("domainnet");
    let classes = ["ant", "bus", "t-shirt"];
    for (domain, numbers, tested) in [
        ("clipart", &[0, 1, 2][..], &[0, 1, 2][..]),
        ("painting", &[0][..], &[0, 2][..]),
    ] {
        for (part, numbers, count) in [("train", numbers, 10), ("test", tested, 3)] {
            let line = |class: usize, i: usize| {
                let path = format!("{domain}/{}/{part}_{i}.png", classes[class]);
                picture(&place.join(&path));
                format!("{path} {class}\n")
            };
            let lines = numbers
                .iter()
                .flat_map(|&class| (0..count).map(move |i| (class, i)));
            let text: String = lines.map(|(class, i)| line(class, i)).collect();
            let file = place.join(format!("{folder}{domain}_{part}.txt"));
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
    }
    home
}

#[test]
fn lists_say_parts_and_numbers_of_domainnet() {
    for (folder, reader) in [
        ("splits/", "domainnet"),
        ("", "domainnet"),
        ("splits_mini/", "mini-domainnet"),
    ] {
        let home = nets(folder);
        let found = opened(&home, &spec(&format!("{reader}-clipart"))).unwrap();
        assert_eq!(lengths(&found), [27, 3, 9]);
        assert_eq!(found.train.classes(), ["ant", "bus", "t-shirt"]);
        assert!(
            ids(found.test.as_ref())
                .iter()
                .all(|id| id.contains("/test_"))
        );
        let notes = found.notes.join("\n");
        for told in [
            "3 classes, where ",
            "give no classes: those of ",
            "a tenth of every class of the training list validates",
        ] {
            assert!(notes.contains(told), "{told}: {notes}");
        }
        let found = opened(&home, &spec(&format!("{reader}-painting"))).unwrap();
        assert_eq!(class_counts(found.test.as_ref()), [3, 0, 3]);
        let notes = found.notes.join("\n");
        for told in [
            "has no picture of 1 of them (the first is \"bus\")",
            "\"t-shirt\" occurs in the test part alone",
        ] {
            assert!(notes.contains(told), "{told}: {notes}");
        }
        let own = DatasetSpec {
            classes: DomainClasses::Own,
            ..spec(&format!("{reader}-painting"))
        };
        let found = opened(&home, &own).unwrap();
        assert_eq!(labels(found.test.as_ref()), [0, 0, 0, 1, 1, 1]);
        // Hidden from the set, pictures that no list names are nothing.
        picture(&home.path().join("domainnet/clipart/ant/more.png"));
        let again = opened(&home, &spec(&format!("{reader}-clipart"))).unwrap();
        assert_eq!(lengths(&again), [27, 3, 9]);
    }
}

#[test]
fn numbers_with_a_gap_are_closed_and_that_is_told() {
    let home = nets("splits/");
    std::fs::remove_file(home.path().join("domainnet/splits/clipart_train.txt")).unwrap();
    let found = opened(&home, &spec("domainnet-painting")).unwrap();
    assert_eq!(found.test.classes(), ["ant", "t-shirt"]);
    assert_eq!(labels(found.test.as_ref()), [0, 0, 0, 1, 1, 1]);
    let notes = found.notes.join("\n");
    assert!(
        notes.contains("have gaps") && notes.contains("clipart"),
        "{notes}"
    );
}

#[test]
fn what_contradicts_in_lists_is_refused_with_its_line() {
    let said = |list: &str, from: &str, to: &str| {
        let home = nets("splits_mini/");
        let file = home
            .path()
            .join(format!("domainnet/splits_mini/{list}.txt"));
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from));
        std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
        let said = said(&home, &spec("mini-domainnet-clipart"));
        assert!(said.contains(list), "{said}");
        said
    };
    let of_train = |from: &str, to: &str| said("clipart_train", from, to);
    for (from, to, told) in [
        (
            "ant/train_3.png 0",
            "ant/train_3.png 1",
            "line 4: expected label 0 of class \"ant\"",
        ),
        (
            "bus/train_3.png 1",
            "bus/train_3.png 0",
            "line 14: expected a picture of class \"ant\", which lines before give label 0",
        ),
        ("bus/train_0.png 1", "bus/train_0.png", "line 11"),
        ("bus/train_0.png 1", "bus/train_0.png one", "line 11"),
        ("clipart/bus/train_0", "painting/bus/train_0", "line 11"),
        ("clipart/bus/train_0", "clipart/../train_0", "line 11"),
        ("clipart/bus/train_0.png", "clipart/train_0.png", "line 11"),
        (
            "bus/train_0.png",
            "bus/gone.png",
            "line 11: expected every picture of the list",
        ),
    ] {
        let found = of_train(from, to);
        assert!(found.contains(told), "{told}: {found}");
    }
    let both = said(
        "clipart_test",
        "clipart/ant/test_0.png",
        "clipart/ant/train_0.png",
    );
    assert!(
        both.contains("line 1: expected a picture in one of the two lists"),
        "{both}"
    );
    // Another domain's list gives the same number to another class.
    let other = said(
        "painting_test",
        "painting/t-shirt/test_0.png 2",
        "painting/yak/test_0.png 2",
    );
    assert!(other.contains("a picture of class \"t-shirt\""), "{other}");
    let home = nets("splits_mini/");
    let file = home.path().join("domainnet/splits_mini/clipart_train.txt");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        format!(
            "\u{feff}{}\r\n\r\n",
            text.replace('\n', "\r\n") + "clipart/ant/train_0.png 0"
        ),
    )
    .unwrap();
    let found = opened(&home, &spec("mini-domainnet-clipart")).unwrap();
    let notes = found.notes.join("\n");
    assert!(
        notes.contains("name a picture once more, left out: 1"),
        "{notes}"
    );
    assert_eq!(lengths(&found), [27, 3, 9]);
    std::fs::write(&file, "\n").unwrap();
    let empty = opened(&home, &spec("mini-domainnet-clipart"))
        .err()
        .unwrap();
    assert!(empty.contains("at least one picture"), "{empty}");
}

#[test]
fn no_flip_makes_a_list_panic() {
    let home = nets("splits_mini/");
    let file = home.path().join("domainnet/splits_mini/clipart_train.txt");
    let good = std::fs::read(&file).unwrap();
    fuzz::rounds(&good, 40, |bytes, _| {
        std::fs::write(&file, bytes).unwrap();
        open(&spec("mini-domainnet-clipart"), Some(home.path()), 0)
    });
}
