//! thr/lat quick: bench ROLE MODE ENDPOINT SIZE COUNT
use std::time::Instant;
use zmq_reference::*;
fn main() {
    let v: Vec<String> = std::env::args().collect();
    let (role, mode, ep, size, n) =
        (v[1].as_str(), v[2].as_str(), v[3].as_str(), v[4].parse::<usize>().unwrap(), v[5].parse::<usize>().unwrap());
    let body = vec![7u8; size];
    if mode == "async" {
        let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        rt.block_on(async move {
            let c = Context::local().unwrap();
            match role {
                "pull" => {
                    let s = c.socket(SocketType::Pull).unwrap();
                    s.bind(ep).await.unwrap();
                    s.recv().await.unwrap();
                    let t = Instant::now();
                    for _ in 1..n {
                        let m = s.recv().await.unwrap();
                        assert_eq!(m.first().len(), size);
                    }
                    report(size, n, t);
                }
                "push" => {
                    let s = c.socket(SocketType::Push).unwrap();
                    s.connect(ep).unwrap();
                    for _ in 0..n {
                        s.send(&body[..]).await.unwrap();
                    }
                    s.close(None);
                    c.term().await;
                }
                "rep" => {
                    let s = c.socket(SocketType::Rep).unwrap();
                    s.bind(ep).await.unwrap();
                    for _ in 0..n {
                        let m = s.recv().await.unwrap();
                        s.send(m).await.unwrap();
                    }
                    s.close(None);
                    c.term().await;
                }
                _ => {
                    let s = c.socket(SocketType::Req).unwrap();
                    s.connect(ep).unwrap();
                    let w = n / 10;
                    let mut t = Instant::now();
                    for i in 0..n {
                        if i == w {
                            t = Instant::now();
                        }
                        s.send(&body[..]).await.unwrap();
                        s.recv().await.unwrap();
                    }
                    println!("lat {:.2} us", t.elapsed().as_secs_f64() * 1e6 / (2 * (n - w)) as f64);
                }
            }
        });
        return;
    }
    let c = blocking::Context::new().unwrap();
    match role {
        "self" => {
            let a = c.socket(SocketType::Pull).unwrap();
            a.bind("inproc://x").unwrap();
            let b = c.socket(SocketType::Push).unwrap();
            b.connect("inproc://x").unwrap();
            let t = Instant::now();
            for _ in 0..n / 100 {
                for _ in 0..100 {
                    b.send(&body[..]).unwrap();
                }
                for _ in 0..100 {
                    a.recv().unwrap();
                }
            }
            println!("self {:.1} ns per send+recv", t.elapsed().as_secs_f64() * 1e9 / n as f64);
        }
        "pull" => {
            let s = c.socket(SocketType::Pull).unwrap();
            s.bind(ep).unwrap();
            s.recv().unwrap();
            let t = Instant::now();
            for _ in 1..n {
                let m = s.recv().unwrap();
                assert_eq!(m.first().len(), size);
            }
            report(size, n, t);
        }
        "push" => {
            let s = c.socket(SocketType::Push).unwrap();
            s.connect(ep).unwrap();
            for _ in 0..n {
                s.send(&body[..]).unwrap();
            }
            s.close(None);
            c.term();
        }
        "rep" => {
            let s = c.socket(SocketType::Rep).unwrap();
            s.bind(ep).unwrap();
            for _ in 0..n {
                let m = s.recv().unwrap();
                s.send(m).unwrap();
            }
            s.close(None);
            c.term();
        }
        _ => {
            let s = c.socket(SocketType::Req).unwrap();
            s.connect(ep).unwrap();
            let w = n / 10;
            let mut t = Instant::now();
            for i in 0..n {
                if i == w {
                    t = Instant::now();
                }
                s.send(&body[..]).unwrap();
                s.recv().unwrap();
            }
            println!("lat {:.2} us", t.elapsed().as_secs_f64() * 1e6 / (2 * (n - w)) as f64);
        }
    }
}
fn report(size: usize, n: usize, t: Instant) {
    let e = t.elapsed().as_secs_f64();
    println!("thr {size} {:.3} M/s {:.1} MB/s", (n - 1) as f64 / e / 1e6, (n - 1) as f64 * size as f64 / e / 1e6);
}
