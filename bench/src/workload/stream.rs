//! Requests drawn before the clock starts, laid out in the order they are asked.

use super::{Case, Value, value};

/// Keys back to back in request order.
///
/// Handing out the next key costs a sequential read; looking it up by its number while the clock
/// runs would cost a cache miss, for which every contender would pay and which would hide what
/// sets them apart.
pub struct Stream {
    bytes: Vec<u8>,
    /// Where each key ends.
    ends: Vec<u32>,
}

impl Stream {
    /// The keys of `numbers`, in that order.
    pub fn of(case: Case, numbers: impl Iterator<Item = u64>) -> Stream {
        let mut stream =
            Stream { bytes: Vec::new(), ends: Vec::with_capacity(numbers.size_hint().0) };
        for number in numbers {
            case.write_key(number, &mut stream.bytes);
            stream.close_key();
        }
        stream
    }

    /// The same keys in ascending order.
    pub fn sorted(&self) -> Stream {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_unstable_by(|&left, &right| self.key(left).cmp(self.key(right)));
        let mut sorted = Stream {
            bytes: Vec::with_capacity(self.bytes.len()),
            ends: Vec::with_capacity(self.len()),
        };
        for index in order {
            sorted.bytes.extend_from_slice(self.key(index));
            sorted.close_key();
        }
        sorted
    }

    /// How many requests there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no request at all.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The key of request `index`.
    #[inline]
    pub fn key(&self, index: usize) -> &[u8] {
        let begin = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        &self.bytes[begin..self.ends[index] as usize]
    }

    /// The requests from `start` on, for ever: after the last comes the first.
    pub fn walk(&self, start: usize) -> Walk<'_> {
        assert!(!self.is_empty(), "a stream to walk must hold a request");
        Walk { stream: self, next: start % self.len() }
    }

    fn close_key(&mut self) {
        let end = u32::try_from(self.bytes.len()).expect("MAX_KEYS keys stay below 4 GiB");
        self.ends.push(end);
    }
}

/// An endless reader of a [`Stream`].
#[derive(Clone)]
pub struct Walk<'a> {
    stream: &'a Stream,
    next: usize,
}

impl<'a> Walk<'a> {
    /// The next key.
    #[inline]
    pub fn step(&mut self) -> &'a [u8] {
        let key = self.stream.key(self.next);
        self.next += 1;
        if self.next == self.stream.len() {
            self.next = 0;
        }
        key
    }

    /// The next `N` keys.
    #[inline]
    pub fn steps<const N: usize>(&mut self) -> [&'a [u8]; N] {
        std::array::from_fn(|_| self.step())
    }

    /// The next `count` keys with the value that write `sequence` gives them. May be read more than
    /// once (a commit that has to try again), and does not move the walk: see [`Walk::advance`].
    #[inline]
    pub fn ops(
        &self,
        count: usize,
        sequence: u64,
    ) -> impl Iterator<Item = (&'a [u8], Value)> + Clone {
        let mut walk = self.clone();
        std::iter::repeat_with(move || walk.step())
            .take(count)
            .map(move |key| (key, value::make(key, sequence)))
    }

    /// Moves over `count` keys.
    #[inline]
    pub fn advance(&mut self, count: usize) {
        self.next = (self.next + count) % self.stream.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_begins_anywhere_and_wraps() {
        let stream = Stream::of(Case::Prefix, 0..5);
        let mut walk = stream.walk(3);
        let seen: Vec<&[u8]> = (0..4).map(|_| walk.step()).collect();
        let want: Vec<Vec<u8>> = [3, 4, 0, 1].map(|number| Case::Prefix.key(number)).to_vec();
        assert_eq!(seen, want);
    }

    #[test]
    fn ops_can_be_read_twice_and_do_not_move_the_walk() {
        let stream = Stream::of(Case::Fix, 0..5);
        let mut walk = stream.walk(4);
        let ops = walk.ops(3, 9);
        let keys: Vec<&[u8]> = ops.clone().map(|(key, _)| key).collect();
        assert!(ops.eq(walk.ops(3, 9)));
        assert_eq!(keys, walk.steps::<3>());
        walk.advance(4);
        assert_eq!(walk.step(), Case::Fix.key(1));
    }

    #[test]
    fn sorting_keeps_every_key() {
        let stream = Stream::of(Case::Prefix, 0..300);
        let sorted = stream.sorted();
        assert_eq!(sorted.len(), 300);
        assert!((1..300).all(|index| sorted.key(index - 1) < sorted.key(index)));
    }
}
