//! Two hosts and a connection, for tests.

use std::io::IoSlice;

use zmq_world::{Address, Errno, Flow, HostId, Listen, ListenerId, StreamId, Wake, World};

/// A server and a client, and a connection between them.
pub(crate) struct Pair {
    pub(crate) world: World,
    pub(crate) server: HostId,
    pub(crate) client: HostId,
    pub(crate) listener: ListenerId,
    /// The dialler's end, and the acceptor's.
    pub(crate) ends: [StreamId; 2],
}

pub(crate) fn at() -> Address {
    Address::Tcp("10.0.0.1:5555".parse().unwrap())
}

pub(crate) fn hosts(seed: u64) -> (World, HostId, HostId) {
    let mut world = World::new(seed);
    let server = world.add_host("server", &["10.0.0.1".parse().unwrap()]);
    let client = world.add_host("client", &["10.0.0.2".parse().unwrap()]);
    (world, server, client)
}

pub(crate) fn pair(seed: u64) -> Pair {
    let (mut world, server, client) = hosts(seed);
    let listener = world.listen(server, &at(), &Listen::default()).unwrap();
    let dialler = world.dial(client, &at(), None).unwrap();
    assert_eq!(world.next(), Some(Wake::Dialled(dialler)));
    assert_eq!(world.dialled(dialler), Some(Ok(())));
    assert_eq!(world.next(), Some(Wake::Acceptable(listener)));
    let acceptor = world.accept(listener).unwrap();
    Pair { world, server, client, listener, ends: [dialler, acceptor] }
}

impl Pair {
    pub(crate) fn write(&mut self, end: usize, bytes: &[u8]) -> Result<usize, Errno> {
        self.world.write(self.ends[end], &[IoSlice::new(bytes)])
    }

    pub(crate) fn read(&mut self, end: usize) -> Result<Vec<u8>, Errno> {
        let mut into = vec![0; 1 << 20];
        let len = self.world.read(self.ends[end], &mut into)?;
        into.truncate(len);
        Ok(into)
    }

    /// Lets everything happen that is going to.
    pub(crate) fn settle(&mut self) -> Vec<Wake> {
        std::iter::from_fn(|| self.world.next()).collect()
    }

    pub(crate) fn flow(&mut self, flow: Flow) {
        self.world.set_flow(self.client, self.server, flow);
        self.world.set_flow(self.server, self.client, flow);
    }
}
