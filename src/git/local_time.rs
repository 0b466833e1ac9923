//! The time zone of this machine, as git reads it for the dates of commits.

/// Returns how many minutes the clocks here are ahead of UTC; 0 if that can't be said.
pub fn minutes_from_utc() -> i32 {
    // The names are needed to ask, and go nowhere.
    git2::Signature::now("snap", "snap").map_or(0, |now| now.when().offset_minutes())
}
