//! Bytes as people write and read them.

use crate::arguments::Writing;
use crate::failure::Failure;

impl Writing {
    /// Bytes as text of one line. What is printed can be given back.
    pub fn show(self, bytes: &[u8]) -> String {
        if self.hex {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        } else {
            escaped(bytes)
        }
    }

    /// The bytes that a text stands for.
    ///
    /// # Errors
    /// An escape that there is not, or a digit.
    pub fn read(self, text: &str) -> Result<Vec<u8>, Failure> {
        let bytes = if self.hex { of_hex(text.as_bytes()) } else { unescaped(text.as_bytes()) };
        bytes.ok_or_else(|| {
            let kind = if self.hex { "hexadecimal digits" } else { "text with escapes" };
            Failure::Refused(format!("{text:?} cannot be read as {kind}"))
        })
    }
}

/// Text stays as it is; what is no text, or would end the line or the column, becomes an escape.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                character if character.is_control() => {
                    let mut buffer = [0; 4];
                    escape(&mut text, character.encode_utf8(&mut buffer).as_bytes());
                }
                character => text.push(character),
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text
}

fn escape(text: &mut String, bytes: &[u8]) {
    bytes.iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
}

fn unescaped(mut text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    while let Some((&first, rest)) = text.split_first() {
        text = rest;
        if first != b'\\' {
            bytes.push(first);
            continue;
        }
        let (&kind, rest) = text.split_first()?;
        text = rest;
        match kind {
            b'\\' => bytes.push(b'\\'),
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'x' => {
                let (digits, rest) = text.split_at_checked(2)?;
                bytes.extend(of_hex(digits)?);
                text = rest;
            }
            _ => return None,
        }
    }
    Some(bytes)
}

fn of_hex(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_given_back() {
        let all: Vec<u8> = (0..=255).collect();
        for bytes in [&b""[..], b"text", "\u{e9}t\u{e9}\u{85}".as_bytes(), b"a\tb\\n\n", &all] {
            for hex in [false, true] {
                let writing = Writing { hex };
                let shown = writing.show(bytes);
                assert!(!shown.contains(['\t', '\n', '\r', '\0']), "{shown}");
                assert_eq!(writing.read(&shown).unwrap(), bytes, "{shown}");
            }
        }
        assert_eq!(Writing { hex: false }.show(b"a\0\xff\\"), "a\\x00\\xff\\\\");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["\\", "\\q", "\\x", "\\x1", "\\xg0", "\\x+1"] {
            assert!(Writing { hex: false }.read(text).is_err(), "{text}");
        }
        for text in ["1", "0g", "+1", "0x00"] {
            assert!(Writing { hex: true }.read(text).is_err(), "{text}");
        }
    }
}
