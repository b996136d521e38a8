//! # Room card: wire/http/url
//! In:    an address a person wrote.
//! Out:   its parts, checked: nothing in them can break a request line or a field.
//! Holds: ws, wss, http, https only; no user, no fragment; IPv6 in brackets.
//! Costs: cold path.
use core::net::Ipv6Addr;

use types::Code;

/// An address of a WebSocket or HTTP server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Url {
    /// wss or https.
    pub tls: bool,
    /// ws or wss.
    pub websocket: bool,
    /// Name or address, IPv6 without its brackets; lower case.
    pub host: String,
    /// The one written, else 80 or 443.
    pub port: u16,
    /// Path and query, beginning with `/`.
    pub path: String,
}

/// What is wrong with an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UrlFault {
    /// Not ws://, wss://, http:// or https://.
    Scheme,
    /// No host, or a character no host has; or a user before it.
    Host,
    /// No number from 1 to 65535.
    Port,
    /// A character that must be percent-encoded, or a fragment.
    Path,
}

impl UrlFault {
    /// What users match on.
    pub const fn code(self) -> Code {
        Code::ConfigInvalid
    }
    /// What is allowed.
    pub const fn allowed(self) -> &'static str {
        match self {
            UrlFault::Scheme => "ws://, wss://, http:// or https://",
            UrlFault::Host => "a host name or address; IPv6 in brackets; no user",
            UrlFault::Port => "a port from 1 to 65535",
            UrlFault::Path => "printable ASCII without blank and #",
        }
    }
}

impl Url {
    /// Takes an address apart.
    pub fn parse(text: &str) -> Result<Url, UrlFault> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlFault::Scheme)?;
        let (websocket, tls) = match scheme.to_ascii_lowercase().as_str() {
            "ws" => (true, false),
            "wss" => (true, true),
            "http" => (false, false),
            "https" => (false, true),
            _ => return Err(UrlFault::Scheme),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = host_and_port(authority)?;
        let port = match port {
            Some(digits) => parse_port(digits)?,
            None if tls => 443,
            None => 80,
        };
        if !path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(UrlFault::Path);
        }
        let path = if path.starts_with('/') { path.to_string() } else { format!("/{path}") };
        Ok(Url { tls, websocket, host: host.to_ascii_lowercase(), port, path })
    }

    /// Host and port to connect to, IPv6 in brackets.
    pub fn address(&self) -> String {
        format!("{}:{}", self.bracketed(), self.port)
    }

    /// The Host field: the port only if it is not the scheme's own.
    pub fn authority(&self) -> String {
        if self.port == if self.tls { 443 } else { 80 } { self.bracketed() } else { self.address() }
    }

    fn bracketed(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

/// Host without brackets, and what stands after the colon.
fn host_and_port(authority: &str) -> Result<(&str, Option<&str>), UrlFault> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or(UrlFault::Host)?;
        host.parse::<Ipv6Addr>().map_err(|_| UrlFault::Host)?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if after.is_empty() => Ok((host, None)),
            None => Err(UrlFault::Host),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if host.is_empty() || host.len() > 253 || !host.bytes().all(plain) { Err(UrlFault::Host) } else { Ok((host, port)) }
}

fn parse_port(digits: &str) -> Result<u16, UrlFault> {
    match digits.parse() {
        Ok(port) if port > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(port),
        _ => Err(UrlFault::Port),
    }
}
