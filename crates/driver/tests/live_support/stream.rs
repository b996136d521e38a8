//! A socket of the test's venue, with TLS or without; certificates made on the spot.
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{DEFAULT_VERSIONS, ServerConfig, ServerConnection, StreamOwned};

/// Who the venue says it is.
#[derive(Clone)]
pub struct Certificates(Arc<ServerConfig>);

impl Certificates {
    /// For these names, signed by an authority whose certificate is written to `authority`.
    pub fn new(names: &[&str], authority: &PathBuf) -> Certificates {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut issuer = rcgen::CertificateParams::new(Vec::new()).unwrap();
        issuer.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        std::fs::write(authority, issuer.self_signed(&key).unwrap().pem()).unwrap();
        let issuer = rcgen::Issuer::new(issuer, key);
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(DEFAULT_VERSIONS)
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
        Certificates(Arc::new(config.unwrap()))
    }
}

pub enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Stream {
    pub fn new(stream: TcpStream, certificates: Option<Certificates>) -> Stream {
        match certificates {
            None => Stream::Plain(stream),
            Some(Certificates(config)) => {
                Stream::Tls(Box::new(StreamOwned::new(ServerConnection::new(config).unwrap(), stream)))
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(stream) => stream.flush(),
            Stream::Tls(stream) => stream.flush(),
        }
    }
}
