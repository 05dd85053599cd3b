//! Tests of the report as its readers meet it: a run folder goes in, one HTML file comes out. The
//! fixture tables hold invented numbers (`tests/fixtures/tables/make.py`).

use std::path::Path;

use super::{ReportError, write};
use crate::table::Row as _;

const RECORD: &str = r#"{
    "schema_version": 1, "suite": "demo", "suite_title": "Demo", "version": "0.1.0",
    "device": "cpu", "threads": 2, "seeds": [0], "finished": "2024-06-01T10:00:00Z",
    "command": "modalign report --suite demo", "notes": ["invented numbers"],
    "source": {"model": "demo", "sha256": "00ff", "parameters": 12, "classes": 80},
    "inputs": [{"name": "weights", "sha256": "00ff"}]
}"#;

/// A run folder with the fixture tables.
pub(super) fn run() -> tempfile::TempDir {
    let run = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tables");
    std::fs::create_dir(run.path().join("tables")).unwrap();
    for entry in std::fs::read_dir(fixtures).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            let copy = run.path().join("tables").join(path.file_name().unwrap());
            std::fs::copy(&path, copy).unwrap();
        }
    }
    std::fs::write(run.path().join("run.json"), RECORD).unwrap();
    run
}

fn html(run: &Path) -> String {
    std::fs::read_to_string(write(run, true).unwrap()).unwrap()
}

pub(super) fn replace(run: &Path, table: &str, from: &str, to: &str) {
    let path = run.join("tables").join(table);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{table} lacks {from}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

/// One section of a page.
fn section(page: &str, id: &str) -> String {
    let opening = format!("<section id=\"{id}\">");
    let rest = page.split_once(&opening).expect(id).1;
    rest.split_once("</section>").unwrap().0.to_owned()
}

/// The page without embedded fonts, styles and downloads, in which any text may occur.
fn visible(page: &str) -> String {
    let body = page.split_once("</style>").unwrap().1;
    body.split("base64,")
        .map(|part| part.split_once('"').map_or(part, |(_, rest)| rest))
        .collect()
}

#[test]
fn same_run_gives_the_same_bytes() {
    let run = run();
    assert!(html(run.path()) == html(run.path()));
}

#[test]
fn one_file_without_script_or_network() {
    let page = html(run().path());
    assert!(page.contains("default-src 'none'"));
    assert!(!page.contains("<script") && !page.contains("<link") && !page.contains("@import"));
    let body = visible(&page).replace("http://www.w3.org/2000/svg", "");
    for address in ["http:", "https:", "src=", "url("] {
        assert!(!body.contains(address), "the page refers to {address}");
    }
}

#[test]
fn sections_speak_from_the_tables() {
    let page = html(run().path());
    let text = section(&page, "distortion") + &section(&page, "discrepancy");
    assert!(
        text.contains("12.1\u{a0}%") && text.contains("raised it"),
        "{text}"
    );
    assert!(text.contains("No change beyond noise"), "{text}");
    assert!(
        text.contains("href=\"#probe-7\""),
        "numbers lead to their rows"
    );
    assert!(page.contains("id=\"probe-7\""), "and the rows are there");
    assert!(text.contains("the same order"), "{text}");
}

#[test]
fn overlapping_intervals_are_no_difference() {
    let run = run();
    for (from, to) in [
        ("0.304000,0.27", "0.125000,0.10"),
        ("0.221000,0.19", "0.130000,0.11"),
    ] {
        replace(run.path(), "probe.csv", from, to);
    }
    replace(run.path(), "paired.csv", ",higher,3", ",not shown,3");
    let page = html(run.path());
    assert!(page.contains("shows no change beyond noise on any target"));
    assert!(page.contains("another order than"));
}

#[test]
fn hostile_names_come_out_inert() {
    let run = run();
    let evil = r#"</script><img src=x onerror=alert(1)>"" onload=""alert(2)' --> </svg></style>"#;
    for (table, name) in [
        ("tsne.csv", "disc"),
        ("probe.csv", "Sound"),
        ("discrepancy.csv", "Sound"),
        ("pairs.csv", "Sound"),
        ("targets.csv", "Sound"),
        ("curves.csv", "Sound"),
        ("geometry.csv", "Sound"),
        ("measures.csv", "Sound"),
        ("cka.csv", "Sound"),
    ] {
        replace(
            run.path(),
            table,
            &format!(",{name},"),
            &format!(",\"{evil}\","),
        );
    }
    let record = RECORD.replace("\"Demo\"", r#""</title><script>alert(3)</script>""#);
    let record = record.replace("invented numbers", "<b onclick=alert(4)>note</b>");
    std::fs::write(run.path().join("run.json"), record).unwrap();
    let page = html(run.path());
    let body = visible(&page);
    for tag in ["<script", "<img", "<b onclick", "\" onload=", "--> <"] {
        assert!(
            !page.contains(tag) && !body.contains(tag),
            "{tag} came through"
        );
    }
    assert_eq!(page.matches("</title>").count(), 1);
    assert_eq!(page.matches("</style>").count(), 1);
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert!(
        body.contains("&lt;img src=x onerror=alert(1)&gt;"),
        "the name itself is still shown"
    );
}

#[test]
fn missing_results_say_not_run() {
    let run = run();
    for table in std::fs::read_dir(run.path().join("tables")).unwrap() {
        std::fs::remove_file(table.unwrap().path()).unwrap();
    }
    let page = html(run.path());
    assert!(
        page.matches("not run").count() >= 8,
        "one for every missing table"
    );
    assert!(section(&page, "distortion").contains("not run"));
}

#[test]
fn missing_record_fields_say_not_recorded() {
    let run = run();
    std::fs::write(run.path().join("run.json"), "{}").unwrap();
    let page = html(run.path());
    assert!(page.contains("not recorded"));
}

#[test]
fn tables_without_rows_are_not_run() {
    let run = run();
    for entry in std::fs::read_dir(run.path().join("tables")).unwrap() {
        let path = entry.unwrap().path();
        let header = std::fs::read_to_string(&path)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .to_owned();
        std::fs::write(&path, header + "\n").unwrap();
    }
    assert!(html(run.path()).contains("not run"));
}

#[test]
fn broken_runs_are_typed_errors() {
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(
        write(empty.path(), true),
        Err(ReportError::NotARun { .. })
    ));
    let run = run();
    std::fs::write(run.path().join("run.json"), "{\"notes\": 3").unwrap();
    assert!(matches!(
        write(run.path(), true),
        Err(ReportError::Record { .. })
    ));
    std::fs::write(run.path().join("run.json"), RECORD).unwrap();
    replace(run.path(), "discrepancy.csv", ",divergence,", ",divergenz,");
    let error = write(run.path(), true).unwrap_err().to_string();
    assert!(
        error.contains("discrepancy.csv") && error.contains("`divergence`"),
        "{error}"
    );
    assert!(
        !run.path().join("report.html").exists(),
        "nothing half-done is left"
    );
}

#[test]
fn several_methods_and_seeds_are_told_apart() {
    let run = run();
    let path = run.path().join("tables/probe.csv");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (method, error) in [("nft", 0.31), ("mona", 0.12), ("mona", 0.13)] {
        let (lower, upper) = (error - 0.02, error + 0.02);
        text += &format!("sound,Sound,{method},1,10,{error},{lower},{upper},0.3,4000,1000\n");
    }
    std::fs::write(&path, text).unwrap();
    let path = run.path().join("tables/paired.csv");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text += "sound,Sound,mona,pretrained,source-error,0.125,0.121,0.004,-0.05,0.06,0.6,1,not shown,2,1000,1000\n";
    std::fs::write(&path, text).unwrap();
    let page = html(run.path());
    assert!(
        page.contains("30.4\u{a0}%</a>–<a"),
        "two seeds give a range"
    );
    assert!(page.contains("MoNA shows no change beyond noise"));
    assert!(
        page.contains("Meta-gradient"),
        "what MoNA does is told where it ran"
    );
    assert!(
        !html(self::run().path()).contains("Meta-gradient"),
        "and only there"
    );
}

#[test]
fn comparison_speaks_of_verdicts_only() {
    let run = run();
    replace(
        run.path(),
        "paired.csv",
        "sound,Sound,mona,nft,source-error",
        "sound,Sound,mona,orca,source-error",
    );
    let path = run.path().join("tables/paired.csv");
    let mut text = std::fs::read_to_string(&path).unwrap();
    // An interval clear of zero is no verdict: its p has to hold beside everything else.
    for (baseline, upper, verdict) in [
        ("nft", -0.01, "lower"),
        ("emb", -0.01, "not shown"),
        ("orca", -0.01, "not tested"),
    ] {
        text += &format!(
            "last,Last,mona,{baseline},source-error,0.2,0.23,-0.03,-0.05,{upper},0.01,0.2,{verdict},3,1000,1000\n"
        );
    }
    std::fs::write(&path, text).unwrap();
    let page = html(run.path());
    let said = section(&visible(&page), "paired");
    let against = |name: &str| {
        let rest = said.split_once(&format!("Against {name}")).unwrap().1;
        rest.split_once("</li>").unwrap().0.to_owned()
    };
    assert!(
        against("plain fine-tuning (NFT)").contains("lower on "),
        "{}",
        against("plain fine-tuning (NFT)")
    );
    assert!(against("plain fine-tuning (NFT)").contains("\u{2212}3.0"));
    assert!(against("a mere warm-up (Emb)").contains("not shown to differ on <b>Last</b>"));
    assert!(against("ORCA").contains("not tested, of one seed, on "));
    // The clean contrast leads.
    let place = |name: &str| said.find(&format!("Against {name}")).unwrap();
    assert!(
        place("a mere warm-up (Emb)") < place("plain fine-tuning (NFT)")
            && place("a mere warm-up (Emb)") < place("ORCA")
    );
    assert!(said.contains("is the effect of what MoNA proposes"));
    assert!(page.contains("Paired differences between methods."));
    assert!(page.contains("D at every stage"));
    // The verdict: of the last target alone something is shown, against plain fine-tuning.
    let verdict = section(&visible(&page), "summary");
    assert!(verdict.contains("more of the source"), "{verdict}");
    assert!(
        verdict
            .find("MoNA is not shown to differ from a mere warm-up (Emb)")
            .is_some()
    );
}

#[test]
fn verdicts_of_an_older_version_are_judged_again() {
    let run = run();
    let path = run.path().join("tables/paired.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let older = text.lines().filter(|line| !line.contains(",pretrained,"));
    let older: Vec<String> = older
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            [&cells[..10], &cells[13..15]].concat().join(",")
        })
        .collect();
    assert!(older[0].ends_with("lower,upper,seeds,samples"));
    std::fs::write(&path, older.join("\n") + "\n").unwrap();
    let page = html(run.path());
    assert!(page.contains("verdicts were judged again"));
    // Without the seeds' own values nothing can be shown, and one seed is no change.
    let page = visible(&page);
    let said =
        section(&page, "summary") + &section(&page, "distortion") + &section(&page, "paired");
    assert!(!said.contains("lower on ") && !said.contains("higher on "));
    assert!(said.contains("One seed says nothing of others"));
    assert!(!said.contains("raised it"));
    // Twice as many seeds of a clear change are shown.
    let path = run.path().join("tables/probe.csv");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (seed, error) in [(1, 0.3045), (2, 0.3035)] {
        text += &format!("sound,Sound,nft,{seed},10,{error},0.27,0.33,0.3,4000,1000\n");
    }
    std::fs::write(&path, text).unwrap();
    let page = html(run.path());
    let text = section(&page, "distortion");
    assert!(text.contains("raised it") && text.contains("<b>Sound</b>"));
    assert!(!html(self::run().path()).contains("judged again"));
}

#[test]
fn scores_stand_beside_d_with_range_and_direction() {
    let run = run();
    let page = html(run.path());
    let cka = section(&page, "cka");
    assert!(cka.contains("Agreement of the encoders.") && cka.contains("<svg"));
    let section = section(&page, "transferability");
    let line = |name: &str| {
        let rest = section.split_once(&format!("<td>{name}</td>")).unwrap().1;
        rest.split_once("</tr>").unwrap().0.to_owned()
    };
    let leep = line("LEEP");
    assert!(
        leep.contains("at most 0") && leep.contains("higher"),
        "{leep}"
    );
    let order = |text: &str, names: [&str; 3]| {
        let at = names.map(|name| text.find(name).expect(name));
        assert!(at.is_sorted(), "{text}");
    };
    order(&leep, ["Unseen images", "Spherical", "EMG gestures"]);
    assert!(!leep.contains("Sound"), "without a value it has no place");
    assert!(line("modality gap").contains("Sound") && line("modality gap").contains("lower"));
    assert!(section.contains("not defined") && section.contains("a field a sample"));
    // A value that changes the order changes the line, and links lead to rows that exist.
    replace(
        run.path(),
        "measures.csv",
        "leep,-1.500000",
        "leep,-0.100000",
    );
    let page = html(run.path());
    let rest = page.split_once("<td>LEEP</td>").unwrap().1;
    order(
        rest.split_once("</tr>").unwrap().0,
        ["EMG gestures", "Unseen images", "Spherical"],
    );
    // After 25 values of encoders and six of each of the first two targets.
    assert!(rest.contains("href=\"#measures-38\""));
    assert!(page.contains("id=\"measures-38\""));
    std::fs::remove_file(run.path().join("tables/cka.csv")).unwrap();
    assert!(html(run.path()).contains("CKA between the encoders is missing"));
}

/// A run whose one target is pictures with captions.
fn of_captions() -> tempfile::TempDir {
    let run = tempfile::tempdir().unwrap();
    std::fs::create_dir(run.path().join("tables")).unwrap();
    std::fs::create_dir(run.path().join("samples")).unwrap();
    std::fs::write(run.path().join("run.json"), RECORD).unwrap();
    let write = |table: &str, text: &str| {
        std::fs::write(run.path().join("tables").join(table), text).unwrap();
    };
    let (mut cells, mut results, mut values) = (String::new(), String::new(), String::new());
    for method in ["nft", "harma"] {
        cells += &format!("d,Drawings,{method},0,done,2,3.5,2000000,flex\n");
        results += &format!(
            "d,Drawings,{method},one-minus-mean-recall,0.7,0.6,0.9,{},,0.4,0.3,0.5,false,,,,,false,,2\n",
            method == "harma"
        );
        values += &format!("d,Drawings,{method},0,mean-recall,0.3,,,0.35,20,\n");
        values += &format!("d,Drawings,{method},0,tied-queries,4,,,,60,\n");
        values += &format!("d,Drawings,{method},0,trained-parameters,5000,,,,100000,\n");
    }
    write(
        "cells.csv",
        &("target,target_title,method,seed,state,epochs,seconds,memory,device\n".to_owned()
            + &cells),
    );
    let heads = crate::table::ResultRow::COLUMNS.join(",");
    write("results.csv", &(heads + "\n" + &results));
    let heads = crate::table::RetrievalRow::COLUMNS.join(",");
    let before = "d,Drawings,,,mean-recall,0.25,0.2,0.3,0.25,20,\n";
    write("retrieval.csv", &(heads + "\n" + before + &values));
    let heads = crate::table::ConfusionRow::COLUMNS.join(",");
    let evil = "\"<script>alert(1)</script>, a cat\"";
    write(
        "confusions.csv",
        &format!("{heads}\nd,Drawings,harma,0,3,{evil},0.2,17,60,a dog,0.4\n"),
    );
    write(
        "pictures.csv",
        "dataset,title,part,sample,name,view,file,row\nd,Drawings,test,3,a cat,image,samples/d.npy,0\n",
    );
    let mut images = crate::files::npy::header("|u1", &[1, 3, 4, 4]);
    images.extend([128; 48]);
    std::fs::write(run.path().join("samples/d.npy"), images).unwrap();
    run
}

#[test]
fn pictures_with_captions_have_their_section_and_no_other_words() {
    let run = of_captions();
    let page = html(run.path());
    let text = section(&visible(&page), "retrieval");
    assert!(
        text.contains("mean recall of <a") && text.contains("untouched"),
        "{text}"
    );
    // The towers before any tuning are a row of the table of results too.
    let results = section(&visible(&page), "results");
    assert!(
        results.contains("untouched") && results.contains("75.0\u{a0}%"),
        "{results}"
    );
    assert!(results.contains("70.0–80.0"), "{results}");
    // One minus what the table of results has, ends swapped, with its mark.
    assert!(text.contains(
        "30.0\u{a0}% <span class=\"badge\">best</span><span class=\"under\">10.0 to 40.0"
    ));
    assert!(
        text.contains("5.00\u{a0}%")
            && text.contains("tied queries")
            && text.contains("35.0\u{a0}%")
    );
    for gone in [
        "discrepancy",
        "pairs",
        "stages",
        "orderings",
        "transferability",
    ] {
        assert!(
            !page.contains(&format!("id=\"{gone}\"")),
            "{gone} has no meaning here"
        );
        assert!(
            !page.contains(&format!("href=\"#{gone}\"")),
            "{gone} in the contents"
        );
    }
    assert!(section(&page, "summary").contains("mean recall (mR)"));
    assert!(!section(&page, "summary").contains("discrepancy D"));
    assert!(
        !section(&page, "results").contains(">D<"),
        "a column of dashes"
    );
    let confused = section(&page, "confusions");
    assert!(confused.contains("data:image/jpeg") && confused.contains("&lt;script&gt;"));
    let path = write(run.path(), false).unwrap();
    let without = std::fs::read_to_string(path).unwrap();
    assert!(!without.contains("id=\"confusions\"") && !without.contains("a dog"));
    // Other runs have none of it.
    let other = html(self::run().path());
    assert!(!other.contains("id=\"retrieval\"") && !other.contains("#retrieval"));
    assert!(other.contains("id=\"discrepancy\""));
}
