//! What looking at every file of a folder costs at the least: a sorted walk, and of each regular file what is asked for.
//!
//! ```text
//! cargo run --release --example bench-walk -- FOLDER names|stat|head
//! ```
//!
//! `names` only walks, `stat` asks for each file's metadata too, `head` opens it and reads its first 4 KiB once. One
//! thread. Prints the number of files and the seconds that it took.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, what] = arguments.as_slice() else { return Err("FOLDER names|stat|head".into()) };
    let began = Instant::now();
    let files = walk(Path::new(folder), what)?;
    println!("{files} {:.6}", began.elapsed().as_secs_f64());
    Ok(())
}

fn walk(root: &Path, what: &str) -> std::io::Result<u64> {
    let mut block = vec![0; 4096];
    let (mut files, mut folders) = (0u64, vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> = fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files = files.saturating_add(1);
                match what {
                    "names" => {}
                    "stat" => drop(std::hint::black_box(fs::metadata(entry.path())?)),
                    _ => drop(std::hint::black_box(File::open(entry.path())?.read(&mut block)?)),
                }
            }
        }
    }
    Ok(files)
}
