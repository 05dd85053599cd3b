use super::*;
use crate::dataset::DatasetError;
use crate::files::checksum::{Algorithm, sha256};
use crate::files::fetch::server::{Reply, Server};
use crate::suite::data::{DataFile, DataManifest};
use std::fs;
use std::path::{Path, PathBuf};

const BODY: &[u8] = b"0123456789abcdefghij";

/// A store, its lock file, and a dataset of one file `a.bin` and one archive with `b.bin` in it.
struct Place {
    folder: tempfile::TempDir,
    ledger: Ledger,
    store: Store,
    manifest: DataManifest,
}

fn place(edit: impl FnOnce(&mut DataManifest)) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
name = "x"
title = "X"
modality = "sounds"
summary = "Sounds."
homepage = "https://x.org"
citation = "X"
licence = { name = "MIT", source = "https://x.org" }
files = [{ path = "a.bin" }]
"#;
    let mut manifest = DataManifest::parse(text, "x").unwrap();
    edit(&mut manifest);
    Place {
        ledger: Ledger::at(folder.path().join("cache/data.lock.toml")),
        store: Store::at(Some(&folder.path().join("data"))),
        folder,
        manifest,
    }
}

impl Place {
    fn fetch(&self) -> Result<Vec<PathBuf>, DatasetError> {
        fetch(&self.store, &self.ledger, &self.manifest, &mut |_, _, _| ())
    }

    /// Nothing has the file's name, and nothing half-done is left but what can be continued.
    fn is_clean(&self) {
        let folder = self.folder.path().join("data/x");
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(name.ends_with(".partial"), "{name}");
        }
    }

    fn verify(&self) -> Result<Verdict, DatasetError> {
        verify(
            &self.store,
            &self.ledger,
            &self.manifest,
            &self.manifest.files[0],
            false,
            &mut |_| true,
        )
    }
}

/// The reply of a liar, asked for `a.bin` whose checksum is published.
fn lied(reply: fn() -> Reply) -> String {
    let server = Server::start(move |_| reply());
    let place = place(|m| {
        m.files[0].urls = vec![server.url("/a")];
        m.files[0].md5 = Some(Algorithm::Md5.of(&mut &BODY[..]).unwrap());
        m.files[0].bytes = Some(20);
    });
    let error = place.fetch().unwrap_err();
    assert!(
        matches!(error, DatasetError::Unobtainable { .. }),
        "{error}"
    );
    place.is_clean();
    error.to_string()
}

#[test]
fn servers_that_lie_are_refused_and_leave_nothing() {
    for (reply, words) in [
        (
            (|| Reply::new(200, b"0123456789abcdefghiX")) as fn() -> Reply,
            "expected MD5",
        ),
        (|| Reply::new(200, b"short"), "expected 20 bytes, found 5"),
        (|| Reply::new(200, &[7; 30]), "expected 20 bytes, found 30"),
        (
            || Reply {
                headers: Vec::new(),
                endless: true,
                ..Reply::new(200, BODY)
            },
            "expected 20 bytes",
        ),
        (
            || Reply::new(200, b"<html>Moved.</html>X").with("content-type", "text/html"),
            "expected MD5",
        ),
        (|| Reply::new(403, b""), "found 403"),
        (
            || Reply::new(302, b"").with("location", "ftp://x.org/a"),
            "redirect",
        ),
    ] {
        let text = lied(reply);
        assert!(
            text.contains(words) && text.contains("modalign data import x PATH"),
            "{text}"
        );
    }
}

#[test]
fn mirrors_are_asked_in_turn() {
    let gone = Server::start(|_| Reply::new(403, b""));
    let good = Server::start(|r| Reply::ranged(r, BODY));
    let place = place(|m| {
        m.files[0].urls = vec![gone.url("/a"), good.url("/a")];
        m.files[0].sha256 = Some(sha256(BODY));
    });
    assert_eq!(plan(&place.store, &place.manifest).files.len(), 1);
    let came = place.fetch().unwrap();
    assert_eq!(fs::read(&came[0]).unwrap(), BODY);
    assert_eq!(place.store.presence(&place.manifest), Presence::Complete);
    // a second time there is nothing to do
    assert!(place.fetch().unwrap().is_empty());
    assert_eq!((gone.asked().len(), good.asked().len()), (1, 1));
}

#[test]
fn without_a_checksum_the_first_sight_counts_for_ever() {
    let server = Server::start(|r| match r.path.as_str() {
        "/a" => Reply::new(200, BODY),
        _ => Reply::new(200, b"another file altogether"),
    });
    let mut place = place(|m| m.files[0].urls = vec![server.url("/a")]);
    let came = place.fetch().unwrap();
    assert!(matches!(place.verify(), Ok(Verdict::Unchanged { .. })));
    // the same bytes elsewhere are fine, another file is not
    fs::remove_file(&came[0]).unwrap();
    place.manifest.files[0].urls = vec![server.url("/b")];
    let error = place.fetch().unwrap_err();
    let DatasetError::Mismatch {
        expected,
        found,
        by,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(
        (expected, found),
        (&sha256(BODY), &sha256(b"another file altogether"))
    );
    assert!(by.contains("first seen") && by.contains("/a"), "{by}");
    place.is_clean();
}

#[test]
fn without_a_checksum_another_host_is_not_trusted() {
    let other = Server::start(|_| Reply::new(200, BODY));
    // the same machine under another name is another host
    let away = other.url("/a").replace("127.0.0.1", "localhost");
    let server = Server::start(move |_| Reply::new(302, b"").with("location", &away));
    let mut place = place(|m| m.files[0].urls = vec![server.url("/a")]);
    let error = place.fetch().unwrap_err().to_string();
    assert!(error.contains("redirect to localhost"), "{error}");
    assert!(other.asked().is_empty());
    place.is_clean();
    place.manifest.files[0].hosts = vec!["localhost".into()];
    assert_eq!(place.fetch().unwrap().len(), 1);
}

#[test]
fn a_page_in_place_of_an_unknown_file_is_refused() {
    let server = Server::start(|_| Reply::new(200, b"<html>").with("content-type", "text/html"));
    let place = place(|m| m.files[0].urls = vec![server.url("/a")]);
    let error = place.fetch().unwrap_err().to_string();
    assert!(error.contains("HTML page"), "{error}");
    place.is_clean();
}

#[test]
fn a_disk_that_is_too_small_is_told_before_anything_is_asked() {
    let server = Server::start(|_| Reply::new(200, BODY));
    let place = place(|m| {
        m.files[0].urls = vec![server.url("/a")];
        m.files[0].about = Some(u64::MAX / 4);
    });
    assert!(matches!(place.fetch(), Err(DatasetError::Full { .. })));
    assert!(server.asked().is_empty());
}

#[test]
fn a_changed_file_is_found_out_and_an_unchanged_one_not_read_again() {
    let place = place(|m| m.files[0].sha1 = Some(Algorithm::Sha1.of(&mut &BODY[..]).unwrap()));
    assert_eq!(place.verify().unwrap(), Verdict::Absent);
    let path = place.store.place(&place.manifest, &place.manifest.files[0]);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, BODY).unwrap();
    assert_eq!(place.verify().unwrap().sha256(), Some(&*sha256(BODY)));
    // by size and time it is the file that was checked
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, b"0123456789abcdefghiX").unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    assert!(place.verify().is_ok());
    let again = verify(
        &place.store,
        &place.ledger,
        &place.manifest,
        &place.manifest.files[0],
        true,
        &mut |_| true,
    );
    assert!(matches!(again, Err(DatasetError::Mismatch { .. })));
    file.set_modified(modified + std::time::Duration::from_secs(1))
        .unwrap();
    assert!(matches!(place.verify(), Err(DatasetError::Mismatch { .. })));
}

#[test]
fn members_stand_in_for_their_archive_and_it_for_them() {
    let place = place(|m| {
        let file = |path: &str, archive: Option<&str>, optional| DataFile {
            path: path.into(),
            archive: archive.map(String::from),
            optional,
            ..DataFile::default()
        };
        m.files = vec![
            file("all.tar", None, false),
            file("b.bin", Some("all.tar"), false),
            file("c.bin", Some("all.tar"), true),
        ];
        m.files[0].urls = vec!["https://x.org/all.tar".into()];
    });
    let put = |name: &str| {
        let path = place.folder.path().join("data/x").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"x").unwrap();
    };
    let present = || place.store.presence(&place.manifest);
    assert_eq!(present(), Presence::Absent);
    let wanted = plan(&place.store, &place.manifest);
    assert_eq!((wanted.files.len(), wanted.nowhere.len()), (1, 0));
    put("c.bin");
    assert_eq!(present(), Presence::Partial);
    put("b.bin");
    assert_eq!(present(), Presence::Complete);
    fs::remove_file(place.folder.path().join("data/x/b.bin")).unwrap();
    put("all.tar");
    assert_eq!(present(), Presence::Complete);
}

#[test]
fn another_form_of_a_dataset_stands_in_for_it_wherever_it_was_unpacked() {
    let file = |path: &str, form: Option<&str>, member: Option<&str>| DataFile {
        path: path.into(),
        form: form.map(String::from),
        archive: member.map(|_| "py.tar.gz".into()),
        member: member.map(String::from),
        ..DataFile::default()
    };
    let new = || {
        place(|m| {
            m.files = vec![
                file("a.bin", None, None),
                file("py.tar.gz", Some("python"), None),
                file("a", Some("python"), Some("py/a")),
                file("b", Some("python"), Some("py/b")),
            ];
        })
    };
    let put = |place: &Place, name: &str| {
        let path = place.folder.path().join("data").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"x").unwrap();
    };
    let state = |place: &Place| {
        let missing = place.store.missing(&place.manifest);
        let missing: Vec<&str> = missing.iter().map(|f| f.path.as_str()).collect();
        (place.store.presence(&place.manifest), missing.join(" "))
    };
    // the other form is neither missing nor fetched
    assert_eq!(state(&new()), (Presence::Absent, "a.bin".into()));
    for folder in ["py", "x/py", "x"] {
        let place = new();
        put(&place, &format!("{folder}/a"));
        assert_eq!(
            state(&place),
            (Presence::Partial, "a.bin".into()),
            "{folder}"
        );
        put(&place, &format!("{folder}/b"));
        assert_eq!(
            state(&place),
            (Presence::Complete, String::new()),
            "{folder}"
        );
    }
    for archive in ["py.tar.gz", "x/py.tar.gz"] {
        let place = new();
        put(&place, archive);
        assert_eq!(
            state(&place),
            (Presence::Complete, String::new()),
            "{archive}"
        );
    }
    let place = new();
    put(&place, "x/a.bin");
    assert_eq!(state(&place), (Presence::Complete, String::new()));
}

#[test]
fn files_at_hand_are_taken_once_they_are_right() {
    let place = place(|m| m.files[0].sha256 = Some(sha256(BODY)));
    let from = place.folder.path().join("mine");
    fs::create_dir_all(&from).unwrap();
    let take = |path: &Path| import(&place.store, &place.ledger, &place.manifest, path);
    let empty = take(&from).unwrap_err().to_string();
    assert!(empty.contains("one of a.bin"), "{empty}");
    fs::write(from.join("a.bin"), b"wrong").unwrap();
    assert!(matches!(take(&from), Err(DatasetError::Mismatch { .. })));
    place.is_clean();
    // recognised by its bytes, whatever its name
    fs::write(from.join("download (1)"), BODY).unwrap();
    let taken = take(&from.join("download (1)")).unwrap();
    assert_eq!(fs::read(&taken[0].to).unwrap(), BODY);
    fs::write(from.join("rubbish"), b"?").unwrap();
    assert!(
        take(&from.join("rubbish"))
            .unwrap_err()
            .to_string()
            .contains("one of a.bin")
    );
    // what is in its place already is checked and stays
    assert_eq!(
        take(taken[0].to.parent().unwrap()).unwrap()[0].to,
        taken[0].to
    );
}

#[test]
fn a_damaged_lock_file_is_an_error_and_not_an_empty_one() {
    let place = place(|m| m.files[0].urls = vec!["https://x.org/a".into()]);
    let path = place.store.place(&place.manifest, &place.manifest.files[0]);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, BODY).unwrap();
    assert!(matches!(place.verify(), Ok(Verdict::First { .. })));
    assert!(matches!(place.verify(), Ok(Verdict::Unchanged { .. })));
    fs::write(place.ledger.path(), "first = 3").unwrap();
    assert!(matches!(
        place.verify(),
        Err(DatasetError::Malformed { .. })
    ));
}

#[test]
fn two_processes_remember_both_of_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::at(folder.path().join("lock.toml"));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let ledger = &ledger;
            scope.spawn(move || {
                for i in 0..8 {
                    let first = ledger::First::now(sha256(b"x"), 1, "import");
                    ledger
                        .remember("x", &format!("{thread}-{i}"), first)
                        .unwrap();
                }
            });
        }
    });
    for thread in 0..4 {
        for i in 0..8 {
            assert!(
                ledger
                    .first("x", &format!("{thread}-{i}"))
                    .unwrap()
                    .is_some()
            );
        }
    }
}
