//! Sizes as people write them. Pure.

/// Reads a size as people write it: `500M`, `2GiB`. Units are powers of 1,024.
///
/// # Errors
/// Says what is wrong with the text, for a usage message.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let power = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => Some(0),
        "k" | "kb" | "kib" => Some(1),
        "m" | "mb" | "mib" => Some(2),
        "g" | "gb" | "gib" => Some(3),
        "t" | "tb" | "tib" => Some(4),
        _ => None,
    };
    let bytes = number
        .parse::<u64>()
        .ok()
        .zip(power)
        .and_then(|(number, power)| number.checked_mul(1 << (10 * power)));
    bytes.ok_or_else(|| {
        format!("{text:?} is not a size; write a whole number and a unit (K, M, G, T), such as 500M or 2GiB")
    })
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn a_size_has_a_number_and_perhaps_a_unit_of_powers_of_1024() {
        for (text, bytes) in [("0", 0), ("7b", 7), ("500K", 500 << 10), ("2 GiB", 2 << 30), ("1tb", 1 << 40)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "K", "-1", "1.5M", "99999999999999999999", "16777216T", "3x"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
