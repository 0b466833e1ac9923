//! Serves the page of a running session on this machine alone, until the program is stopped.
//!
//! The address has 128 random bits. A browser that asks for the page gets one of the session as it is then; while it is
//! made, whoever else asks waits.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::http::{Asked, LONGEST_REQUEST, head, read};
use super::page::Page;
use crate::base::digest::to_hex;
use crate::base::error::{Error, Kind, Result};
use crate::sys::files::random_bytes;
use crate::sys::parallel::held;

/// How long a connection may say or take nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection may take to say what it wants, in all. Browsers open some that say nothing.
const TO_ASK: Duration = Duration::from_secs(2);

/// The most connections at a time. For one more, the oldest that has asked for nothing is given up.
const MOST_AT_ONCE: usize = 64;

/// What a server shows.
pub trait Shown: Sync {
    /// Returns what changes whenever the page would be another one.
    ///
    /// # Errors
    /// What can't be read of the session.
    fn version(&self) -> Result<String>;
    /// Makes the page.
    ///
    /// # Errors
    /// What can't be read, and an open secret.
    fn page(&self) -> Result<Page>;
}

/// A server that is ready.
pub struct Server {
    listener: TcpListener,
    port: u16,
    secret: String,
    to_ask: Duration,
}

/// The connections that are open.
#[derive(Default)]
struct Guests {
    last: u64,
    /// Those that have asked for nothing, the oldest first.
    idle: BTreeMap<u64, TcpStream>,
    /// How many are being answered.
    busy: usize,
}

/// A connection's place among the others, until it is dropped.
struct Seat<'s> {
    number: u64,
    guests: &'s Mutex<Guests>,
    freed: &'s Condvar,
    is_busy: bool,
}

impl<'s> Seat<'s> {
    /// Takes a place for a connection, and waits for one if all others are being answered.
    fn take(stream: &TcpStream, guests: &'s Mutex<Guests>, freed: &'s Condvar) -> io::Result<Seat<'s>> {
        let again = stream.try_clone()?;
        let mut all = held(guests);
        while all.idle.len() + all.busy >= MOST_AT_ONCE {
            match all.idle.pop_first() {
                // Whoever reads from it sees its end.
                Some((_, oldest)) => drop(oldest.shutdown(Shutdown::Both)),
                None => all = freed.wait(all).unwrap_or_else(PoisonError::into_inner),
            }
        }
        all.last += 1;
        let number = all.last;
        all.idle.insert(number, again);
        Ok(Seat { number, guests, freed, is_busy: false })
    }

    /// Says that it has asked for something; `false` if it was given up before.
    fn asked(&mut self) -> bool {
        let mut all = held(self.guests);
        self.is_busy = all.idle.remove(&self.number).is_some();
        all.busy += usize::from(self.is_busy);
        self.is_busy
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut all = held(self.guests);
        all.idle.remove(&self.number);
        all.busy -= usize::from(self.is_busy);
        self.freed.notify_one();
    }
}

impl Server {
    /// Opens one on this machine, at any free port.
    ///
    /// # Errors
    /// [`Kind::Environment`] if there is none.
    pub fn open() -> Result<Server> {
        let failed = |error| Error::new(Kind::Environment, "Cannot listen on 127.0.0.1").because(error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let secret = to_hex(&random_bytes()?[..16]);
        Ok(Server { listener, port, secret, to_ask: TO_ASK })
    }

    /// Returns the address of the page. Whoever knows it can read the session.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.port, self.secret)
    }

    /// Serves until the program ends.
    ///
    /// # Errors
    /// [`Kind::Environment`] if no connection can be taken any more.
    pub fn serve(&self, shown: &dyn Shown) -> Result<()> {
        let (making, guests, freed) = (Mutex::new(()), Mutex::new(Guests::default()), Condvar::new());
        let why = thread::scope(|scope| {
            loop {
                let stream = match self.listener.accept() {
                    Ok((stream, _)) => stream,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return error,
                };
                let Ok(seat) = Seat::take(&stream, &guests, &freed) else { continue };
                // A browser that has gone away is no failure of the server.
                scope.spawn(|| drop(self.answer(stream, seat, shown, &making)));
            }
        });
        Err(Error::new(Kind::Environment, "Cannot take connections any more").because(why))
    }

    fn answer(
        &self,
        mut stream: TcpStream,
        mut seat: Seat<'_>,
        shown: &dyn Shown,
        making: &Mutex<()>,
    ) -> io::Result<()> {
        let end = Instant::now() + self.to_ask;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut request = Vec::new();
        let mut block = [0; 1024];
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            let left = end.saturating_duration_since(Instant::now());
            stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
            match stream.read(&mut block)? {
                0 => return Ok(()),
                _ if request.len() > LONGEST_REQUEST => {
                    return short(&mut stream, 400, "This is too long.", false);
                }
                length => request.extend_from_slice(&block[..length]),
            }
        }
        if !seat.asked() {
            return Ok(());
        }
        let request = match read(&request, self.port, &self.secret) {
            Ok(request) => request,
            Err(status) => return short(&mut stream, status, "This is not served here.", false),
        };
        match request.asked {
            None => short(&mut stream, 404, "There is nothing here.", request.only_head),
            Some(Asked::Status) => match shown.version() {
                Ok(version) => short(&mut stream, 200, &version, request.only_head),
                Err(error) => short(&mut stream, 500, &error.lines().join("\n"), request.only_head),
            },
            Some(Asked::Page) => {
                let making = held(making);
                let page = shown.page();
                drop(making);
                match page {
                    Ok(page) => send(&mut stream, page, request.only_head),
                    Err(error) => short(&mut stream, 500, &error.lines().join("\n"), request.only_head),
                }
            }
        }
    }
}

fn short(stream: &mut TcpStream, status: u16, text: &str, only_head: bool) -> io::Result<()> {
    let body = format!("{text}\n");
    stream.write_all(head(status, "text/plain", body.len() as u64).as_bytes())?;
    if only_head { Ok(()) } else { stream.write_all(body.as_bytes()) }
}

fn send(stream: &mut TcpStream, mut page: Page, only_head: bool) -> io::Result<()> {
    // The length is known only when it was written once: what is long of it is not held.
    let mut bytes = 0;
    page.write(&mut |text| {
        bytes += text.len() as u64;
        Ok(())
    })
    .map_err(io::Error::other)?;
    stream.write_all(head(200, "text/html", bytes).as_bytes())?;
    if only_head {
        return Ok(());
    }
    let gone = |error| Error::new(Kind::ClosedPipe, "The browser has gone away").because(error);
    page.write(&mut |text| stream.write_all(text).map_err(gone)).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl Shown for Nothing {
        fn version(&self) -> Result<String> {
            Ok("one".to_owned())
        }

        fn page(&self) -> Result<Page> {
            Err(Error::new(Kind::NotFound, "There is none"))
        }
    }

    #[test]
    fn connections_that_ask_for_nothing_keep_nobody_out() {
        let server = Server::open().expect("a server");
        // Nobody is let in because somebody else has waited too long.
        let server: &'static Server =
            Box::leak(Box::new(Server { to_ask: Duration::from_secs(3_600), ..server }));
        thread::spawn(|| server.serve(&Nothing));
        let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).expect("a connection");
        let mut idle: Vec<TcpStream> = (0..3 * MOST_AT_ONCE).map(|_| connect()).collect();
        for _ in 0..3 {
            let mut stream = connect();
            let request =
                format!("GET /{}/status HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", server.secret, server.port);
            stream.write_all(request.as_bytes()).expect("sent");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("an answer");
            assert!(
                answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\none\n"),
                "{answer}"
            );
        }
        // The oldest was given up, and not the newest.
        assert_eq!(idle[0].read(&mut [0; 1]).unwrap_or(0), 0);
        let newest = idle.last_mut().expect("one");
        newest.write_all(b"GET / HTTP/1.1\r\nHost: elsewhere\r\n\r\n").expect("sent");
        let mut answer = String::new();
        newest.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    }
}
