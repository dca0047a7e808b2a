//! Which keys are deleted by ranges: a set of spans that neither overlap nor touch.

use crate::commit::Span;
use std::collections::BTreeMap;

/// Begin of a span: its space, and its lowest key.
type Begin = (u32, Box<[u8]>);

/// See the module header. Adding and asking take logarithmic time, taken over all.
#[derive(Debug, Clone, Default)]
pub struct Cover {
    /// End of each span, by its begin; `None`: it goes to the last key.
    spans: BTreeMap<Begin, Option<Box<[u8]>>>,
}

impl Cover {
    /// Adds the keys from `from` on and below `to`.
    pub fn add(&mut self, space: u32, from: &[u8], to: Option<&[u8]>) {
        if to.is_some_and(|to| from >= to) {
            return;
        }
        let (mut begin, mut end) = ((space, from.into()), to.map(Box::from));
        // The one that begins before, then those that begin inside: each is taken in once.
        if let Some((before, its_end)) = self.spans.range(..&begin).next_back()
            && before.0 == space
            && reaches(its_end.as_deref(), from)
        {
            begin = before.clone();
        }
        let inside = |at: &Begin, end: Option<&[u8]>| at.0 == space && reaches(end, &at.1);
        while let Some((at, its_end)) = self.spans.range(&begin..).next()
            && inside(at, end.as_deref())
        {
            if is_further(its_end.as_deref(), end.as_deref()) {
                end = its_end.clone();
            }
            let at = at.clone();
            self.spans.remove(&at);
        }
        self.spans.insert(begin, end);
    }

    /// Whether a key is deleted.
    pub fn contains(&self, space: u32, key: &[u8]) -> bool {
        let at_or_before = self.spans.range(..=(space, Box::from(key))).next_back();
        at_or_before.is_some_and(|(begin, end)| {
            begin.0 == space && end.as_deref().is_none_or(|end| key < end)
        })
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Each span: its space, its first key, and the key behind its last, if there is one.
    pub fn spans(&self) -> impl Iterator<Item = (u32, &[u8], Option<&[u8]>)> {
        self.spans.iter().map(|((space, from), to)| (*space, &**from, to.as_deref()))
    }

    /// The spans, in order.
    pub fn into_spans(self) -> Box<[Span]> {
        self.spans.into_iter().map(|((space, from), to)| Span::new(space, from, to)).collect()
    }
}

/// Whether a span with this end leaves no gap before `key`.
fn reaches(end: Option<&[u8]>, key: &[u8]) -> bool {
    end.is_none_or(|end| end >= key)
}

fn is_further(end: Option<&[u8]>, than: Option<&[u8]>) -> bool {
    than.is_some_and(|than| end.is_none_or(|end| end > than))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All keys that a test asks for: of up to two letters.
    fn keys() -> impl Iterator<Item = Vec<u8>> {
        let letters = || b"abcd".iter().copied();
        letters()
            .map(|a| vec![a])
            .chain(letters().flat_map(move |a| letters().map(move |b| vec![a, b])))
    }

    #[test]
    fn a_cover_is_the_union_of_what_was_added() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..500 {
            let (mut cover, mut added) = (Cover::default(), Vec::new());
            for _ in 0..random.usize(0..8) {
                let mut key = || keys().nth(random.usize(0..20)).unwrap();
                let (from, to) = (key(), key());
                let to = (random.u8(0..5) > 0).then_some(to);
                let space = random.u32(0..2);
                cover.add(space, &from, to.as_deref());
                added.push((space, from, to));
            }
            for (space, key) in (0..2).flat_map(|space| keys().map(move |key| (space, key))) {
                let expected = added.iter().any(|(of, from, to)| {
                    *of == space && key >= *from && to.as_ref().is_none_or(|to| key < *to)
                });
                assert_eq!(cover.contains(space, &key), expected, "{key:?} in {space}, {added:?}");
            }
            let spans = cover.into_spans();
            for pair in spans.windows(2) {
                let gap = pair[0].to.as_ref().is_some_and(|to| *to < pair[1].from);
                assert!(
                    pair[0].space < pair[1].space || gap,
                    "neither overlap nor touch: {spans:?}"
                );
            }
        }
    }
}
