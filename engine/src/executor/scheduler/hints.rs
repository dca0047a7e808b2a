//! Which transactions had better wait for which: from keys that somebody guesses they use.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// For each index the two last lower ones that share a hint with it.
#[derive(Debug, Default)]
pub struct Order(Vec<[u32; 2]>);

/// No index.
const NONE: u32 = u32::MAX;

/// Hints are hashes already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0.rotate_left(8) ^ u64::from(byte));
    }

    fn write_u64(&mut self, hash: u64) {
        // Callers may well hand over small numbers.
        self.0 = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Order {
    /// From what `hints` appends for each index. `None` if that is nothing.
    pub fn of(transactions: u32, mut hints: impl FnMut(u32, &mut Vec<u64>)) -> Option<Self> {
        let mut own = Vec::new();
        let mut latest: HashMap<u64, u32, BuildHasherDefault<AsItIs>> = HashMap::default();
        let mut order = Vec::new();
        for index in 0..transactions {
            own.clear();
            hints(index, &mut own);
            if own.is_empty() && order.is_empty() {
                continue;
            }
            order.resize(index as usize, [NONE; 2]);
            let mut two = [NONE; 2];
            for &hint in &own {
                if let Some(before) = latest.insert(hint, index) {
                    note(&mut two, before, index);
                }
            }
            order.push(two);
        }
        (!order.is_empty()).then_some(Self(order))
    }

    /// What an index waits for.
    pub fn waits_for(&self, index: u32) -> impl Iterator<Item = u32> + '_ {
        let two = self.0.get(index as usize).copied().unwrap_or([NONE; 2]);
        two.into_iter().filter(|&before| before != NONE)
    }
}

/// Keeps the two highest indices, each once.
fn note(two: &mut [u32; 2], before: u32, index: u32) {
    if before == index || two.contains(&before) {
        return;
    }
    match *two {
        [NONE, _] => two[0] = before,
        [first, NONE] => *two = [first.max(before), first.min(before)],
        [first, second] if before > second => *two = [first.max(before), first.min(before)],
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::Order;

    fn order(hints: &[&[u64]]) -> Vec<Vec<u32>> {
        let order = Order::of(hints.len() as u32, |index, out| out.extend(hints[index as usize]));
        let order = order.unwrap_or_default();
        (0..hints.len() as u32).map(|index| order.waits_for(index).collect()).collect()
    }

    #[test]
    fn the_two_last_that_share_a_hint() {
        let found = order(&[&[1], &[2], &[], &[3, 3], &[1, 2, 3], &[1, 3]]);
        assert_eq!(found, [vec![], vec![], vec![], vec![], vec![3, 1], vec![4]]);
    }

    #[test]
    fn without_hints_there_is_no_order() {
        assert!(Order::of(5, |_, _| ()).is_none());
        assert!(Order::of(0, |_, out| out.push(1)).is_none());
    }
}
