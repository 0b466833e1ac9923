//! Values as few bytes that are quickly read again: for files that only save time. Pure.

/// Reads values from bytes, in the order in which they were put there.
pub struct Unpacker<'a>(&'a [u8]);

impl<'a> Unpacker<'a> {
    /// Begins at the first of these bytes.
    pub fn of(bytes: &'a [u8]) -> Unpacker<'a> {
        Unpacker(bytes)
    }

    /// Says whether all was read.
    pub fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads so many bytes.
    pub fn bytes(&mut self, number: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(number)?;
        self.0 = rest;
        Some(taken)
    }

    /// Reads all that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Reads one byte.
    pub fn byte(&mut self) -> Option<u8> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    /// Reads what [`put_number`] wrote.
    pub fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.bytes(8)?.try_into().ok()?))
    }

    /// Reads what [`put_signed`] wrote.
    pub fn signed(&mut self) -> Option<i64> {
        Some(i64::from_le_bytes(self.bytes(8)?.try_into().ok()?))
    }

    /// Reads what [`put`] wrote.
    pub fn part(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_le_bytes(self.bytes(4)?.try_into().ok()?);
        self.bytes(usize::try_from(length).ok()?)
    }

    /// The same, if it is text.
    pub fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.part()?).ok()
    }
}

/// Adds bytes with their length; `None` if there are too many of them.
pub fn put(into: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    into.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
    into.extend_from_slice(bytes);
    Some(())
}

/// Adds a number.
pub fn put_number(into: &mut Vec<u8>, number: u64) {
    into.extend_from_slice(&number.to_le_bytes());
}

/// Adds a number that may be less than nothing.
pub fn put_signed(into: &mut Vec<u8>, number: i64) {
    into.extend_from_slice(&number.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_comes_back_and_what_is_cut_off_does_not() {
        let mut bytes = Vec::new();
        put_number(&mut bytes, 7);
        put_signed(&mut bytes, -7);
        put(&mut bytes, "größer".as_bytes()).expect("short enough");
        bytes.push(9);
        let read = |bytes: &[u8]| {
            let mut all = Unpacker::of(bytes);
            let read = (all.number()?, all.signed()?, all.text()?.to_owned(), all.byte()?);
            all.is_done().then_some(read)
        };
        assert_eq!(read(&bytes), Some((7, -7, "größer".to_owned(), 9)));
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]), None, "{length}");
        }
    }
}
