//! What the garbage rule needs to know: the published version and the stamps that snapshots have registered.

/// The registered stamps as one scan of the snapshot slots saw them, with the root loaded *before* that scan.
///
/// A later snapshot registers at `published` or above, so a judgement made with an old scan stays right (rule 20). Where
/// versions are retained `published` stands for the oldest of them: below it none can be opened any more (I-34).
#[derive(Debug, Clone, Default)]
pub struct Registered {
    published: u64,
    /// Ascending, without duplicates.
    stamps: Vec<Stamp>,
}

/// A registered stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The stamp.
    pub stamp: u64,
    /// The index of a slot that it is in.
    pub slot: usize,
}

impl Registered {
    /// Starts a scan: nothing registered yet.
    pub fn begin(&mut self, published: u64) {
        self.published = published;
        self.stamps.clear();
    }

    /// A snapshot at `stamp`, in the slot with this index.
    pub fn add(&mut self, stamp: u64, slot: usize) {
        self.stamps.push(Stamp { stamp, slot });
    }

    /// Every stamp from `floor` on may come to be needed: a snapshot is being registered (rule 22), or versions are
    /// retained (I-34).
    pub fn add_floor(&mut self, floor: u64) {
        self.published = self.published.min(floor);
    }

    /// Ends the scan.
    pub fn end(&mut self) {
        self.stamps.sort_unstable();
        self.stamps.dedup_by_key(|entry| entry.stamp);
    }

    /// Up to which stamp versions that were superseded can be judged.
    #[inline]
    pub fn judged(&self) -> u64 {
        self.published
    }

    /// A stamp below which there is none, now or later.
    pub fn oldest(&self) -> u64 {
        self.stamps.first().map_or(self.published, |first| first.stamp.min(self.published))
    }

    /// Whether a version that was superseded can be judged at all.
    #[inline]
    pub fn judges(&self, superseded_at: u64) -> bool {
        superseded_at <= self.published
    }

    /// I-7: whether no snapshot, now or later, sees the version `[stamp, superseded_at)`.
    #[inline]
    pub fn is_garbage(&self, stamp: u64, superseded_at: u64) -> bool {
        self.judges(superseded_at) && self.newest_within(stamp, superseded_at).is_none()
    }

    /// The newest registered stamp in `[low, high)`.
    #[inline]
    pub fn newest_within(&self, low: u64, high: u64) -> Option<Stamp> {
        let below_high = self.stamps.partition_point(|entry| entry.stamp < high);
        self.stamps[..below_high].last().filter(|entry| entry.stamp >= low).copied()
    }
}
