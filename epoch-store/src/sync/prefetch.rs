//! Hints to the cache: they overlap the misses of a batch and can never fault.

/// Asks for the cache line at `address`. Any address is allowed, also a dangling one.
#[inline(always)]
pub fn read<T>(address: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch is a hint; it does not fault and changes nothing that the program can see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    {
        // SAFETY: a prefetch is a hint; it does not fault and changes nothing that the program can see.
        unsafe {
            std::arch::asm!("prfm pldl1keep, [{}]", in(reg) address, options(nostack, readonly, preserves_flags));
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = address;
}

/// Asks for the first `bytes` bytes at `address`: where a binary search is about to jump around in them, its misses
/// overlap instead of following one another.
#[inline(always)]
pub fn read_bytes<T>(address: *const T, bytes: usize) {
    const LINE: usize = 64;
    for offset in (0..bytes).step_by(LINE) {
        read(address.cast::<u8>().wrapping_add(offset));
    }
}
