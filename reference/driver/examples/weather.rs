//! PUB and SUB, async on the caller's runtime: a subscriber receives what it subscribed to, from when it was heard.
//!
//! ```sh
//! cargo run --release -p zmq-reference --example weather
//! ```

use std::error::Error;
use std::time::Duration;

use zmq_reference::{Context, SocketType};

type Failed = Box<dyn Error + Send + Sync>;

/// Reports that each subscriber waits for.
const WANTED: usize = 5;

pub(crate) fn main() -> Result<(), Failed> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        // All I/O is done by this runtime, and by no thread beside it.
        let context = Context::local()?;
        let station = context.socket(SocketType::Pub)?;
        let endpoint = station.bind("tcp://127.0.0.1:*").await?.to_string();

        // A report every millisecond, whether anybody listens or not: a PUB never waits.
        let publishing = tokio::spawn(async move {
            let mut clock = tokio::time::interval(Duration::from_millis(1));
            for number in 0_u64.. {
                clock.tick().await;
                for city in ["oslo", "rome"] {
                    station.send([city.to_owned(), number.to_string()]).await?;
                }
            }
            Ok::<_, Failed>(())
        });

        let early = listen(&context, &endpoint, "rome").await?;
        println!("early: rome's reports {early:?}");
        tokio::time::sleep(Duration::from_millis(20)).await; // nobody listens, and nothing is kept
        let late = listen(&context, &endpoint, "rome").await?;
        println!("late:  rome's reports {late:?}");

        for reports in [&early, &late] {
            assert!(reports.windows(2).all(|pair| pair[1] == pair[0] + 1), "none is missing in between");
        }
        assert!(late[0] > early[WANTED - 1]);
        publishing.abort();
        let _ = publishing.await;
        context.term().await;
        Ok(())
    })
}

/// Subscribes to a city; gives back the numbers of the first reports that come.
async fn listen(context: &Context, endpoint: &str, city: &str) -> Result<Vec<u64>, Failed> {
    let subscriber = context.socket(SocketType::Sub)?;
    subscriber.subscribe(city)?;
    subscriber.connect(endpoint)?;
    let mut numbers = Vec::new();
    while numbers.len() < WANTED {
        let report = subscriber.recv().await?;
        assert_eq!(report.first(), city, "nothing else passes the filter");
        let number = report.part(1).ok_or("a report without a number")?;
        numbers.push(std::str::from_utf8(number)?.parse()?);
    }
    Ok(numbers)
}
