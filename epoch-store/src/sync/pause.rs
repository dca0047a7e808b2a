//! Named stops inside the protocols, where a test can park a thread (feature `pause-points`, off in production).

/// Marks a point at which a test may stop this thread for as long as it likes. Does nothing without the feature.
#[inline(always)]
pub fn pause(_point: &'static str) {
    #[cfg(feature = "pause-points")]
    hooks::reached(_point);
}

#[cfg(feature = "pause-points")]
pub use hooks::with_pauses;

#[cfg(feature = "pause-points")]
mod hooks {
    use std::cell::RefCell;
    use std::rc::Rc;

    type Hook = Rc<dyn Fn(&'static str)>;

    /// A protocol step that is unwound out of its middle would break the protocol: a hook may stop a thread, not panic.
    struct AbortOnUnwind;

    impl Drop for AbortOnUnwind {
        fn drop(&mut self) {
            std::process::abort();
        }
    }

    thread_local! {
        static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    }

    /// Runs `body` on this thread with `hook` called at every pause point it reaches. A hook that panics aborts.
    pub fn with_pauses<T>(hook: impl Fn(&'static str) + 'static, body: impl FnOnce() -> T) -> T {
        struct Unset;
        impl Drop for Unset {
            fn drop(&mut self) {
                HOOK.with(|slot| *slot.borrow_mut() = None);
            }
        }
        HOOK.with(|slot| *slot.borrow_mut() = Some(Rc::new(hook)));
        let _unset = Unset;
        body()
    }

    pub(super) fn reached(point: &'static str) {
        let hook = HOOK.try_with(|slot| slot.borrow().clone()).ok().flatten();
        if let Some(hook) = hook {
            let calm = AbortOnUnwind;
            hook(point);
            std::mem::forget(calm);
        }
    }
}
