//! What the page of a running session needs of HTTP: one request of a browser on this machine, and its answer.
//!
//! Pure. Only `GET` and `HEAD` of two addresses below a secret are answered, and only if the request names this machine: a
//! page from elsewhere can neither guess the address nor reach it under a name of its own.

/// The most bytes of a request that are read.
pub(super) const LONGEST_REQUEST: usize = 16 << 10;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The page.
    Page,
    /// Which state of the session the page would be of.
    Status,
}

/// A request, as far as it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// What is asked for; `None` for anything that is not here.
    pub(super) asked: Option<Asked>,
    /// Whether the answer is to have no body.
    pub(super) only_head: bool,
}

/// Reads a request; says which status answers one that is wrong.
///
/// # Errors
/// The status: 400, 403 or 405.
pub(super) fn read(request: &[u8], port: u16, secret: &str) -> Result<Request, u16> {
    let text = std::str::from_utf8(request).map_err(|_| 400_u16)?;
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().ok_or(400_u16)?);
    if !words.next().is_some_and(|version| version.starts_with("HTTP/1.")) {
        return Err(400);
    }
    let fields = lines.filter_map(|line| line.split_once(':'));
    let mut hosts = fields.filter(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = hosts.next().map(|(_, host)| host.trim()).ok_or(400_u16)?;
    let here = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{port}"));
    if hosts.next().is_some() || !here.iter().any(|name| name == host) {
        return Err(403);
    }
    let only_head = match method {
        "GET" => false,
        "HEAD" => true,
        _ => return Err(405),
    };
    let below = target.strip_prefix('/').and_then(|rest| rest.strip_prefix(secret));
    let asked = match below {
        Some("/") => Some(Asked::Page),
        Some("/status") => Some(Asked::Status),
        _ => None,
    };
    Ok(Request { asked, only_head })
}

/// Returns the head of an answer.
pub(super) fn head(status: u16, kind: &str, bytes: u64) -> String {
    let reason = match status {
        200 => "OK",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        500 => "Internal Server Error",
        _ => "Bad Request",
    };
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {bytes}\r\n\
         Connection: close\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
         X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nCross-Origin-Resource-Policy: same-origin\r\n\
         Cross-Origin-Opener-Policy: same-origin\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_gets_an_answer_and_only_below_the_secret() {
        let ask = |method: &str, target: &str, host: &str| {
            let request = format!("{method} {target} HTTP/1.1\r\nAccept: */*\r\nHost: {host}\r\n\r\n");
            read(request.as_bytes(), 4000, "s3cret").map(|request| (request.asked, request.only_head))
        };
        let here = "127.0.0.1:4000";
        assert_eq!(ask("GET", "/s3cret/", here), Ok((Some(Asked::Page), false)));
        assert_eq!(ask("HEAD", "/s3cret/status", "localhost:4000"), Ok((Some(Asked::Status), true)));
        for target in ["/", "/status", "/s3cre/", "/s3cret", "/s3cret/../s3cret/", "//s3cret/", "/S3CRET/"] {
            assert_eq!(ask("GET", target, here), Ok((None, false)), "{target}");
        }
        for host in ["evil.example:4000", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:4000.evil.example", ""] {
            assert_eq!(ask("GET", "/s3cret/", host), Err(403), "{host}");
        }
        assert_eq!(ask("POST", "/s3cret/", here), Err(405));
        let twice = "GET /s3cret/ HTTP/1.1\r\nHost: 127.0.0.1:4000\r\nHost: evil.example\r\n\r\n";
        assert_eq!(read(twice.as_bytes(), 4000, "s3cret"), Err(403));
        for odd in ["", "GET", "GET /s3cret/\r\n\r\n", "GET /s3cret/ HTTP/1.1\r\n\r\n", "\u{0}"] {
            assert_eq!(read(odd.as_bytes(), 4000, "s3cret"), Err(400), "{odd:?}");
        }
        assert_eq!(read(b"\xff", 4000, "s3cret"), Err(400));
    }
}
