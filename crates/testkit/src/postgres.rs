//! Where tests find PostgreSQL: the cluster that `cargo xtask test` has started for the whole run,
//! or else one that this process starts at first use.

use std::path::PathBuf;
use std::sync::OnceLock;

use cluster::Cluster;

/// The URL of a throw-away cluster, where a test may make and drop zones as it likes.
///
/// # Panics
/// When PostgreSQL's server programs are not installed: the stories must run on both databases.
pub fn url() -> String {
    static OWN: OnceLock<Cluster> = OnceLock::new();
    std::env::var(cluster::VARIABLE).unwrap_or_else(|_| {
        let own = OWN.get_or_init(|| match Cluster::start() {
            Ok(cluster) => cluster,
            Err(error) => panic!("no PostgreSQL for this test: {error:#}"),
        });
        own.url()
    })
}

/// A cluster for one test alone, with its URL and the folder that everything it writes is in.
///
/// # Panics
/// As [`url`].
pub fn alone() -> (Cluster, String, PathBuf) {
    let cluster = match Cluster::start() {
        Ok(cluster) => cluster,
        Err(error) => panic!("no PostgreSQL for this test: {error:#}"),
    };
    let url = cluster.url();
    let host = url.split(['@', '/']).nth(3).unwrap_or_default().replace("%2F", "/");
    (cluster, url, host.into())
}
