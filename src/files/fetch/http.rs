//! Requests with redirects followed by hand: a token goes to the host that it was meant for and to
//! no other, and encryption is never given up on the way.

use super::{Fetch, FetchError};
use std::time::Duration;
use ureq::http::{HeaderMap, Response, Uri};
use ureq::{Agent, Body};

/// Most redirects that are followed.
const HOPS: usize = 8;

/// The answer's status and headers to a `HEAD`.
pub struct Head {
    /// The last status.
    pub status: u16,
    /// Headers of all answers on the way, the last one's last.
    headers: Vec<HeaderMap>,
}

impl Head {
    /// A header of the last answer that has it.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().rev().filter_map(|h| text(h, name));
        values.next()
    }

    /// The size that the last answer announces, if it is not a redirect.
    pub fn size(&self) -> Option<u64> {
        let last = self.headers.last().filter(|_| self.status == 200)?;
        text(last, "content-length")?.parse().ok()
    }
}

/// A header's text, if it is one.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Asks for headers alone. Redirects to the same host are followed; one to another host ends the
/// way, because it is the first host that describes the file.
pub fn head(url: &str, token: Option<&str>, patience: Duration) -> Result<Head, FetchError> {
    let agent = agent(patience);
    let mut at = address(url)?;
    let mut headers = Vec::new();
    for _ in 0..HOPS {
        let mut request = agent.head(&at).header("accept-encoding", "identity");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = request.call().map_err(|e| unreachable(&at, &e))?;
        let status = answer.status().as_u16();
        let next = redirect(&at, &answer)?;
        headers.push(answer.into_parts().0.headers);
        match next {
            Some(next) if origin(&next) == origin(&at) => at = next,
            _ => return Ok(Head { status, headers }),
        }
    }
    Err(too_many(url))
}

/// Asks for a file, or for its bytes from `from` on if it is still the one with that `tag`.
pub(super) fn get(
    fetch: &Fetch<'_>,
    resume: Option<(u64, Option<&str>)>,
) -> Result<Response<Body>, FetchError> {
    let agent = agent(fetch.patience);
    let first = address(fetch.url)?;
    let mut at = first.clone();
    for _ in 0..HOPS {
        // Offsets count the bytes of the file, so it may not be compressed on the way.
        let mut request = agent.get(&at).header("accept-encoding", "identity");
        if let Some(token) = fetch.token.filter(|_| origin(&at) == origin(&first)) {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some((from, tag)) = resume {
            request = request.header("range", format!("bytes={from}-"));
            if let Some(tag) = tag {
                request = request.header("if-range", tag);
            }
        }
        let answer = request.call().map_err(|e| unreachable(&at, &e))?;
        match redirect(&at, &answer)? {
            Some(next) if !allowed(fetch, &first, &next) => {
                return Err(FetchError::Elsewhere {
                    url: fetch.url.into(),
                    found: next.host().unwrap_or_default().into(),
                });
            }
            Some(next) => at = next,
            None => return Ok(answer),
        }
    }
    Err(too_many(fetch.url))
}

/// Whether a redirect may lead there.
fn allowed(fetch: &Fetch<'_>, first: &Uri, next: &Uri) -> bool {
    let (Some(hosts), Some(host)) = (fetch.hosts, next.host()) else {
        return true;
    };
    let is = |other: &str| host.eq_ignore_ascii_case(other);
    first.host().is_some_and(is) || hosts.iter().any(|other| is(other))
}

fn agent(patience: Duration) -> Agent {
    Agent::config_builder()
        .user_agent(concat!("modalign/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_resolve(Some(patience))
        .timeout_connect(Some(patience))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(patience))
        .timeout_per_write(Some(patience))
        .build()
        .new_agent()
}

fn address(url: &str) -> Result<Uri, FetchError> {
    let wrong = |found: String| FetchError::Address {
        url: url.into(),
        found,
    };
    let at: Uri = url.parse().map_err(|e| wrong(format!("{e}")))?;
    match (at.scheme_str(), at.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(at),
        (scheme, _) => Err(wrong(format!("scheme {}", scheme.unwrap_or("none")))),
    }
}

/// Scheme, host and port: what a token is meant for.
fn origin(at: &Uri) -> (Option<&str>, Option<String>, u16) {
    let default = if at.scheme_str() == Some("http") {
        80
    } else {
        443
    };
    (
        at.scheme_str(),
        at.host().map(str::to_ascii_lowercase),
        at.port_u16().unwrap_or(default),
    )
}

/// Where an answer leads, if it leads elsewhere.
fn redirect(at: &Uri, answer: &Response<Body>) -> Result<Option<Uri>, FetchError> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = text(answer.headers(), "location").unwrap_or("nowhere");
    let wrong = || FetchError::Redirect {
        url: at.to_string(),
        found: location.into(),
    };
    let next = join(at, location)
        .and_then(|next| address(&next).ok())
        .ok_or_else(wrong)?;
    if at.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
        return Err(wrong());
    }
    Ok(Some(next))
}

/// The address that a `Location` means: whole, without scheme, from the root or from here.
fn join(at: &Uri, location: &str) -> Option<String> {
    let (scheme, authority) = (at.scheme_str()?, at.authority()?);
    let location = location.split('#').next()?;
    Some(if location.contains("://") {
        location.into()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        let folder = at.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    })
}

fn unreachable(at: &Uri, error: &ureq::Error) -> FetchError {
    FetchError::Unreachable {
        url: at.to_string(),
        found: error.to_string(),
    }
}

fn too_many(url: &str) -> FetchError {
    FetchError::Redirect {
        url: url.into(),
        found: format!("more than {HOPS} redirects"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_joined_as_browsers_do() {
        let at: Uri = "https://a.example:8443/x/y?z=1".parse().unwrap();
        for (location, expected) in [
            ("https://b.example/c", "https://b.example/c"),
            ("//b.example/c", "https://b.example/c"),
            ("/c?d=1", "https://a.example:8443/c?d=1"),
            ("c#part", "https://a.example:8443/x/c"),
        ] {
            assert_eq!(join(&at, location).as_deref(), Some(expected));
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let of = |text: &str| text.parse::<Uri>().unwrap();
        assert_eq!(
            origin(&of("https://A.example/x")),
            origin(&of("https://a.example:443/y"))
        );
        assert_ne!(
            origin(&of("http://a.example")),
            origin(&of("https://a.example"))
        );
        assert_ne!(
            origin(&of("http://a.example:1")),
            origin(&of("http://a.example:2"))
        );
    }
}
