//! The system's folders for what nobody keeps.

#[cfg(not(target_vendor = "apple"))]
mod linux;
#[cfg(target_vendor = "apple")]
mod macos;

use std::path::{Path, PathBuf};

#[cfg(not(target_vendor = "apple"))]
use linux as system;
#[cfg(target_vendor = "apple")]
use macos as system;

/// Returns the folders for temporary files, caches and what the kernel shows, whatever the variables say.
pub fn folders(home: &Path) -> Vec<PathBuf> {
    let of_each_system = ["/tmp", "/var/tmp", "/dev"].map(PathBuf::from);
    of_each_system.into_iter().chain(system::folders(home)).collect()
}
