//! Serves the page of a running session on this machine alone, until the program is stopped.
//!
//! The address has 128 random bits. A browser that asks for the page gets one of the session as it is then; while it is
//! made, whoever else asks waits.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use super::http::{Asked, LONGEST_REQUEST, head, read};
use super::page::Page;
use crate::base::digest::to_hex;
use crate::base::error::{Error, Kind, Result};
use crate::sys::files::random_bytes;
use crate::sys::parallel::held;

/// How long a connection may say or take nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection may take to say what it wants. Browsers open some that say nothing.
const TO_ASK: Duration = Duration::from_secs(2);

/// The most connections at a time; more wait.
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
        Ok(Server { listener, port, secret })
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
        let making = Mutex::new(());
        thread::scope(|scope| {
            let workers: Vec<_> = (0..MOST_AT_ONCE)
                .map(|_| {
                    scope.spawn(|| {
                        loop {
                            match self.listener.accept() {
                                // A browser that has gone away is no failure of the server.
                                Ok((stream, _)) => drop(self.answer(stream, shown, &making)),
                                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                                Err(error) => return error,
                            }
                        }
                    })
                })
                .collect();
            let ends = workers.into_iter().filter_map(|worker| worker.join().ok());
            let why = ends.last().unwrap_or_else(|| io::Error::other("no thread could be started"));
            Err(Error::new(Kind::Environment, "Cannot take connections any more").because(why))
        })
    }

    fn answer(&self, mut stream: TcpStream, shown: &dyn Shown, making: &Mutex<()>) -> io::Result<()> {
        stream.set_read_timeout(Some(TO_ASK))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut request = Vec::new();
        let mut block = [0; 1024];
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut block)? {
                0 => return Ok(()),
                _ if request.len() > LONGEST_REQUEST => {
                    return short(&mut stream, 400, "This is too long.", false);
                }
                length => request.extend_from_slice(&block[..length]),
            }
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
