//! Whether something takes connections at an address: connected to and let go of. Nothing is sent.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::thread;
use std::time::Duration;

/// How long one connection may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// The waits between the tries.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(150)];

/// Tries up to three times, with growing pauses; blocks for up to about two seconds, and for as long as the system
/// looks for the host's name.
pub fn answers(host: &str, port: u16) -> bool {
    let once = || {
        let places = (host, port).to_socket_addrs().into_iter().flatten().take(2);
        places.into_iter().any(|place| TcpStream::connect_timeout(&place, PATIENCE).is_ok())
    };
    if once() {
        return true;
    }
    PAUSES.iter().any(|pause| {
        thread::sleep(*pause);
        once()
    })
}

/// Returns host and port of an address of the form `SCHEME://HOST[:PORT]/…`; `None` for anything else.
pub fn host_and_port(address: &str) -> Option<(String, u16)> {
    let (scheme, rest) = address.split_once("://")?;
    let usual = match scheme.to_ascii_lowercase().as_str() {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        _ => return None,
    };
    let place = rest.split(['/', '?', '#']).next()?;
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let (host, port) = match place.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Some(usual), |port| port.parse().ok())?;
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_host_and_port() {
        for (address, wanted) in [
            ("http://localhost:8080/mcp", Some(("localhost", 8080))),
            ("https://user:key@mcp.example.org/sse?key=x", Some(("mcp.example.org", 443))),
            ("WSS://[::1]:7/", Some(("::1", 7))),
            ("http://[::1]", Some(("::1", 80))),
            ("http://host:port/", None),
            ("http:///x", None),
            ("file:///etc/passwd", None),
            ("just text", None),
        ] {
            let found = host_and_port(address);
            assert_eq!(found.as_ref().map(|(host, port)| (host.as_str(), *port)), wanted, "{address}");
        }
    }

    #[test]
    fn a_port_that_listens_answers_and_a_closed_one_does_not() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        assert!(answers("127.0.0.1", port));
        drop(listener);
        assert!(!answers("127.0.0.1", port));
    }
}
