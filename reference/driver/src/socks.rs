//! Through a SOCKS5 proxy: the core's handshake over a link.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::task::Poll;

use zmq_core::options::SocksProxy;
use zmq_core::socks::{Client, Step, Target};

use crate::runtime::Link;

/// Has the proxy at the other end of `link` connect to `host`; afterwards the link leads there.
pub(crate) async fn through(link: &dyn Link, proxy: &SocksProxy, host: &str, port: u16) -> io::Result<()> {
    let target = host.parse().map_or_else(|_| Target::Name(host.to_owned()), Target::Address);
    let (mut client, greeting) = Client::start(proxy, &target, port).map_err(io::Error::other)?;
    write(link, &greeting).await?;
    let mut octets = [0; LONGEST];
    loop {
        let wanted = client.wanted().min(LONGEST);
        let read = poll_fn(|cx| link.poll_read(cx, &mut octets[..wanted])).await?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        match client.on_octets(&octets[..read]).map_err(io::Error::other)? {
            Step::Send(octets) => write(link, &octets).await?,
            Step::Read => {}
            Step::Open => return Ok(()),
        }
    }
}

/// The longest thing that a proxy says: an address that is a name, and its port.
const LONGEST: usize = 257;

async fn write(link: &dyn Link, mut octets: &[u8]) -> io::Result<()> {
    poll_fn(|cx| {
        while !octets.is_empty() {
            match link.try_writev(&[IoSlice::new(octets)]) {
                Ok(n) => octets = &octets[n..],
                Err(why) if why.kind() == ErrorKind::WouldBlock => match link.poll_writable(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(why)) => return Poll::Ready(Err(why)),
                    Poll::Pending => return Poll::Pending,
                },
                Err(why) => return Poll::Ready(Err(why)),
            }
        }
        Poll::Ready(Ok(()))
    })
    .await
}
