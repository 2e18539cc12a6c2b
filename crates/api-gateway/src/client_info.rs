//! The origin of a request: the peer, or what trusted proxies report.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::config::{HttpConfig, parse_network};
use crate::error::{ApiError, ErrorCode};
use crate::gateway::AppState;
use crate::response_extras::ResponseExtras;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The address of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientAddress(pub IpAddr);

/// Whether the request came over HTTPS, according to a trusted proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IsHttps(pub bool);

/// Determines the client's address and enforces the address limit and HTTPS.
pub(crate) async fn admit(app: AppState, mut request: Request, next: Next) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(peer)| peer.ip());
    let client = ClientInfo::of(
        peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        request.headers(),
        app.http(),
    );
    request.extensions_mut().insert(ClientAddress(client.address));
    request.extensions_mut().insert(IsHttps(client.is_https));
    if app.http().enforce_https && !client.is_https {
        return ApiError::new(ErrorCode::Forbidden, "Use https: this is refused in clear text").into_response();
    }
    let extras = request.extensions().get::<ResponseExtras>().cloned().unwrap_or_default();
    match app.limits().take_for_address(client.address, &extras).await {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct ClientInfo {
    address: IpAddr,
    is_https: bool,
}

impl ClientInfo {
    fn of(peer: IpAddr, headers: &HeaderMap, config: &HttpConfig) -> Self {
        let trusted: Vec<_> = config.trusted_proxies.iter().filter_map(|text| parse_network(text)).collect();
        let peer = peer.to_canonical();
        if !is_trusted(&trusted, peer) {
            return Self {
                address: peer,
                is_https: false,
            };
        }
        Self {
            address: forwarded_client(&trusted, peer, headers),
            is_https: last_value(headers, &FORWARDED_PROTO).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")),
        }
    }
}

/// Each proxy appends its own peer, so the list is trustworthy from its end up to the first untrusted address.
fn forwarded_client(trusted: &[IpNet], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let mut client = peer;
    for text in list_header(headers, &FORWARDED_FOR).into_iter().rev() {
        let Some(address) = parse_address(text) else { break };
        client = address;
        if !is_trusted(trusted, address) {
            break;
        }
    }
    client
}

fn list_header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).collect()
}

fn last_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    list_header(headers, name).pop()
}

/// An address with or without a port, in brackets or not.
fn parse_address(text: &str) -> Option<IpAddr> {
    let alone = || text.trim_matches(['[', ']']).parse().ok();
    let with_port = || text.parse().ok().map(|socket: SocketAddr| socket.ip());
    alone().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

fn is_trusted(trusted: &[IpNet], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[(&'static str, &'static str)], trusted: &[&str]) -> (String, bool) {
        let config = HttpConfig {
            trusted_proxies: trusted.iter().map(|text| (*text).to_owned()).collect(),
            ..HttpConfig::default()
        };
        let mut headers = HeaderMap::new();
        for (name, value) in forwarded {
            headers.append(*name, value.parse().unwrap());
        }
        let ClientInfo { address, is_https } = ClientInfo::of(peer.parse().unwrap(), &headers, &config);
        (address.to_string(), is_https)
    }

    #[test]
    fn forwarded_headers_of_an_untrusted_peer_are_ignored() {
        let headers = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-proto", "https")];
        assert_eq!(client("9.9.9.9", &headers, &["10.0.0.0/8"]), ("9.9.9.9".to_owned(), false));
    }

    #[test]
    fn forwarded_list_is_trusted_from_its_end_up_to_the_first_stranger() {
        let headers = [
            ("x-forwarded-for", "6.6.6.6, 7.7.7.7"),
            ("x-forwarded-for", "[2001:db8::1]:443, 10.0.0.2"),
            ("x-forwarded-proto", "http, https"),
        ];
        assert_eq!(
            client("10.0.0.1", &headers, &["10.0.0.0/8"]),
            ("2001:db8::1".to_owned(), true)
        );
        assert_eq!(
            client("::ffff:10.0.0.1", &[("x-forwarded-for", "8.8.8.8:1234")], &["10.0.0.1"]),
            ("8.8.8.8".to_owned(), false)
        );
        assert_eq!(
            client("10.0.0.1", &[("x-forwarded-for", "8.8.8.8, nonsense")], &["10.0.0.1"]),
            ("10.0.0.1".to_owned(), false)
        );
    }
}
