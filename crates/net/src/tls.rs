//! # Room card: net/tls
//! In:    the system's certificate authorities or a PEM file; a server's certificate chain and key as PEM files.
//! Out:   `TlsClient` and `TlsServer`, from which connections take their TLS; what an error of TLS means, in one word.
//! Holds: TLS 1.2 and 1.3 by rustls over ring; the server's name is sent and checked; nothing switches the checks off.
//! Costs: files are read once; a handshake is about a millisecond of arithmetic.
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, Connection, Error, RootCertStore, ServerConfig};
use rustls::{DEFAULT_VERSIONS, ServerConnection};
use types::codes::Code;
use types::fault::Fault;

use crate::event::TlsFault;

/// Whom a client trusts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
}

/// Who a server says it is. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TlsServer {
    config: Arc<ServerConfig>,
}

fn invalid(what: &str, path: &Path, error: impl ToString) -> Fault {
    let (path, error) = (path.display().to_string(), error.to_string());
    let message = format!("{what} {path} cannot be used: {error}");
    Fault::new(Code::ConfigInvalid, message, vec![("path", path), ("error", error)])
}

fn certificates(what: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| invalid(what, path, error))?;
    if found.is_empty() { Err(invalid(what, path, "no certificate in it")) } else { Ok(found) }
}

impl TlsClient {
    /// Trusts the certificate authorities of the operating system.
    ///
    /// # Errors
    /// `CONFIG_INVALID`: the system has none.
    pub fn system() -> Result<TlsClient, Fault> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(found.certs);
        if added == 0 {
            let error = found.errors.first().map_or_else(|| "none installed".to_string(), |error| error.to_string());
            let message = format!("the system has no certificate authorities to trust: {error}");
            return Err(Fault::new(Code::ConfigInvalid, message, vec![("error", error)]));
        }
        TlsClient::trusting(roots)
    }

    /// Trusts the certificate authorities in a PEM file, and no others.
    ///
    /// # Errors
    /// `CONFIG_INVALID`: the file cannot be read, is no PEM, or holds no certificate.
    pub fn with_ca_file(path: impl AsRef<Path>) -> Result<TlsClient, Fault> {
        let path = path.as_ref();
        let mut roots = RootCertStore::empty();
        for certificate in certificates("certificate authorities", path)? {
            roots.add(certificate).map_err(|error| invalid("certificate authorities", path, error))?;
        }
        TlsClient::trusting(roots)
    }

    fn trusting(roots: RootCertStore) -> Result<TlsClient, Fault> {
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(DEFAULT_VERSIONS)
            .map_err(|error| Fault::new(Code::ConfigInvalid, format!("TLS: {error}"), vec![]))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsClient { config: Arc::new(config) })
    }

    /// TLS for one connection to a server of this name (a DNS name, which is sent, or an IP address, which is not).
    pub(crate) fn connection(&self, server_name: &str) -> Result<Connection, Fault> {
        let refused = |error: String| {
            let fields = vec![("name", server_name.to_string()), ("error", error.clone())];
            Fault::new(Code::ConfigInvalid, format!("no TLS for the server name {server_name}: {error}"), fields)
        };
        let name = ServerName::try_from(server_name.to_string()).map_err(|error| refused(error.to_string()))?;
        let client = ClientConnection::new(self.config.clone(), name).map_err(|error| refused(error.to_string()))?;
        Ok(client.into())
    }
}

impl TlsServer {
    /// A server with the certificate chain and the private key of two PEM files.
    ///
    /// # Errors
    /// `CONFIG_INVALID`: a file cannot be read or is no PEM, or key and certificate do not belong together.
    pub fn from_files(certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<TlsServer, Fault> {
        let (certificate, key) = (certificate.as_ref(), key.as_ref());
        let chain = certificates("certificate", certificate)?;
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| invalid("private key", key, error))?;
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(DEFAULT_VERSIONS)
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
            .map_err(|error| invalid("certificate", certificate, error))?;
        Ok(TlsServer { config: Arc::new(config) })
    }

    pub(crate) fn connection(&self) -> Result<Connection, Error> {
        ServerConnection::new(self.config.clone()).map(Connection::from)
    }
}

/// What an error of TLS means.
pub(crate) fn fault(error: &Error) -> TlsFault {
    match error {
        Error::InvalidCertificate(CertificateError::NotValidForName)
        | Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }) => TlsFault::Name,
        Error::InvalidCertificate(_) | Error::NoCertificatesPresented => TlsFault::Certificate,
        Error::AlertReceived(_) => TlsFault::Alert,
        _ => TlsFault::Protocol,
    }
}
