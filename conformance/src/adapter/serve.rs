//! The request loop of an adapter that is built into this binary, whatever it drives.
//!
//! Stdin is read until it ends. Stdout is taken away from the rest of the process first, so that a library that
//! prints cannot break the protocol.

use std::fs::File;
use std::io::{BufRead, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::inbox::LINE_LIMIT;
use super::protocol::{ErrorClass, ErrorReply, Line, Reply, Request, RequestBody, Unsolicited};

/// What a request comes to. The id of the reply is filled in when it is written.
pub type Answer = Result<Reply, ErrorReply>;

/// Where replies go; clones share it, lines never mix.
#[derive(Clone)]
pub struct Output {
    stdout: Arc<Mutex<File>>,
}

impl Output {
    /// Takes stdout for the protocol; whatever else prints there goes to stderr from now on.
    ///
    /// # Errors
    ///
    /// The system's, where descriptors cannot be duplicated.
    pub fn claim() -> std::io::Result<Self> {
        let protocol = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
        rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
        Ok(Self { stdout: Arc::new(Mutex::new(File::from(protocol))) })
    }

    /// Answers a request.
    pub fn reply(&self, id: u64, answer: Answer) {
        let reply = match answer {
            Ok(reply) => Reply { id, ..reply },
            Err(error) => Reply { id, error: Some(error), ..Reply::default() },
        };
        self.write(&Line::Reply(Box::new(reply)));
    }

    /// Says something unasked.
    pub fn event(&self, event: Unsolicited) {
        self.write(&Line::Unsolicited(event));
    }

    /// Reports every panic of any thread as a fault from now on.
    pub fn report_panics(&self) {
        let output = self.clone();
        std::panic::set_hook(Box::new(move |panic| {
            let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
            output.event(Unsolicited::Fault { thread, text: panic.to_string() });
        }));
    }

    fn write(&self, line: &Line) {
        let Ok(mut text) = serde_json::to_vec(line) else {
            return;
        };
        text.push(b'\n');
        let mut stdout = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a reader there is nobody to tell; stdin ends as well then, and with it the process.
        let _ = stdout.write_all(&text);
    }
}

/// Reads requests until `input` ends. Lines that are no request are answered here.
pub fn serve(mut input: impl BufRead, output: &Output, mut on_request: impl FnMut(Request)) {
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = LINE_LIMIT as u64 + 1;
        if !matches!((&mut input).take(limit).read_until(b'\n', &mut line), Ok(1..)) {
            return;
        }
        if line.len() > LINE_LIMIT {
            let text = format!("expected a line of at most {LINE_LIMIT} octets, came a longer one");
            output.reply(0, Err(argument(text)));
            return;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match parse(&line) {
            Ok(request) => on_request(request),
            Err((id, error)) => output.reply(id, Err(error)),
        }
    }
}

/// The error of a request that the adapter itself finds senseless.
#[must_use]
pub fn argument(native: String) -> ErrorReply {
    ErrorReply { class: ErrorClass::Argument, errno: String::new(), native }
}

/// The error of a request for something that the implementation lacks.
#[must_use]
pub fn unsupported(native: String) -> ErrorReply {
    ErrorReply { class: ErrorClass::Unsupported, errno: String::new(), native }
}

/// The request, or the error and the id that it is answered with: 0 where the line bears none.
fn parse(line: &[u8]) -> Result<Request, (u64, ErrorReply)> {
    let why = match serde_json::from_slice::<Request>(line) {
        Ok(request) => return Ok(request),
        Err(why) => why,
    };
    let object = match serde_json::from_slice::<serde_json::Value>(line) {
        Ok(serde_json::Value::Object(object)) => object,
        Ok(_) => {
            return Err((0, argument("expected a JSON object, came another JSON value".into())));
        }
        Err(error) => {
            return Err((0, argument(format!("expected a JSON object, came a line that is none: {error}"))));
        }
    };
    let Some(id) = object.get("id").and_then(serde_json::Value::as_u64) else {
        return Err((0, argument("expected an `id` that is a whole number from 1".into())));
    };
    match object.get("do").and_then(serde_json::Value::as_str) {
        Some(verb) if RequestBody::VERBS.contains(&verb) => Err((id, argument(format!("`{verb}`: {why}")))),
        Some(verb) => Err((id, unsupported(format!("unknown request `{verb}`")))),
        None => Err((id, argument("expected a `do` that names the request".into()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> (u64, ErrorClass) {
        let (id, error) = parse(line.as_bytes()).unwrap_err();
        (id, error.class)
    }

    #[test]
    fn what_is_no_request_is_refused_under_the_id_that_it_bears() {
        assert_eq!(refused("rubbish"), (0, ErrorClass::Argument));
        assert_eq!(refused("[1]"), (0, ErrorClass::Argument));
        assert_eq!(refused(r#"{"do":"reset"}"#), (0, ErrorClass::Argument));
        assert_eq!(refused(r#"{"id":7}"#), (7, ErrorClass::Argument));
        assert_eq!(refused(r#"{"id":7,"do":"sing"}"#), (7, ErrorClass::Unsupported));
        assert_eq!(refused(r#"{"id":7,"do":"recv","s":"x"}"#), (7, ErrorClass::Argument));
        assert!(parse(br#"{"id":7,"do":"reset"}"#).is_ok());
    }
}
