//! Makes the large sets that sigscan's speed is measured on; always the same bytes.
//!
//! ```text
//! cargo run --release --example bench-sets -- FOLDER
//! ```
//!
//! `FOLDER/large`: 20 signed PE files of 100 MB. `FOLDER/tree`: 22,000 files in 220 folders, every tenth a PE file of
//! 64 KiB to 512 KiB and every hundredth a signed one, the others text and data of 100 bytes to 16 KiB.
//! `FOLDER/sparse`: one file of 100 GiB that takes no room. The signatures lead to `testdata/pki/root.pem`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

#[path = "../tests/lab/mod.rs"]
mod lab;

use std::fs;
use std::io::Write;
use std::path::Path;

use lab::cms::Signature;
use lab::keys::Key;
use lab::pe::{Pe, code, sign};

const LARGE: u32 = 100_000_000;

/// Octets that no file system shrinks (xorshift64, Marsaglia 2003).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(count).collect()
    }
}

/// A PE file with so much code.
fn image(size: u32, noise: &mut Noise) -> Vec<u8> {
    let size = size.next_multiple_of(0x200);
    let mut section = code(0x1000, 0x200, size);
    section.content = noise.bytes(size as usize);
    section.virtual_size = size;
    Pe { sections: vec![section], ..Pe::pe64() }.bytes()
}

fn main() {
    let Some(folder) = std::env::args().nth(1) else { panic!("say which folder") };
    let folder = Path::new(&folder);
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let signature = Signature::by(Key::Leaf);
    fs::create_dir_all(folder.join("large")).unwrap();
    for number in 0..20 {
        let file = sign(&image(LARGE, &mut noise), &signature);
        fs::write(folder.join(format!("large/{number:02}.exe")), file).unwrap();
    }
    for number in 0..22_000u32 {
        let parent = folder.join(format!("tree/{:03}", number / 100));
        fs::create_dir_all(&parent).unwrap();
        let draw = noise.next() as u32;
        let (name, bytes) = if number % 100 == 0 {
            (format!("{number}.dll"), sign(&image(0x1_0000 + draw % 0x7_0000, &mut noise), &signature))
        } else if number % 10 == 0 {
            (format!("{number}.exe"), image(0x1_0000 + draw % 0x7_0000, &mut noise))
        } else {
            (format!("{number}.dat"), noise.bytes(100 + draw as usize % 16_284))
        };
        fs::write(parent.join(name), bytes).unwrap();
    }
    fs::create_dir_all(folder.join("sparse")).unwrap();
    let mut sparse = fs::File::create(folder.join("sparse/sparse.exe")).unwrap();
    sparse.write_all(&image(0x200, &mut noise)).unwrap();
    sparse.set_len(100 << 30).unwrap();
}
