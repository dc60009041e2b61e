//! The admin port.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::up::App;

/// Serves the admin API until `stopped` turns true.
pub async fn serve(
    _app: Arc<App>,
    listener: TcpListener,
    _tls: Option<Arc<rustls::ServerConfig>>,
    _hosts: Vec<String>,
    mut stopped: watch::Receiver<bool>,
) {
    let _nobody_is_left = stopped.changed().await;
    drop(listener);
}
