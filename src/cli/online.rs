//! `--online`: which client a scan gets, and what a person reads of its downloads.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::words::{grouped, plural, sized};
use crate::online::{AllowedHost, Cache, Client, DEFAULT_CACHE_BYTES, Downloads, Pace, Totals};

/// Failures that are named at the end of a scan; the others are counted.
const SHOWN: usize = 20;

/// How the network may be used.
#[derive(Debug, Args)]
pub struct OnlineArgs {
    /// Let this server be asked although its address is private, or its port is not 80 or 443
    #[arg(long, value_name = "NAME[:PORT]", help_heading = "Network")]
    pub allow_host: Vec<AllowedHost>,
    /// Keep downloads in DIR [default: sigscan in the user's cache folder]
    #[arg(long, value_name = "DIR", help_heading = "Network")]
    pub online_cache: Option<PathBuf>,
}

/// The downloads that the arguments allow.
///
/// # Errors
/// When the folder of the cache cannot be used.
pub(super) fn downloads(args: &OnlineArgs) -> Result<Downloads, String> {
    let folder = cache_folder(args);
    let open = |folder: PathBuf| {
        Cache::open(&folder, DEFAULT_CACHE_BYTES)
            .map_err(|error| format!("--online-cache {}: {error}", folder.display()))
    };
    let cache = folder.map(open).transpose()?;
    Ok(Downloads::new(Client::new(args.allow_host.clone(), Pace::default()), cache))
}

/// Where downloads are kept.
pub(super) fn cache_folder(args: &OnlineArgs) -> Option<PathBuf> {
    args.online_cache.clone().or_else(user_cache)
}

/// `$XDG_CACHE_HOME/sigscan`, `~/Library/Caches/sigscan`, `%LOCALAPPDATA%\sigscan\cache`; none where no user is.
fn user_cache() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        return Some(folder("LOCALAPPDATA")?.join("sigscan").join("cache"));
    }
    let home =
        || folder("HOME").map(|home| home.join(if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" }));
    Some(folder("XDG_CACHE_HOME").or_else(home)?.join("sigscan"))
}

/// What a scan got, and what failed and why.
pub(super) fn summary(downloads: &Arc<Downloads>) -> String {
    describe(&downloads.totals(), downloads.damaged())
}

fn describe(totals: &Totals, damaged: u64) -> String {
    let mut text = format!("Online: {} ({})", plural(totals.downloads, "download", "downloads"), sized(totals.bytes));
    let failed = totals.more_failures.saturating_add(totals.failures.len() as u64);
    let others = [(totals.unchanged, "unchanged"), (totals.cached, "from the cache"), (failed, "failed")];
    for (count, what) in others.iter().filter(|other| other.0 > 0) {
        let _ = write!(text, ", {} {what}", grouped(*count));
    }
    if damaged > 0 {
        let _ = write!(text, "; {} in the cache not usable", plural(damaged, "entry", "entries"));
    }
    text.push('\n');
    for (url, why) in totals.failures.iter().take(SHOWN) {
        let _ = writeln!(text, "  {url}: {why}");
    }
    let hidden = failed.saturating_sub(totals.failures.len().min(SHOWN) as u64);
    if hidden > 0 {
        let _ = writeln!(text, "  and {} more", grouped(hidden));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_what_failed() {
        let failures = (0..21).map(|number| (format!("http://{number:02}.example/"), "no connection".to_owned()));
        let mut totals = Totals {
            downloads: 1,
            bytes: 1500,
            unchanged: 2,
            cached: 3,
            failures: failures.collect(),
            more_failures: 4,
        };
        let text = describe(&totals, 1);
        let first =
            "Online: 1 download (1.5 kB), 2 unchanged, 3 from the cache, 25 failed; 1 entry in the cache not usable";
        assert_eq!(text.lines().next(), Some(first));
        assert_eq!(text.lines().nth(1), Some("  http://00.example/: no connection"));
        assert_eq!(text.lines().last(), Some("  and 5 more"));
        assert_eq!(text.lines().count(), 22);
        totals = Totals::default();
        assert_eq!(describe(&totals, 0), "Online: 0 downloads (0 bytes)\n");
    }
}
