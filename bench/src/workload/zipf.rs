//! Skewed choice of keys: the item of rank r is drawn in proportion to 1 / r^skew.

/// Draws from a finite Zipf distribution by inverting its (tabulated, exact) distribution function.
pub struct Zipf {
    /// Weight of the ranks up to and including each one.
    cumulative: Vec<f64>,
}

impl Zipf {
    /// A distribution over `items` ranks. Costs O(items), a draw O(log items): draw ahead of the
    /// measurement.
    pub fn new(items: usize, skew: f64) -> Zipf {
        assert!(items > 0, "a distribution needs an item");
        let mut total = 0.0;
        let cumulative = (1..=items)
            .map(|rank| {
                total += (rank as f64).powf(-skew);
                total
            })
            .collect();
        Zipf { cumulative }
    }

    /// A rank from 0, the most likely one.
    pub fn draw(&self, rng: &mut fastrand::Rng) -> usize {
        let total = self.cumulative[self.cumulative.len() - 1];
        let point = rng.f64() * total;
        self.cumulative.partition_point(|&weight| weight <= point).min(self.cumulative.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_come_up_in_proportion() {
        let zipf = Zipf::new(1_000, 0.99);
        let mut rng = fastrand::Rng::with_seed(1);
        let mut counts = vec![0_u32; 1_000];
        for _ in 0..200_000 {
            counts[zipf.draw(&mut rng)] += 1;
        }
        let ratio = f64::from(counts[0]) / f64::from(counts[9]);
        assert!((8.0..12.0).contains(&ratio), "rank 1 over rank 10 should be near 9.8: {ratio}");
        assert!(counts[0] > counts[99] && counts[99] > 0);
    }
}
