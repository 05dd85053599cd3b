//! Two tables, compared: which rows are the same row, what counts as a difference, what is no table.

use super::diff::{Compared, Rows};

/// Compares two tables given as text.
fn of(a: &str, b: &str) -> Compared {
    let home = tempfile::tempdir().unwrap();
    let paths = ["a.csv", "b.csv"].map(|name| home.path().join(name));
    std::fs::write(&paths[0], a).unwrap();
    std::fs::write(&paths[1], b).unwrap();
    Compared::of(&paths[0], &paths[1]).unwrap()
}

fn rows(a: &str, b: &str) -> Rows {
    match of(a, b) {
        Compared::Both(rows) => rows,
        other => panic!("{other:?}"),
    }
}

const PROBE: &str = "encoder,encoder_title,method,seed,epochs,error,ok,seconds
pixels,Raw,-,,,0.5,true,1
emg,EMG,nft,0,10,0.25,true,2
emg,EMG,nft,1,10,0.5,true,3
";

#[test]
fn equal_rows_in_another_order_and_other_seconds_are_the_same() {
    let mut lines: Vec<&str> = PROBE.lines().collect();
    lines.swap(1, 3);
    let other = lines
        .join("\n")
        .replace(",3", ",7")
        .replace("0.25", "0.250");
    assert!(of(PROBE, &other).is_same());
    assert_eq!(rows(PROBE, &other).equal, 3);
}

#[test]
fn the_largest_difference_of_every_column_is_found_with_its_row() {
    let other = PROBE
        .replace("0.25,true", "0.75,false")
        .replace("1,10,0.5", "1,10,0.375");
    let found = rows(PROBE, &other);
    assert_eq!((found.equal, found.differing), (1, 2));
    let [error, ok] = &found.columns[..] else {
        panic!("{found:?}");
    };
    assert_eq!((error.column.as_str(), error.rows), ("error", 2));
    assert_eq!((error.largest, error.line), (Some(0.5), 3));
    assert_eq!(error.at, "emg · nft · seed 0");
    assert_eq!((error.a.as_str(), error.b.as_str()), ("0.25", "0.75"));
    assert_eq!((ok.column.as_str(), ok.largest), ("ok", None));
}

#[test]
fn epochs_are_a_value_unless_rows_need_them_as_a_key() {
    let found = rows(PROBE, &PROBE.replace(",10,", ",5,"));
    assert_eq!((found.differing, found.only_a), (2, 0));
    assert_eq!(found.columns[0].largest, Some(5.0));
    let again = "emg,EMG,nft,0,2,0.3,true,1\n";
    let found = rows(&format!("{PROBE}{again}"), &PROBE.replace(",10,", ",5,"));
    assert_eq!((found.equal, found.only_a, found.only_b), (1, 3, 2));
}

#[test]
fn rows_and_columns_that_only_one_has_are_counted() {
    let (short, _) = PROBE.rsplit_once("emg").unwrap();
    let wider = short
        .replace("seconds", "seconds,more")
        .replace(
            "\npixels,Raw,-,,,0.5,true,1",
            "\npixels,Raw,-,,,0.5,true,1,9",
        )
        .replace("true,2", "true,2,9");
    let found = rows(PROBE, &wider);
    assert_eq!((found.equal, found.only_a, found.only_b), (2, 1, 0));
    assert_eq!(found.columns_only_b, ["more"]);
}

#[test]
fn points_that_share_a_key_are_taken_in_order_and_nan_is_no_number() {
    let map = "encoder,x\np,1\np,2\np,NaN\n";
    assert!(of(map, map).is_same());
    let found = rows(map, "encoder,x\np,1\np,4\np,3\n");
    assert_eq!((found.equal, found.differing), (1, 2));
    assert_eq!((found.columns[0].largest, found.columns[0].line), (None, 4));
}

#[test]
fn a_row_is_named_by_what_tells_it_from_others() {
    let table = "target,seed,shape,test\nemg,0,1×16,0.5\nemg,1,1×16,0.5\n";
    let found = rows(table, &table.replace("0.5\nemg", "0.25\nemg"));
    assert_eq!(found.columns[0].at, "emg · seed 0");
    let twice = table.replace("emg,1", "emg,0");
    let found = rows(&twice, &twice.replace("0.5\nemg", "0.25\nemg"));
    assert_eq!(found.columns[0].at, "emg · seed 0 · 1×16");
}

#[test]
fn what_is_no_table_is_told() {
    let wide: Vec<String> = (0..2000).map(|i| i.to_string()).collect();
    for damaged in [
        "",
        "a,b\n1\n",
        "a,b\n1,2,3\n",
        "a,a\n1,2\n",
        &wide.join(","),
    ] {
        let found = of(damaged, PROBE);
        let Compared::Unreadable { error } = &found else {
            panic!("{found:?}");
        };
        assert!(error.contains("expected a CSV table"), "{error}");
        assert!(!found.is_same());
    }
    assert!(of("a,b\n", "a,b\n").is_same());
    assert_eq!(rows("x\n1\n", "y\n1\n").only_a, 0);
}
