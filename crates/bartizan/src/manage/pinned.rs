//! The one certificate that the admin port is known by: exactly this one is accepted, whatever its names.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// A client that trusts this certificate, or nobody.
///
/// # Errors
/// When the certificate cannot be read.
pub fn client(certificate: Option<&Path>) -> Result<ClientConfig> {
    let Some(path) = certificate else {
        return Ok(ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    };
    let known = CertificateDer::from_pem_file(path).with_context(|| format!("the certificate `{}` cannot be read", path.display()))?;
    let builder = ClientConfig::builder();
    let provider = Arc::clone(builder.crypto_provider());
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(Pinned { known, provider })).with_no_client_auth())
}

#[derive(Debug)]
struct Pinned {
    known: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let known = *shown == self.known;
        known.then(ServerCertVerified::assertion).ok_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
