//! Keys of every shape that ordering code may get wrong.

/// Shapes that [`key`] knows; the last one makes keys of the greatest length.
pub const SHAPES: u8 = 9;

/// A key: numbers choose one of a shape, so that a shrunk case has small keys.
pub fn key(shape: u8, number: u16) -> Vec<u8> {
    let n = usize::from(number);
    let repeat = |byte: u8, len: usize| vec![byte; len];
    match shape % SHAPES {
        0 => vec![number as u8],
        1 => edge_bytes(n),
        2 => [&b"one beginning for all, longer than a word/"[..], &number.to_be_bytes()].concat(),
        // Each is a prefix of the next.
        3 => repeat(b'a', 1 + n % 300),
        4 => u32::from(number).to_be_bytes().to_vec(),
        5 => repeat(0xff, 1 + n % 40),
        6 => {
            let filler = repeat((n % 3) as u8, 100 + n % 700);
            [&filler[..], &number.to_le_bytes()].concat()
        }
        7 => format!("user/{}/{number}", n % 10).into_bytes(),
        _ => {
            let mut longest = repeat(b'm', epoch_store::MAX_KEY_LEN);
            *longest.last_mut().expect("not empty") = (n % 4) as u8;
            longest
        }
    }
}

/// Up to seven digits to a base of four, with the least and the greatest byte among them.
fn edge_bytes(mut n: usize) -> Vec<u8> {
    let len = 1 + n % 7;
    n /= 7;
    let mut digits = Vec::with_capacity(len);
    for _ in 0..len {
        digits.push([0x00, 0xff, b'a', b'b'][n % 4]);
        n /= 4;
    }
    digits
}

/// A random key out of about `spread` per shape.
pub fn random_key(random: &mut fastrand::Rng, spread: u16) -> Vec<u8> {
    let shape = match random.u8(..) {
        0 => SHAPES - 1,
        other => other % (SHAPES - 1),
    };
    key(shape, random.u16(..spread))
}
