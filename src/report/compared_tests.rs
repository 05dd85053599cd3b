//! Tests of the page: a folder as a comparison leaves it goes in, one HTML file comes out. The numbers
//! are invented.

use super::write_comparison as write;
use std::path::Path;

const RECORD: &str = r#"{
    "schema_version": 1, "version": "0.1.0", "reference": "old",
    "sides": [
        {"title": "old", "dim": 64, "c": 0.1, "kind": "features", "path": "old.npz", "sha256": "00ff"},
        {"title": "</script><b>", "dim": 512, "c": 1.0, "kind": "model", "path": "m", "sha256": "11ee", "images": "cifar10:test"}
    ],
    "classes": ["cat", "<i>dog"],
    "samples": {"fit": 40, "valid": 10, "train": 50, "test": 50, "sample": 50, "mapped": 50, "given_parts": false},
    "settings": {"seed": 7, "probe_c": [0.1, 1.0]},
    "constants": {"neighbours": 10, "jackknife_groups": 20, "level": 0.05},
    "notes": ["a note & more"]
}"#;

const TABLES: [(&str, &str); 4] = [
    (
        "measures",
        "side,dim,measure,value,lower,upper,interval,better,samples\n\
         old,64,probe-error,0.30,0.2,0.4,wilson,lower,50\n\
         old,64,silhouette,,,,-,higher,\n\
         </script><b>,512,probe-error,0.123,0.05,0.2,wilson,lower,50\n\
         </script><b>,512,silhouette,0.2,0.1,0.3,jackknife,higher,50\n",
    ),
    (
        "differences",
        "side,reference,measure,difference,lower,upper,p,adjusted,verdict\n\
         </script><b>,old,probe-error,-0.177,-0.25,-0.1,0.0001,0.0002,better\n",
    ),
    (
        "classes",
        "side,label,class_name,samples,error,lower,upper,difference,difference_lower,difference_upper,p,adjusted,verdict\n\
         old,0,cat,25,0.2,0.1,0.3,,,,,,-\n\
         old,1,<i>dog,25,0.4,0.3,0.5,,,,,,-\n\
         </script><b>,0,cat,25,0.1,0.0,0.2,-0.1,-0.2,0.1,0.3,0.6,not shown\n\
         </script><b>,1,<i>dog,25,0.146,0.1,0.2,-0.254,-0.3,-0.2,0.001,0.002,better\n",
    ),
    (
        "cka",
        "encoder,encoder_title,other,other_title,value,n\n\
         old,old,old,old,1,50\n\
         old,old,</script><b>,</script><b>,0.437,50\n\
         </script><b>,</script><b>,old,old,0.437,50\n\
         </script><b>,</script><b>,</script><b>,</script><b>,1,50\n",
    ),
];

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tables")).unwrap();
    std::fs::write(folder.path().join("compare.json"), RECORD).unwrap();
    for (name, text) in TABLES {
        std::fs::write(folder.path().join(format!("tables/{name}.csv")), text).unwrap();
    }
    folder
}

fn html(folder: &Path) -> String {
    std::fs::read_to_string(write(folder).unwrap()).unwrap()
}

#[test]
fn the_page_holds_the_numbers_and_leads_to_their_rows() {
    let folder = folder();
    let page = html(folder.path());
    assert_eq!(page, html(folder.path()), "same tables, same bytes");
    for number in [
        "12.3\u{a0}%",
        "\u{2212}17.7",
        "0.437",
        "\u{2212}25.4",
        "&lt; 0.001",
    ] {
        assert!(page.contains(number), "{number} is missing");
    }
    for anchor in ["measures-4", "differences-2", "cka-3"] {
        assert!(page.contains(&format!("href=\"#{anchor}\"")), "{anchor}");
        assert!(page.contains(&format!("id=\"{anchor}\"")), "{anchor}");
    }
    assert!(page.contains("a note &amp; more") && page.contains("cifar10:test"));
    assert!(page.contains("not run"), "there are no maps");
}

#[test]
fn names_are_text_and_nothing_is_fetched() {
    let page = html(folder().path());
    assert!(page.contains("default-src 'none'"));
    let body = page.split_once("</style>").unwrap().1;
    for bad in [
        "<script", "</script", "<i>dog", "<b><", "http:", "https:", "src=",
    ] {
        let body = body.replace("http://www.w3.org/2000/svg", "");
        assert!(!body.contains(bad), "{bad}");
    }
}

#[test]
fn a_folder_without_its_parts_is_named() {
    let folder = folder();
    std::fs::remove_file(folder.path().join("tables/cka.csv")).unwrap();
    let error = write(folder.path()).unwrap_err().to_string();
    assert!(error.contains("cka.csv"), "{error}");
    std::fs::write(folder.path().join("compare.json"), "{").unwrap();
    let error = write(folder.path()).unwrap_err().to_string();
    assert!(error.contains("compare.json"), "{error}");
    std::fs::remove_file(folder.path().join("compare.json")).unwrap();
    assert!(write(folder.path()).is_err());
}
