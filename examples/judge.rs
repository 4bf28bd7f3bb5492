//! Judges the files named on the command line as of a fixed moment and prints one line for each.
//!
//! ```text
//! cargo run --example judge -- testdata/fixtures/self-signed.exe
//! ```

use sigscan::{HashMode, Options, Scanner, Time};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The library never looks at the clock: the moment is an argument.
    let moment = Time::parse_rfc3339("2026-06-01T00:00:00Z").ok_or("not a moment")?;
    let options = Options { hashes: HashMode::None, ..Options::at(moment) };
    let scanner = Scanner::new(options);
    for name in std::env::args().skip(1) {
        let record = scanner.scan_bytes(&name, &std::fs::read(&name)?);
        let signer = record.signer.or(record.claimed_signer).map(|signer| signer.subject);
        println!("{:<10} {:<20} {name}", record.status.name(), record.reason.code());
        println!("           {}", signer.as_deref().unwrap_or("nobody signed this"));
    }
    Ok(())
}
