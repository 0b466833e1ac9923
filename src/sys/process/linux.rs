//! Linux: processes as `/proc` shows them.

use std::path::Path;

use super::beginning::Beginning;

pub(super) fn beginning(pid: i32) -> Beginning {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        let shows_processes = Path::new("/proc/self/stat").exists();
        return if shows_processes { Beginning::Gone } else { Beginning::Unknown };
    };
    // Field 22, counted behind the name, which may hold blanks and brackets.
    let ticks = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19));
    ticks.map_or(Beginning::Unknown, |ticks| Beginning::Known(ticks.to_owned()))
}

pub(super) fn parents() -> Vec<(i32, i32)> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    all.filter_map(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // Field 4, counted behind the name.
        Some((pid, stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?))
    })
    .collect()
}

pub(super) fn ignored_signals() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let bits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(bits.trim(), 16).ok()
}

pub(super) fn words(pid: i32) -> Option<Vec<String>> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    Some(words.filter(|word| !word.is_empty()).collect())
}
