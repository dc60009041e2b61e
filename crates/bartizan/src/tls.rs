//! Certificates of the two ports.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// TLS for a port whose section of the file names certificate and key; `None` when it names neither.
///
/// # Errors
/// When only one is named, one cannot be read, or they do not belong together.
pub fn server(cert: Option<&Path>, key: Option<&Path>, section: &str) -> Result<Option<Arc<ServerConfig>>> {
    let (cert, key) = match (cert, key) {
        (None, None) => return Ok(None),
        (Some(cert), Some(key)) => (cert, key),
        _ => bail!("`{section}.tls_cert` and `{section}.tls_key` belong together: set both or none"),
    };
    let chain = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.with_context(|| format!("`{section}.tls_cert`: the certificate `{}` cannot be read", cert.display()))?;
    let read = PrivateKeyDer::from_pem_file(key);
    let key = read.with_context(|| format!("`{section}.tls_key`: the private key `{}` cannot be read", key.display()))?;
    let builder = ServerConfig::builder().with_no_client_auth();
    let fits = || format!("the certificate `{}` and the key of `{section}.tls_key` do not fit", cert.display());
    let mut config = builder.with_single_cert(chain, key).with_context(fits)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}
