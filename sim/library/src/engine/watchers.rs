//! Tasks beside the actors: monitors of sockets, and the handler of ZAP.

use std::sync::Arc;

use zmq_core::mechanism::zap::{ADDRESS, Answer, Request};
use zmq_reference::{Frame, Message, Socket, SocketType};
use zmq_sim::history::What;
use zmq_sim::options;
use zmq_sim::plan::SocketIndex;

use super::program::Program;

/// Writes down what a socket's connections tell, until it is closed.
pub(super) fn start_monitor(program: &Arc<Program>, socket: SocketIndex, of: &Socket) {
    let monitor = of.monitor();
    let of = Arc::clone(program);
    let life = program.life;
    program.machine.spawn(Box::pin(async move {
        while let Some(event) = monitor.recv().await {
            let name = event.kind.name().replace('_', "-");
            of.note(What::Monitor { socket, life, event: name, endpoint: event.endpoint_text() });
        }
    }));
}

/// Answers questions of ZAP until the context ends, if a socket of this host has a domain.
pub(super) async fn start_zap(program: &Arc<Program>) {
    let plan = &program.shared.plan;
    let guarded = |socket: &SocketIndex| {
        let security = plan[*socket].options.security.as_ref();
        plan.host_of(*socket) == Some(program.host) && security.is_some_and(|of| of.zap_domain.is_some())
    };
    if !SocketIndex::all(plan).any(|socket| guarded(&socket)) {
        return;
    }
    let handler = program.context().socket(SocketType::Rep).expect("the context has just begun");
    handler.bind(&format!("inproc://{ADDRESS}")).await.expect("nobody else in the context has that name");
    let of = Arc::clone(program);
    program.machine.spawn(Box::pin(async move {
        while let Ok(question) = handler.recv().await {
            let answer = answer(&of, &question).unwrap_or_else(|| Message::new(Frame::EMPTY));
            if handler.send(answer).await.is_err() {
                return;
            }
        }
    }));
}

/// The parts of a reply; `None` for what is no question.
fn answer(program: &Program, question: &Message) -> Option<Message> {
    let parts: Vec<&[u8]> = question.iter().map(Frame::as_slice).collect();
    let [version, number, domain, address, routing_id, mechanism, credentials @ ..] = &parts[..] else { return None };
    let request = Request {
        domain: domain.to_vec(),
        address: address.to_vec(),
        routing_id: routing_id.to_vec(),
        mechanism: ["NULL", "PLAIN", "CURVE"].into_iter().find(|known| known.as_bytes() == *mechanism)?,
        credentials: credentials.iter().map(|part| part.to_vec()).collect(),
    };
    let verdict = options::zap(&program.shared.plan, program.host, &request)?;
    let Answer::Replied(Ok(reply)) = verdict.answer() else { return None };
    let parts = [version, number, reply.status.as_str().as_bytes(), &reply.text, &reply.user_id, &[]];
    Message::from_frames(parts.into_iter().map(Frame::copy_of))
}
