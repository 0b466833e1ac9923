//! The name of a project's folder, which the client makes from the working directory.

const LONGEST: usize = 200;

/// Returns the folder name for a working directory whose links are resolved.
///
/// Every UTF-16 unit outside `[A-Za-z0-9]` becomes `-`; over 200 units, the first 200 are
/// followed by `-` and a hash of the whole in base 36. Lossy: `a.b` and `a-b` share a name,
/// so a transcript's own `cwd` decides what it belongs to. Checked against 2.1.329.
pub fn slug(cwd: &str) -> String {
    let units: Vec<u16> = cwd.encode_utf16().collect();
    let plain = |unit: &u16| {
        u8::try_from(*unit).ok().map(char::from).filter(char::is_ascii_alphanumeric).unwrap_or('-')
    };
    if units.len() <= LONGEST {
        return units.iter().map(plain).collect();
    }
    let hash = units.iter().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(*unit)));
    let short: String = units.iter().take(LONGEST).map(plain).collect();
    format!("{short}-{}", base36(hash.unsigned_abs()))
}

fn base36(mut number: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.extend(char::from_digit(number % 36, 36));
        number /= 36;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_path_becomes_the_folder_name_that_the_client_uses() {
        assert_eq!(slug("/tmp/my app/v1.2"), "-tmp-my-app-v1-2");
        assert_eq!(slug("/é/🦀"), "-----", "an emoji is two UTF-16 units");
    }

    #[test]
    fn a_long_path_ends_in_the_clients_hash() {
        let long = format!("/tmp/cc/w/{}/{}/{}", "a".repeat(80), "b".repeat(80), "c".repeat(80));
        let name = slug(&long);
        assert!(name.ends_with("-fgg91c"), "{name}");
        assert_eq!(name.len(), 207);
    }
}
