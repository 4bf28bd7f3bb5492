//! Writes the seeds below a folder: `cargo run --no-default-features --bin seeds -- corpus`.

fn main() -> std::io::Result<()> {
    sigscan_fuzz::seeds::write(std::path::Path::new(&std::env::args().nth(1).unwrap_or_else(|| "corpus".to_owned())))
}
