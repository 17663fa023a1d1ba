//! A chain of the three devices, steered while it runs: orders come in through a queue, go through a streamer to the
//! workshop, and what is finished is announced through a forwarder.
//!
//! ```text
//!   REQ ─► ROUTER queue DEALER ─► REP clerk PUSH ─► PULL streamer PUSH ─► PULL workshop XPUB ─► XSUB forwarder XPUB ─► SUB
//! ```
//!
//! What to learn: a device joins two sockets that everybody else *connects* to, so that what is in front of it and what is
//! behind it may come and go; each runs in a thread of its own and does nothing else. `control` has it obey `PAUSE`,
//! `RESUME`, `STATISTICS` and `TERMINATE`. Nothing is lost at a device: it takes what it can pass on.
//!
//! ```sh
//! cargo run --release -p zmq-reference --example devices
//! ```

use std::error::Error;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use zmq_reference::blocking::{Context, Proxy, Socket};
use zmq_reference::{Message, ProxyError, RecvError, SocketType, Statistics, is_terminated};

type Failed = Box<dyn Error + Send + Sync>;

const ORDERS: u64 = 20;

pub(crate) fn main() -> Result<(), Failed> {
    let context = Context::new()?;
    let queue = Device::start(&context, "queue", SocketType::Router, SocketType::Dealer)?;
    let streamer = Device::start(&context, "streamer", SocketType::Pull, SocketType::Push)?;
    let forwarder = Device::start(&context, "forwarder", SocketType::XSub, SocketType::XPub)?;

    let customer = connected(&context, SocketType::Req, &queue.frontend)?;
    let clerk = connected(&context, SocketType::Rep, &queue.backend)?;
    let to_workshop = connected(&context, SocketType::Push, &streamer.frontend)?;
    let from_clerk = connected(&context, SocketType::Pull, &streamer.backend)?;
    let announcing = connected(&context, SocketType::XPub, &forwarder.frontend)?;
    let watcher = connected(&context, SocketType::Sub, &forwarder.backend)?;
    watcher.subscribe("finished")?;
    // Subscriptions come through the forwarder too. What is published before would be for nobody.
    assert_eq!(announcing.recv()?.first(), "\u{1}finished");
    let clerking = thread::spawn(move || {
        until_the_end(|| {
            let order = clerk.recv()?;
            to_workshop.send(order)?;
            Ok(clerk.send("accepted")?)
        })
    });
    let working = thread::spawn(move || {
        until_the_end(|| {
            let order = from_clerk.recv()?;
            Ok(announcing.send(["finished".into(), order.first().clone()])?)
        })
    });

    for number in 0..ORDERS {
        order(&customer, &watcher, number)?;
    }
    println!("{ORDERS} orders were accepted, and finished");

    // A device that is paused leaves messages where they are.
    queue.command("PAUSE")?;
    customer.send(ORDERS.to_string())?;
    customer.set_recv_timeout(Some(Duration::from_millis(100)));
    assert_eq!(customer.recv(), Err(RecvError::TimedOut));
    println!("the queue is paused: nobody takes orders");
    queue.command("RESUME")?;
    customer.set_recv_timeout(None);
    println!("the queue is not paused any more: {:?}, {:?}", customer.recv()?, watcher.recv()?);

    // Asked for while it runs: what came in at the front went out at the back.
    let seen = Statistics::read(&queue.command("STATISTICS")?).ok_or("expected statistics")?;
    println!("the queue has passed {} parts on, {} back", seen.backend_sent.parts, seen.frontend_sent.parts);
    assert_eq!(seen.frontend_received, seen.backend_sent);

    // An order of one part has two more in the queue, where it comes from and a delimiter; a report has two.
    for (device, parts_of_each) in [(queue, 3), (streamer, 1), (forwarder, 2)] {
        let name = device.name;
        let seen = device.terminate()?;
        println!("{name}: {} parts, {} octets", seen.frontend_received.parts, seen.frontend_received.octets);
        assert_eq!(seen.frontend_received.parts, parts_of_each * (ORDERS + 1));
    }
    context.term();
    clerking.join().expect("the clerk does not panic")?;
    working.join().expect("the workshop does not panic")
}

/// One of the devices, in a thread of its own.
struct Device {
    name: &'static str,
    /// Where its two sides are.
    frontend: String,
    backend: String,
    control: Socket,
    running: JoinHandle<Result<Statistics, ProxyError>>,
}

impl Device {
    /// Starts a device of these two types. Without steering `blocking::queue`, `streamer` and `forwarder` are as good.
    fn start(context: &Context, name: &'static str, front: SocketType, back: SocketType) -> Result<Self, Failed> {
        let (front, back) = (context.socket(front)?, context.socket(back)?);
        let frontend = front.bind("tcp://127.0.0.1:*")?.to_string();
        let backend = back.bind("tcp://127.0.0.1:*")?.to_string();
        // A REP answers each command, so that who gave it knows that it was obeyed.
        let obeying = context.socket(SocketType::Rep)?;
        let steered_at = obeying.bind(&format!("inproc://{name}"))?.to_string();
        let control = connected(context, SocketType::Req, &steered_at)?;
        let running = thread::spawn(move || Proxy::new(&front, &back).control(&obeying).run());
        Ok(Self { name, frontend, backend, control, running })
    }

    fn command(&self, command: &str) -> Result<Message, Failed> {
        self.control.send(command)?;
        Ok(self.control.recv()?)
    }

    /// Ends the device; says what went through it.
    fn terminate(self) -> Result<Statistics, Failed> {
        self.command("TERMINATE")?;
        Ok(self.running.join().expect("a device does not panic")?)
    }
}

/// Orders, and waits for the report that it is finished.
fn order(customer: &Socket, watcher: &Socket, number: u64) -> Result<(), Failed> {
    let number = number.to_string();
    customer.send(number.clone())?;
    assert_eq!(customer.recv()?.first(), "accepted");
    assert_eq!(watcher.recv()?, Message::from(["finished".to_owned(), number]));
    Ok(())
}

fn connected(context: &Context, socket_type: SocketType, endpoint: &str) -> Result<Socket, Failed> {
    let socket = context.socket(socket_type)?;
    socket.connect(endpoint)?;
    Ok(socket)
}

/// Does it again and again until the context ends.
fn until_the_end(mut once: impl FnMut() -> Result<(), Failed>) -> Result<(), Failed> {
    loop {
        match once() {
            Ok(()) => {}
            Err(why) if is_terminated(&*why) => return Ok(()),
            Err(other) => return Err(other),
        }
    }
}
