//! A tiny HTTP server inside a test: one closure answers every request, and what was asked is kept.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What was asked.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    /// A header by its name in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The offset of a `Range: bytes=N-`.
    pub fn from(&self) -> Option<usize> {
        self.get("range")?
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Bytes of the body after which the connection is cut.
    pub cut: Option<usize>,
    /// Repeats the body until nobody listens.
    pub endless: bool,
}

impl Reply {
    /// A status with a body of known length.
    pub fn new(status: u16, body: &[u8]) -> Self {
        let length = ("content-length", body.len().to_string());
        Self {
            status,
            headers: vec![length],
            body: body.to_vec(),
            cut: None,
            endless: false,
        }
    }

    /// One more header.
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// The whole body, or the part that the request asks for.
    pub fn ranged(request: &Request, body: &[u8]) -> Self {
        match request.from() {
            Some(from) if from < body.len() => Self::new(206, &body[from..]).with(
                "content-range",
                format!("bytes {from}-{}/{}", body.len() - 1, body.len()),
            ),
            Some(_) => Self::new(416, b""),
            None => Self::new(200, body),
        }
    }

    /// Cut after `count` bytes of the body.
    pub fn cut(mut self, count: usize) -> Self {
        self.cut = Some(count);
        self
    }
}

/// A running server; it stops when it is dropped.
pub struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    pub fn start(answer: impl Fn(&Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (asked, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (log, ended) = (Arc::clone(&asked), Arc::clone(&stop));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                // A client that hangs up early is what some tests are about.
                stream.and_then(|s| serve(s, &log, &answer)).ok();
            }
        });
        Self {
            address,
            asked,
            stop,
        }
    }

    /// The address of a path on this server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().expect("log").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        TcpStream::connect(self.address).ok();
    }
}

fn serve(
    stream: TcpStream,
    log: &Mutex<Vec<Request>>,
    answer: &impl Fn(&Request) -> Reply,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(&stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut words = first.split(' ').map(str::to_string);
    let mut request = Request {
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
        headers: Vec::new(),
    };
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        request
            .headers
            .push((name.to_ascii_lowercase(), value.trim().into()));
    }
    log.lock().expect("log").push(request.clone());
    let reply = answer(&request);
    let mut out = &stream;
    write!(
        out,
        "HTTP/1.1 {} Said\r\nconnection: close\r\n",
        reply.status
    )?;
    for (name, value) in &reply.headers {
        write!(out, "{name}: {value}\r\n")?;
    }
    write!(out, "\r\n")?;
    if request.method == "HEAD" {
        return Ok(());
    }
    out.write_all(&reply.body[..reply.cut.unwrap_or(reply.body.len())])?;
    if reply.endless {
        loop {
            out.write_all(&reply.body)?;
        }
    }
    Ok(())
}
