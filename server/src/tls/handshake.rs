//! Two ends of a TLS connection in memory, for tests: what a client that trusts these roots and knows this much gets.

use std::{io, sync::Arc};

use rustls::{
    ClientConfig, ClientConnection, Error, RootCertStore, ServerConfig, ServerConnection, crypto::CryptoProvider,
};

/// The client's end once both agree, or why one of them does not.
pub fn greet(
    server: &Arc<ServerConfig>,
    roots: RootCertStore,
    knows: CryptoProvider,
    name: &str,
) -> Result<ClientConnection, Error> {
    let client = ClientConfig::builder_with_provider(Arc::new(knows))
        .with_protocol_versions(rustls::ALL_VERSIONS)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = name.to_owned().try_into().expect("a host name");
    let mut client = ClientConnection::new(Arc::new(client), name)?;
    let mut server = ServerConnection::new(Arc::clone(server))?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).expect("memory");
        }
        carry(&wire, |bytes| server.read_tls(bytes));
        server.process_new_packets()?;
        wire.clear();
        while server.wants_write() {
            server.write_tls(&mut wire).expect("memory");
        }
        carry(&wire, |bytes| client.read_tls(bytes));
        client.process_new_packets()?;
    }
    Ok(client)
}

fn carry(mut bytes: &[u8], mut read: impl FnMut(&mut dyn io::Read) -> io::Result<usize>) {
    while !bytes.is_empty() {
        read(&mut bytes).expect("memory");
    }
}
