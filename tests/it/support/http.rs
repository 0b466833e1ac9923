//! The little of HTTP/1.1 that the stand-in API needs: reading one request, writing one answer.

use std::io::{self, BufRead, Read, Write};

/// The client's requests stay far below this; anything above is a mistake in the framing.
const LONGEST_BODY: u64 = 64 << 20;

/// One request as it came over the wire.
#[derive(Debug)]
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl HttpRequest {
    /// Reads one request; `None` when the other side closed the connection without sending one.
    pub(crate) fn read(stream: &mut impl BufRead) -> io::Result<Option<Self>> {
        let first = line(stream)?;
        let mut words = first.split(' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Ok(None);
        };
        let (method, target) = (method.to_owned(), target.to_owned());
        let mut headers = Vec::new();
        loop {
            let header = line(stream)?;
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':') {
                headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        let mut request = Self { method, target, headers, body: Vec::new() };
        request.body = request.read_body(stream)?;
        Ok(Some(request))
    }

    /// The value of the header of this name, given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn read_body(&self, stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if self.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            loop {
                let head = line(stream)?;
                let digits = head.split(';').next().unwrap_or_default().trim();
                let size = u64::from_str_radix(digits, 16).map_err(|_| broken("chunk size"))?;
                read_exactly(stream, size, &mut body)?;
                let end = line(stream)?;
                if size == 0 {
                    return Ok(body);
                }
                if !end.is_empty() {
                    return Err(broken("chunk end"));
                }
            }
        }
        if let Some(length) = self.header("content-length") {
            let length = length.parse().map_err(|_| broken("content-length"))?;
            read_exactly(stream, length, &mut body)?;
        }
        Ok(body)
    }
}

/// Writes a whole answer and tells the client that the connection ends with it.
pub(crate) fn answer(
    stream: &mut impl Write,
    status: u16,
    kind: &str,
    body: &[u8],
    head_only: bool,
) -> io::Result<()> {
    let reason = if status == 200 { "OK" } else { "Error" };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} {reason}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )?;
    if !head_only {
        stream.write_all(body)?;
    }
    stream.flush()
}

fn read_exactly(stream: &mut impl Read, size: u64, into: &mut Vec<u8>) -> io::Result<()> {
    if size + into.len() as u64 > LONGEST_BODY {
        return Err(broken("length"));
    }
    if stream.take(size).read_to_end(into)? as u64 != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut text = String::new();
    stream.read_line(&mut text)?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(text)
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("bad {what} in a request"))
}
