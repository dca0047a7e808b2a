//! The built-in additions.

use super::MergeOp;
use super::delta::Steps;
use super::wide::Wide;
use crate::MergeError;

/// Adds signed deltas to an unsigned big-endian integer of `BYTES` bytes. A key without a value counts as zero.
#[derive(Debug)]
pub(super) struct Add<const BYTES: usize>;

impl<const BYTES: usize> MergeOp for Add<BYTES> {
    fn check(&self, delta: &[u8]) -> Result<(), MergeError> {
        if Steps::is_one(delta) { Ok(()) } else { Err(MergeError::BadDelta) }
    }

    fn combine(&self, first: &[u8], then: &[u8], out: &mut Vec<u8>) {
        // Both were checked when they came.
        if let (Some(first), Some(then)) = (Steps::decode(first), Steps::decode(then)) {
            first.then(then).encode(out);
        }
    }

    fn apply(
        &self,
        base: Option<&[u8]>,
        delta: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), MergeError> {
        let steps = Steps::decode(delta).ok_or(MergeError::BadDelta)?;
        let value = match base {
            None => Wide::ZERO,
            Some(bytes) if bytes.len() == BYTES => {
                Wide::from_be(bytes).ok_or(MergeError::BadValue { len: BYTES })?
            }
            Some(bytes) => return Err(MergeError::BadValue { len: bytes.len() }),
        };
        if value.plus(steps.lowest).is_negative() {
            return Err(MergeError::Underflow);
        }
        let highest = value.plus(steps.highest).to_be();
        let fits = |bytes: &[u8]| bytes[..bytes.len() - BYTES].iter().all(|&byte| byte == 0);
        if !fits(&highest) {
            return Err(MergeError::Overflow);
        }
        let sum = value.plus(steps.total).to_be();
        out.extend_from_slice(&sum[sum.len() - BYTES..]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Delta;
    use super::*;

    fn apply(base: Option<u64>, delta: &[u8]) -> Result<u64, MergeError> {
        let mut out = Vec::new();
        let base = base.map(u64::to_be_bytes);
        Add::<8>.apply(base.as_ref().map(|base| &base[..]), delta, &mut out)?;
        Ok(u64::from_be_bytes(out.try_into().unwrap()))
    }

    fn delta(amount: i128) -> Delta {
        let size = amount.unsigned_abs();
        if amount < 0 { Delta::minus(size) } else { Delta::plus(size) }
    }

    #[test]
    fn several_at_once_do_what_they_do_one_by_one() {
        let mut random = fastrand::Rng::with_seed(7);
        let large = i128::from(u64::MAX);
        for _ in 0..20_000 {
            let near = if random.bool() { 0 } else { u64::MAX - 10 };
            let base = random.bool().then(|| near + random.u64(..10));
            let amount = |random: &mut fastrand::Rng| match random.u8(..4) {
                0 => large - i128::from(random.u8(..10)),
                1 => i128::from(random.u8(..10)) - large,
                _ => i128::from(random.i8(..)) / 8,
            };
            let amounts: Vec<_> = (0..random.usize(2..6)).map(|_| amount(&mut random)).collect();
            let one_by_one = amounts
                .iter()
                .try_fold(base, |base, &amount| apply(base, delta(amount).as_ref()).map(Some));
            let mut all = delta(amounts[0]).as_ref().to_vec();
            for &amount in &amounts[1..] {
                let mut out = Vec::new();
                Add::<8>.combine(&all, delta(amount).as_ref(), &mut out);
                all = out;
            }
            match (one_by_one, apply(base, &all)) {
                (Ok(one), Ok(at_once)) => assert_eq!(one, Some(at_once), "{base:?} {amounts:?}"),
                (one, at_once) => assert!(one.is_err() && at_once.is_err(), "{base:?} {amounts:?}"),
            }
        }
    }

    #[test]
    fn grouping_does_not_matter() {
        let [a, b, c] = [delta(5), delta(-9), delta(3)];
        let combine = |first: &[u8], then: &[u8]| {
            let mut out = Vec::new();
            Add::<8>.combine(first, then, &mut out);
            out
        };
        let left = combine(&combine(a.as_ref(), b.as_ref()), c.as_ref());
        let right = combine(a.as_ref(), &combine(b.as_ref(), c.as_ref()));
        assert_eq!(left, right);
        assert_eq!(apply(Some(3), &left), Err(MergeError::Underflow));
        assert_eq!(apply(Some(4), &left), Ok(3));
    }

    #[test]
    fn the_widest_value_is_reached_and_not_passed() {
        let add = |base: &[u8], delta: Delta| {
            let mut out = Vec::new();
            Add::<32>.apply(Some(base), delta.as_ref(), &mut out).map(|()| out)
        };
        let largest = [u8::MAX; 32];
        let below = add(&largest, Delta::minus(1u8)).unwrap();
        assert_eq!(add(&below, Delta::plus(1u8)).unwrap(), largest);
        assert_eq!(add(&largest, Delta::plus(1u8)), Err(MergeError::Overflow));
        assert_eq!(add(&largest, Delta::minus_be(&largest).unwrap()).unwrap(), [0; 32]);
        assert_eq!(add(&[0; 31], Delta::plus(1u8)), Err(MergeError::BadValue { len: 31 }));
    }

    #[test]
    fn what_is_no_delta_is_refused() {
        for bytes in [&b""[..], &[3], &[0; 34], &[2], &[2, 0, 9, 1], &[2, 0, 0, 0, 0, 0, 0, 9]] {
            assert_eq!(Add::<8>.check(bytes), Err(MergeError::BadDelta), "{bytes:?}");
        }
        assert_eq!(Add::<8>.check(&[1]), Ok(()));
    }
}
