//! What a data manifest may say: no path that leaves its folder, no address without encryption, no
//! checksum that cannot be one, no archive that is not there.

use super::{DataFile, DataManifest};
use crate::files::checksum::Algorithm;
use crate::suite::ManifestError;

impl DataManifest {
    pub(super) fn check(&self, origin: &str) -> Result<(), ManifestError> {
        let wrong = |what: &str, expected: &str, found: &str| {
            Err(ManifestError::Invalid {
                origin: origin.into(),
                what: what.into(),
                expected: expected.into(),
                found: format!("{found:?}"),
            })
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || !self.name.chars().all(plain) {
            let expected = "lower-case letters, digits and dashes";
            return wrong("name", expected, &self.name);
        }
        for folder in &self.folders {
            if !is_inside(folder) || folder.contains('/') {
                return wrong("folders", "plain names", folder);
            }
        }
        for (what, text) in [
            ("licence.name", &self.licence.name),
            ("licence.source", &self.licence.source),
            ("citation", &self.citation),
            ("summary", &self.summary),
        ] {
            if text.trim().is_empty() {
                return wrong(what, "a text", text);
            }
        }
        if !self.homepage.starts_with("https://") {
            return wrong("homepage", "an https address", &self.homepage);
        }
        if self.hub.is_some() != self.files.is_empty() {
            return wrong("files", "files, or a hub that lists them", &self.name);
        }
        for (i, file) in self.files.iter().enumerate() {
            let at = |key: &str| format!("files.{key} of {:?}", file.path);
            if !is_inside(&file.path) {
                let expected = "a relative path without `..`, `\\` or `:`";
                return wrong("files.path", expected, &file.path);
            }
            if let Some(path) = file.also.iter().find(|path| !is_inside(path)) {
                return wrong(
                    &at("also"),
                    "relative paths without `..`, `\\` or `:`",
                    path,
                );
            }
            let known = !file.urls.is_empty() || file.size().is_some();
            if file.folder && (known || file.checksum().is_some() || file.archive.is_some()) {
                let expected = "of a folder neither addresses, size, checksum nor archive";
                return wrong(&at("folder"), expected, "one of them");
            }
            if self.files[..i].iter().any(|other| other.path == file.path) {
                return wrong("files.path", "every path once", &file.path);
            }
            if let Some(url) = file.urls.iter().find(|url| !is_https(url)) {
                return wrong(&at("urls"), "https addresses", url);
            }
            if let Some((algorithm, hex)) = wrong_digest(file) {
                let expected = format!("{} hexadecimal digits of {algorithm}", algorithm.digits());
                return wrong(&at("checksum"), &expected, hex);
            }
            if file.bytes == Some(0) || file.about == Some(0) {
                return wrong(&at("bytes"), "at least 1", "0");
            }
            if let Some(archive) = &file.archive {
                let holds = |other: &DataFile| {
                    other.path == *archive && other.archive.is_none() && other.form == file.form
                };
                if !self.files.iter().any(holds) {
                    return wrong(&at("archive"), "a file of this manifest", archive);
                }
                if !file.member.as_deref().is_some_and(is_inside) {
                    let found = file.member.as_deref().unwrap_or("none");
                    return wrong(&at("member"), "a plain path in the archive", found);
                }
            }
        }
        Ok(())
    }
}

/// Whether a path stays below the folder that it is relative to, on every system.
fn is_inside(path: &str) -> bool {
    let part = |part: &str| !matches!(part, "" | "." | "..") && !part.ends_with(['.', ' ']);
    let strange =
        |c: char| c.is_control() || matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    !path.contains(strange) && path.split('/').all(part)
}

fn is_https(url: &str) -> bool {
    let host = url
        .strip_prefix("https://")
        .and_then(|rest| rest.split('/').next());
    host.is_some_and(|host| !host.is_empty() && !host.contains('@'))
        && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn wrong_digest(file: &DataFile) -> Option<(Algorithm, &str)> {
    let all = [
        (Algorithm::Sha256, &file.sha256),
        (Algorithm::Sha1, &file.sha1),
        (Algorithm::Md5, &file.md5),
    ];
    all.into_iter().find_map(|(algorithm, hex)| {
        let hex = hex.as_deref()?;
        let right = hex.len() == algorithm.digits() && hex.bytes().all(|b| b.is_ascii_hexdigit());
        (!right).then_some((algorithm, hex))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "x"
title = "X"
modality = "sounds"
summary = "Sounds."
homepage = "https://x.org"
citation = "X"
licence = { name = "MIT", source = "https://x.org" }
[[files]]
path = "a/b.tar"
urls = ["https://x.org/b.tar"]
md5 = "900150983cd24fb0d6963f7d28e17f72"
[[files]]
path = "c.bin"
archive = "a/b.tar"
member = "b/c.bin"
bytes = 7
"#;

    #[test]
    fn what_a_manifest_may_not_say_is_refused_by_key() {
        assert!(DataManifest::parse(GOOD, "x").is_ok());
        for (old, new, what) in [
            (r#""c.bin""#, r#""../c.bin""#, "files.path"),
            (r#""c.bin""#, r#""/c.bin""#, "files.path"),
            (r#""c.bin""#, r#""C:/c.bin""#, "files.path"),
            (r#""c.bin""#, r#""d\\c.bin""#, "files.path"),
            (r#""c.bin""#, r#""d/./c.bin""#, "files.path"),
            (r#""c.bin""#, r#""a/b.tar""#, "every path once"),
            (
                "https://x.org/b.tar",
                "http://x.org/b.tar",
                "https addresses",
            ),
            (
                "https://x.org/b.tar",
                "file:///etc/passwd",
                "https addresses",
            ),
            (
                "https://x.org/b.tar",
                "https://me@x.org/b",
                "https addresses",
            ),
            ("900150983c", "", "32 hexadecimal digits of MD5"),
            ("bytes = 7", "bytes = 0", "at least 1"),
            ("bytes = 7", "bytes = -7", "bytes"),
            ("bytes = 7", "byte = 7", r#"did you mean "bytes"?"#),
            (
                r#"archive = "a/b.tar""#,
                r#"archive = "b.tar""#,
                "a file of this manifest",
            ),
            (r#""b/c.bin""#, r#""../c.bin""#, "plain path in the archive"),
            ("bytes = 7", "bytes = 7\nfolder = true", "neither addresses"),
            ("bytes = 7", r#"also = ["../c"]"#, "files.also"),
            (r#"name = "x""#, r#"name = "X""#, "lower-case"),
            (r#"name = "MIT""#, r#"name = " ""#, "licence.name"),
            (
                r#"title = "X""#,
                "title = \"X\"\nfolders = [\"..\"]",
                "folders",
            ),
            (r#"title = "X""#, "title = \"X\"\nhub = \"x/y\"", "hub"),
        ] {
            let error = DataManifest::parse(&GOOD.replacen(old, new, 1), "x");
            let error = error.expect_err(new).to_string();
            assert!(error.contains(what), "{new}: {error}");
        }
    }

    #[test]
    fn a_name_that_is_not_known_gets_the_nearest() {
        let error = DataManifest::named("cifar-10")
            .expect_err("unknown")
            .to_string();
        assert!(error.contains(r#"did you mean "cifar10"?"#), "{error}");
    }
}
