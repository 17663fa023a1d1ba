//! One host of a world.

use std::io::IoSlice;
use std::net::SocketAddr;
use std::time::Duration;

use zmq_world::{Address, DatagramId, Errno, HostId, Listen, ListenerId, Reuse, StreamId, World};

use super::{GROUP, Id, System};

pub(crate) struct Simulated {
    world: World,
    host: HostId,
    sockets: Vec<Socket>,
}

#[derive(Clone, Copy)]
enum Socket {
    Stream(StreamId),
    Listener(ListenerId),
    Datagram(DatagramId),
}

impl Simulated {
    pub(crate) fn new() -> Self {
        let mut world = World::new(1);
        let host = world.add_host("host", &["10.0.0.1".parse().unwrap()]);
        Self { world, host, sockets: Vec::new() }
    }

    fn add(&mut self, socket: Socket) -> Id {
        self.sockets.push(socket);
        self.sockets.len() - 1
    }

    fn stream(&self, id: Id) -> StreamId {
        let Socket::Stream(stream) = self.sockets[id] else { panic!("no stream") };
        stream
    }

    fn listener(&self, id: Id) -> ListenerId {
        let Socket::Listener(listener) = self.sockets[id] else { panic!("no listener") };
        listener
    }

    fn socket(&self, id: Id) -> DatagramId {
        let Socket::Datagram(socket) = self.sockets[id] else { panic!("no datagram socket") };
        socket
    }

    fn pass(&mut self, time: Duration) {
        let until = self.world.now() + time;
        while self.world.next_before(until).is_some() {}
    }
}

impl System for Simulated {
    fn path(&mut self, name: &str) -> Address {
        Address::Path(format!("/tmp/{name}"))
    }

    fn name(&mut self, name: &str) -> Address {
        Address::Abstract(name.into())
    }

    fn settle(&mut self) {
        self.pass(Duration::from_millis(5));
    }

    fn wait(&mut self) {
        self.pass(Duration::from_millis(1500));
    }

    fn listen(&mut self, at: &Address, backlog: u32, reuse: Reuse) -> Result<Id, Errno> {
        let listener = self.world.listen(self.host, at, &Listen { backlog, reuse })?;
        Ok(self.add(Socket::Listener(listener)))
    }

    fn accept(&mut self, listener: Id) -> Result<Id, Errno> {
        let stream = self.world.accept(self.listener(listener))?;
        Ok(self.add(Socket::Stream(stream)))
    }

    fn dial_from(&mut self, to: &Address, source: Option<SocketAddr>) -> Result<Id, Errno> {
        let stream = self.world.dial(self.host, to, source)?;
        Ok(self.add(Socket::Stream(stream)))
    }

    fn dialled(&mut self, stream: Id) -> Option<Result<(), Errno>> {
        self.world.dialled(self.stream(stream))
    }

    fn read(&mut self, stream: Id, most: usize) -> Result<Vec<u8>, Errno> {
        let mut into = vec![0; most];
        let len = self.world.read(self.stream(stream), &mut into)?;
        into.truncate(len);
        Ok(into)
    }

    fn write(&mut self, stream: Id, bytes: &[u8]) -> Result<usize, Errno> {
        self.world.write(self.stream(stream), &[IoSlice::new(bytes)])
    }

    fn is_readable(&mut self, stream: Id) -> bool {
        self.world.is_readable(self.stream(stream))
    }

    fn is_writable(&mut self, stream: Id) -> bool {
        self.world.is_writable(self.stream(stream))
    }

    fn finish(&mut self, stream: Id) -> Result<(), Errno> {
        self.world.finish(self.stream(stream))
    }

    fn close(&mut self, socket: Id) {
        match self.sockets[socket] {
            Socket::Stream(stream) => self.world.close(stream),
            Socket::Listener(listener) => self.world.close_listener(listener),
            Socket::Datagram(socket) => self.world.close_datagram(socket),
        }
    }

    fn reset(&mut self, stream: Id) {
        self.world.reset(self.stream(stream));
    }

    fn local(&mut self, socket: Id) -> Result<Address, Errno> {
        match self.sockets[socket] {
            Socket::Stream(stream) => self.world.local_addr(stream),
            Socket::Listener(listener) => self.world.listener_addr(listener),
            Socket::Datagram(socket) => self.world.datagram_addr(socket).map(Address::Tcp),
        }
    }

    fn peer(&mut self, stream: Id) -> Result<Address, Errno> {
        self.world.peer_addr(self.stream(stream))
    }

    fn unlink(&mut self, at: &Address) -> Result<(), Errno> {
        let Address::Path(path) = at else { panic!("no path") };
        self.world.unlink(self.host, path)
    }

    fn is_own_peer(&mut self, stream: Id) -> Option<bool> {
        let credentials = self.world.credentials(self.stream(stream))?;
        Some(credentials == self.world.process(self.host))
    }

    fn datagram(&mut self, at: SocketAddr, reuse: Reuse) -> Result<Id, Errno> {
        let socket = self.world.datagram(self.host, at, reuse)?;
        Ok(self.add(Socket::Datagram(socket)))
    }

    fn connect(&mut self, socket: Id, to: SocketAddr) -> Result<(), Errno> {
        self.world.connect_datagram(self.socket(socket), to)
    }

    fn send(&mut self, socket: Id, to: Option<SocketAddr>, bytes: &[u8]) -> Result<usize, Errno> {
        self.world.send_datagram(self.socket(socket), to, bytes)
    }

    fn receive(&mut self, socket: Id, most: usize) -> Result<(Vec<u8>, SocketAddr), Errno> {
        let mut into = vec![0; most];
        let (len, from) = self.world.receive_datagram(self.socket(socket), &mut into)?;
        into.truncate(len);
        Ok((into, from))
    }

    fn join(&mut self, socket: Id) -> Result<(), Errno> {
        self.world.join(self.socket(socket), GROUP.into())
    }

    fn leave(&mut self, socket: Id) -> Result<(), Errno> {
        self.world.leave(self.socket(socket), GROUP.into())
    }
}
