//! The hash of a file that grows: of each whole block, and of the rest behind the last one.
//!
//! So one reading of the file is enough for whoever asks about its blocks and whoever asks about all of it. Pure.

use crate::base::digest::{Checksum, ObjectId};

/// How many bytes a block has.
pub const BLOCK: u64 = 1 << 20;

/// Hashes content that comes piece by piece.
#[derive(Default)]
pub struct BlockSums {
    whole: Vec<ObjectId>,
    rest: Checksum,
    in_rest: u64,
}

impl BlockSums {
    /// Goes on behind these whole blocks.
    pub fn behind(whole: &[ObjectId]) -> BlockSums {
        BlockSums { whole: whole.to_vec(), ..BlockSums::default() }
    }

    /// Returns how many bytes have been hashed.
    pub fn size(&self) -> u64 {
        self.whole.len() as u64 * BLOCK + self.in_rest
    }

    /// Adds the next piece.
    pub fn update(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let room = usize::try_from(BLOCK - self.in_rest).unwrap_or(usize::MAX);
            let (now, later) = piece.split_at(piece.len().min(room));
            self.rest.update(now);
            self.in_rest += now.len() as u64;
            if self.in_rest == BLOCK {
                self.whole.push(self.rest.finish());
                (self.rest, self.in_rest) = (Checksum::default(), 0);
            }
            piece = later;
        }
    }

    /// Returns the hash of all pieces, as if they were one.
    pub fn finish(&self) -> ObjectId {
        let mut all = Checksum::default();
        self.whole.iter().for_each(|block| all.update(block.as_bytes()));
        all.update(self.rest.finish().as_bytes());
        all.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_does_not_depend_on_how_the_content_came() {
        let content: Vec<u8> = (0..(5 << 19)).map(|at: u32| (at % 251) as u8).collect();
        let blocks: Vec<ObjectId> = content.chunks(1 << 20).map(ObjectId::of).collect();
        let mut at_once = BlockSums::default();
        at_once.update(&content);
        let mut bit_by_bit = BlockSums::default();
        content.chunks(70_001).for_each(|piece| bit_by_bit.update(piece));
        let mut behind = BlockSums::behind(&blocks[..2]);
        assert_eq!(behind.size(), 2 * BLOCK);
        behind.update(&content[2 << 20..]);
        assert_eq!(bit_by_bit.finish(), at_once.finish());
        assert_eq!(behind.finish(), at_once.finish());
        assert_ne!(BlockSums::behind(&blocks[..2]).finish(), at_once.finish());
    }
}
