//! Who is at the other end: the peer itself, or whom a trusted proxy speaks for.

use std::net::IpAddr;

use axum::http::HeaderMap;

/// Put on each request by the accept loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    pub address: IpAddr,
    /// TLS all the way to the client, as far as we know.
    pub is_secure: bool,
}

impl Client {
    /// `X-Forwarded-For` and `-Proto` count from a trusted peer alone. `Forwarded` is not read at
    /// all: a proxy that sets one of the two passes the other on as a stranger wrote it.
    pub fn of(headers: &HeaderMap, peer: IpAddr, over_tls: bool, trusted: &[IpAddr]) -> Client {
        if !trusted.contains(&peer) {
            return Client { address: peer, is_secure: over_tls };
        }
        // The last hop is what our proxy saw; what stands before it anybody can write.
        let hops = words(headers, "x-forwarded-for");
        let hops = hops.iter().rev().map(|hop| hop.parse::<IpAddr>().map(|a| a.to_canonical()));
        let address = hops
            .take_while(Result::is_ok)
            .flatten()
            .find(|address| !trusted.contains(address))
            .unwrap_or(peer);
        let protocol = words(headers, "x-forwarded-proto");
        let is_secure =
            over_tls || protocol.last().is_some_and(|p| p.eq_ignore_ascii_case("https"));
        Client { address, is_secure }
    }
}

fn words(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(|word| word.trim().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, headers: &[(&'static str, &'static str)], expected: (&str, bool)) {
        let trusted = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let client = Client::of(&map, peer.parse().unwrap(), false, &trusted);
        let expected = Client { address: expected.0.parse().unwrap(), is_secure: expected.1 };
        assert_eq!(client, expected, "{peer} {headers:?}");
    }

    #[test]
    fn only_a_trusted_proxy_speaks_for_others() {
        const FOR: &str = "x-forwarded-for";
        const PROTO: &str = "x-forwarded-proto";
        check("7.7.7.7", &[], ("7.7.7.7", false));
        check("7.7.7.7", &[(FOR, "1.2.3.4"), (PROTO, "https")], ("7.7.7.7", false));
        check("10.0.0.1", &[(FOR, "1.2.3.4"), (PROTO, "https")], ("1.2.3.4", true));
        check("10.0.0.1", &[(FOR, "9.9.9.9, 1.2.3.4")], ("1.2.3.4", false));
        check("10.0.0.1", &[(FOR, "9.9.9.9"), (FOR, "1.2.3.4, 10.0.0.2")], ("1.2.3.4", false));
        check("10.0.0.1", &[(FOR, "1.2.3.4, unknown")], ("10.0.0.1", false));
        check("10.0.0.1", &[(FOR, "1.2.3.4"), (PROTO, "https, http")], ("1.2.3.4", false));
        check("10.0.0.1", &[("forwarded", "for=1.2.3.4;proto=https")], ("10.0.0.1", false));
        check("10.0.0.1", &[(FOR, "::ffff:1.2.3.4")], ("1.2.3.4", false));
    }
}
