//! When a process began, as far as the system says it.

/// When a process began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// In the words of the system, which are also those in which the client writes it down.
    Known(String),
    /// There is no such process.
    Gone,
    /// The system does not say.
    Unknown,
}
