//! Downloads from a server that cuts, lies, redirects and never ends.

use super::server::{Reply, Server};
use super::*;
use crate::files::checksum::{Checksum, sha256};
use std::fs;
use std::path::PathBuf;

const BODY: &[u8] = b"0123456789abcdefghij";

/// A folder for one file.
struct Target {
    folder: tempfile::TempDir,
    path: PathBuf,
}

fn target() -> Target {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.bin");
    Target { folder, path }
}

impl Target {
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// A failed download leaves exactly these files.
    fn fails(&self, fetch: &Fetch, left: &[&str]) -> String {
        let error = fetch.to(&self.path, &mut |_, _| {}).expect_err("refused");
        assert_eq!(self.names(), left, "{error}");
        assert!(error.to_string().contains("http"), "{error}");
        error.to_string()
    }

    fn succeeds(&self, fetch: &Fetch) {
        fetch.to(&self.path, &mut |_, _| {}).unwrap();
        assert_eq!(fs::read(&self.path).unwrap(), BODY);
        assert_eq!(self.names(), ["file.bin"]);
    }
}

fn fetch(url: &str) -> Fetch<'_> {
    Fetch {
        attempts: 2,
        patience: Duration::from_secs(5),
        ..Fetch::new(url, 1000)
    }
}

#[test]
fn a_file_is_fetched_whole_and_progress_is_told() {
    let server = Server::start(|_| Reply::new(200, BODY));
    let (url, sha) = (server.url("/file"), sha256(BODY));
    let target = target();
    let mut told = Vec::new();
    Fetch {
        size: Some(20),
        checksum: Some(&Checksum::sha256(&sha)),
        ..fetch(&url)
    }
    .to(&target.path, &mut |done, total| told.push((done, total)))
    .unwrap();
    assert_eq!(fs::read(&target.path).unwrap(), BODY);
    assert_eq!(
        (told[0], told[told.len() - 1]),
        ((0, Some(20)), (20, Some(20)))
    );
    assert_eq!(server.asked().len(), 1);
    assert_eq!(server.asked()[0].get("authorization"), None);
}

#[test]
fn a_cut_download_goes_on_where_it_was() {
    let server = Server::start(|request| {
        let reply = Reply::ranged(request, BODY).with("etag", "\"one\"");
        if request.from().is_none() {
            reply.cut(7)
        } else {
            reply
        }
    });
    let url = server.url("/file");
    target().succeeds(&fetch(&url));
    let asked = server.asked();
    assert_eq!(asked[1].from(), Some(7));
    assert_eq!(asked[1].get("if-range"), Some("\"one\""));
}

#[test]
fn a_later_call_goes_on_too() {
    let server =
        Server::start(|request| Reply::ranged(request, BODY).with("etag", "\"one\"").cut(7));
    let url = server.url("/file");
    let target = target();
    let once = Fetch {
        attempts: 1,
        ..fetch(&url)
    };
    let text = target.fails(&once, &["file.bin.etag.partial", "file.bin.partial"]);
    assert!(
        text.contains("expected 20 bytes, found 7 before the connection was cut"),
        "{text}"
    );
    target.fails(&once, &["file.bin.etag.partial", "file.bin.partial"]);
    // The third brings the last six.
    let third = Server::start(|request| Reply::ranged(request, BODY).with("etag", "\"one\""));
    target.succeeds(&fetch(&third.url("/file")));
    assert_eq!(third.asked()[0].from(), Some(14));
}

#[test]
fn a_changed_file_or_a_server_without_ranges_starts_anew() {
    let whole: fn(&server::Request) -> Reply = |_| Reply::new(200, BODY).with("etag", "\"two\"");
    let none: fn(&server::Request) -> Reply = |request| match request.from() {
        Some(_) => Reply::new(416, b""),
        None => Reply::new(200, BODY),
    };
    // A partial answer, but from another place or of another file.
    let elsewhere: fn(&server::Request) -> Reply = |request| match request.from() {
        Some(_) => Reply::new(206, &BODY[5..]).with("content-range", "bytes 5-19/20"),
        None => Reply::new(200, BODY),
    };
    let changed: fn(&server::Request) -> Reply =
        |request| Reply::ranged(request, BODY).with("etag", "\"two\"");
    for answer in [whole, none, elsewhere, changed] {
        let server = Server::start(answer);
        let target = target();
        fs::write(target.folder.path().join("file.bin.partial"), b"old").unwrap();
        fs::write(
            target.folder.path().join("file.bin.etag.partial"),
            b"\"one\"",
        )
        .unwrap();
        target.succeeds(&fetch(&server.url("/file")));
        assert_eq!(server.asked()[0].from(), Some(3));
    }
}

#[test]
fn a_start_without_tag_and_checksum_is_not_trusted() {
    let server = Server::start(|request| Reply::ranged(request, BODY));
    let target = target();
    fs::write(target.folder.path().join("file.bin.partial"), b"old").unwrap();
    target.succeeds(&fetch(&server.url("/file")));
    assert_eq!(server.asked()[0].from(), None);
}

#[test]
fn a_wrong_start_is_found_by_the_checksum_and_fetched_again() {
    let server = Server::start(|request| Reply::ranged(request, BODY));
    let (url, sha) = (server.url("/file"), sha256(BODY));
    let target = target();
    fs::write(target.folder.path().join("file.bin.partial"), b"old").unwrap();
    target.succeeds(&Fetch {
        checksum: Some(&Checksum::sha256(&sha)),
        ..fetch(&url)
    });
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_wrong_hash_leaves_nothing() {
    let server = Server::start(|_| Reply::new(200, BODY));
    let (url, sha) = (server.url("/file"), sha256(b"another"));
    let wrong = Fetch {
        checksum: Some(&Checksum::sha256(&sha)),
        ..fetch(&url)
    };
    let text = target().fails(&wrong, &[]);
    assert!(
        text.contains(&format!("expected SHA-256 {sha}, found {}", sha256(BODY))),
        "{text}"
    );
}

#[test]
fn a_body_of_another_size_leaves_nothing() {
    let server = Server::start(|_| Reply::new(200, BODY));
    let url = server.url("/file");
    for size in [19, 21] {
        let wrong = Fetch {
            size: Some(size),
            ..fetch(&url)
        };
        let text = target().fails(&wrong, &[]);
        assert!(
            text.contains(&format!("expected {size} bytes, found 20")),
            "{text}"
        );
    }
}

#[test]
fn an_endless_body_stops_at_the_limit() {
    let server = Server::start(|_| {
        let mut reply = Reply::new(200, &[7; 300]);
        reply.headers.clear();
        reply.endless = true;
        reply
    });
    let text = target().fails(&fetch(&server.url("/file")), &[]);
    assert!(
        text.contains("expected at most 1000 bytes, found"),
        "{text}"
    );
    let announced = Server::start(|_| Reply::new(200, &[7; 1001]));
    let text = target().fails(&fetch(&announced.url("/file")), &[]);
    assert!(
        text.contains("expected at most 1000 bytes, found 1001"),
        "{text}"
    );
}

#[test]
fn a_page_is_no_file_unless_one_is_known() {
    let server =
        Server::start(|_| Reply::new(200, BODY).with("content-type", "text/html; charset=utf-8"));
    let url = server.url("/file");
    let text = target().fails(&fetch(&url), &[]);
    assert!(
        text.contains("expected a file, found an HTML page"),
        "{text}"
    );
    target().succeeds(&Fetch {
        size: Some(20),
        ..fetch(&url)
    });
}

#[test]
fn statuses_are_told_and_only_passing_ones_are_asked_again() {
    for (status, times) in [(404, 1), (403, 1), (503, 2)] {
        let server = Server::start(move |_| Reply::new(status, b"no"));
        let text = target().fails(&fetch(&server.url("/file")), &[]);
        assert!(text.contains(&format!("found {status}")), "{text}");
        assert_eq!(server.asked().len(), times, "{status}");
    }
    let text = target().fails(&fetch("http://127.0.0.1:1/file"), &[]);
    assert!(text.contains("expected an answer"), "{text}");
}

#[test]
fn a_token_stays_with_its_host() {
    let other = Server::start(|_| Reply::new(200, BODY));
    let there = other.url("/stored");
    let server = Server::start(move |request| match request.path.as_str() {
        "/file" => Reply::new(307, b"").with("location", "/moved"),
        _ => Reply::new(302, b"").with("location", &there),
    });
    let url = server.url("/file");
    target().succeeds(&Fetch {
        token: Some("secret"),
        ..fetch(&url)
    });
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert!(
        asked
            .iter()
            .all(|r| r.get("authorization") == Some("Bearer secret"))
    );
    assert_eq!(other.asked()[0].get("authorization"), None);
}

#[test]
fn headers_are_read_up_to_the_first_redirect_to_another_host() {
    let server = Server::start(|request| match request.path.as_str() {
        "/file" => Reply::new(307, b"")
            .with("location", "/moved")
            .with("x-commit", "abc"),
        _ => Reply::new(302, b"")
            .with("location", "http://127.0.0.1:1/")
            .with("x-size", 20),
    });
    let head = head(&server.url("/file"), None, Duration::from_secs(5)).unwrap();
    assert_eq!(head.status, 302);
    assert_eq!(
        (head.get("x-commit"), head.get("x-size")),
        (Some("abc"), Some("20"))
    );
    assert_eq!(head.size(), None);
    assert!(server.asked().iter().all(|r| r.method == "HEAD"));
}

#[test]
fn redirects_do_not_go_round_or_elsewhere() {
    let server = Server::start(|_| Reply::new(302, b"").with("location", "/file"));
    let text = target().fails(&fetch(&server.url("/file")), &[]);
    assert!(text.contains("more than 8 redirects"), "{text}");
    let server = Server::start(|_| Reply::new(302, b"").with("location", "file:///etc/passwd"));
    let text = target().fails(&fetch(&server.url("/file")), &[]);
    assert!(text.contains("found file:///etc/passwd"), "{text}");
    for url in ["ftp://127.0.0.1/file", "not an address", "http:///x"] {
        let error = fetch(url).to(&target().path, &mut |_, _| {}).unwrap_err();
        assert!(matches!(error, FetchError::Address { .. }), "{error}");
    }
}
