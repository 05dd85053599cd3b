//! One file over HTTP: capped in size, continued where an earlier attempt was cut, and checked
//! before it gets its name. No room's business: whoever downloads uses this and nothing else.

mod error;
mod http;
mod partial;
#[cfg(test)]
pub(crate) mod server;
#[cfg(test)]
mod tests;

pub use error::FetchError;
pub use http::{Head, head};

use crate::files::checksum::Checksum;
use partial::Partial;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;
use ureq::Body;
use ureq::http::Response;

/// An attempt that brought this much does not count against the number of attempts.
const PROGRESS: u64 = 1 << 20;

/// A file to download.
#[derive(Debug, Clone)]
pub struct Fetch<'a> {
    /// Its address.
    pub url: &'a str,
    /// A bearer token for that host; other hosts never see it.
    pub token: Option<&'a str>,
    /// Its size in bytes, if it is known.
    pub size: Option<u64>,
    /// Its checksum, if it is known.
    pub checksum: Option<&'a Checksum>,
    /// Hosts that a redirect may lead to beside the first; any, if there is no list. Without a
    /// checksum nothing vouches for what another host sends.
    pub hosts: Option<&'a [String]>,
    /// Most bytes that are taken.
    pub limit: u64,
    /// How often a cut connection or an overloaded server is asked again.
    pub attempts: u32,
    /// How long nothing may happen; also what is waited between attempts, at most.
    pub patience: Duration,
}

impl<'a> Fetch<'a> {
    /// A file of at most `limit` bytes of which nothing else is known.
    pub fn new(url: &'a str, limit: u64) -> Self {
        Self {
            url,
            token: None,
            size: None,
            checksum: None,
            hosts: None,
            limit,
            attempts: 5,
            patience: Duration::from_secs(30),
        }
    }

    /// Downloads the file to `target`. `progress` hears of bytes so far and, if known, in all.
    /// On an error there is no `target` unless there was one before; what came of the right file
    /// stays in `target.partial` and is continued by the next call.
    pub fn to(
        &self,
        target: &Path,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), FetchError> {
        let Some(mut partial) = Partial::open(target)? else {
            return Ok(());
        };
        let resumed = partial.length > 0;
        let complete = self.complete(&mut partial, progress);
        let checked = complete.and_then(|()| match self.check(&mut partial) {
            // The old start may be of another file.
            Err(FetchError::Checksum { .. }) if resumed => {
                partial.restart(None)?;
                self.complete(&mut partial, progress)?;
                self.check(&mut partial)
            }
            other => other,
        });
        match checked {
            Ok(()) => partial.finish(target),
            Err(e) => {
                // What is left of a wrong file, or of an endless one, is of no use.
                use FetchError::{Checksum, Size, TooLarge};
                let spoiled = matches!(e, Checksum { .. } | Size { .. } | TooLarge { .. });
                if spoiled || partial.length == 0 {
                    partial.discard();
                }
                Err(e)
            }
        }
    }

    /// Attempt after attempt until all bytes are there.
    fn complete(
        &self,
        partial: &mut Partial,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), FetchError> {
        let mut failures = 0;
        loop {
            let before = partial.length;
            let Err(error) = self.attempt(partial, progress) else {
                return Ok(());
            };
            failures += u32::from(partial.length < before.saturating_add(PROGRESS));
            if !error.passes() || failures >= self.attempts {
                return Err(error);
            }
            let pause = Duration::from_millis(100 << failures.min(8));
            std::thread::sleep(pause.min(self.patience));
        }
    }

    fn attempt(
        &self,
        partial: &mut Partial,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), FetchError> {
        let tag = partial.tag();
        // Without tag and checksum nobody would notice that the start is of another file.
        let resumable = partial.length > 0 && (tag.is_some() || self.checksum.is_some());
        if resumable && self.size == Some(partial.length) {
            return Ok(());
        }
        let resume = resumable.then_some((partial.length, tag.as_deref()));
        let answer = http::get(self, resume)?;
        let goes_on = continues(&answer, partial.length, tag.as_deref());
        let answer = match (answer.status().as_u16(), goes_on) {
            (206, true) if resumable => answer,
            (200, _) => {
                partial.restart(strong_tag(&answer))?;
                answer
            }
            // The file changed, or the server counts otherwise: from the start.
            (206 | 416, _) if resumable => {
                partial.restart(None)?;
                let answer = http::get(self, None)?;
                if answer.status().as_u16() != 200 {
                    return Err(self.status(&answer));
                }
                partial.restart(strong_tag(&answer))?;
                answer
            }
            _ => return Err(self.status(&answer)),
        };
        let body = answer.body();
        let is_page = body.mime_type() == Some("text/html");
        if is_page && self.size.is_none() && self.checksum.is_none() {
            return Err(FetchError::Page {
                url: self.url.into(),
            });
        }
        let announced = body
            .content_length()
            .map(|n| n.saturating_add(partial.length));
        if let Some(found) = announced {
            self.bounded(found)?;
            if self.size.is_some_and(|size| found < size) {
                return Err(self.wrong_size(found));
            }
        }
        self.receive(answer, partial, self.size.or(announced), progress)
    }

    /// Takes the body to its end.
    fn receive(
        &self,
        answer: Response<Body>,
        partial: &mut Partial,
        total: Option<u64>,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), FetchError> {
        let cut = |found, source| FetchError::Interrupted {
            url: self.url.into(),
            expected: total,
            found,
            source,
        };
        let mut body = answer.into_parts().1.into_reader();
        let mut buffer = vec![0; 1 << 16];
        progress(partial.length, total);
        loop {
            let count = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(cut(partial.length, e)),
            };
            self.bounded(partial.length.saturating_add(count as u64))?;
            partial.append(&buffer[..count])?;
            progress(partial.length, total);
        }
        match total {
            Some(total) if partial.length < total => {
                Err(cut(partial.length, io::ErrorKind::UnexpectedEof.into()))
            }
            _ => Ok(()),
        }
    }

    /// Refuses more bytes than the file has or may have.
    fn bounded(&self, found: u64) -> Result<(), FetchError> {
        if self.size.is_some_and(|size| found > size) {
            return Err(self.wrong_size(found));
        }
        if found > self.limit {
            return Err(FetchError::TooLarge {
                url: self.url.into(),
                limit: self.limit,
                found,
            });
        }
        Ok(())
    }

    fn wrong_size(&self, found: u64) -> FetchError {
        FetchError::Size {
            url: self.url.into(),
            expected: self.size.unwrap_or(0),
            found,
        }
    }

    fn status(&self, answer: &Response<Body>) -> FetchError {
        FetchError::Status {
            url: self.url.into(),
            status: answer.status().as_u16(),
        }
    }

    fn check(&self, partial: &mut Partial) -> Result<(), FetchError> {
        let Some(expected) = self.checksum else {
            return Ok(());
        };
        let found = partial.digest(expected.algorithm)?;
        if expected.is(&found) {
            return Ok(());
        }
        Err(FetchError::Checksum {
            url: self.url.into(),
            algorithm: expected.algorithm,
            expected: expected.hex.clone(),
            found,
        })
    }
}

/// The tag of an answer if it stands for its exact bytes.
fn strong_tag(answer: &Response<Body>) -> Option<&str> {
    http::text(answer.headers(), "etag").filter(|tag| tag.starts_with('"'))
}

/// Whether a partial answer goes on at `from` with the file that has `tag`.
fn continues(answer: &Response<Body>, from: u64, tag: Option<&str>) -> bool {
    let start = http::text(answer.headers(), "content-range")
        .and_then(|range| range.strip_prefix("bytes ")?.split_once('-'))
        .map(|(start, _)| start.trim().parse());
    let changed = tag.is_some_and(|old| strong_tag(answer).is_some_and(|new| new != old));
    start == Some(Ok(from)) && !changed
}
