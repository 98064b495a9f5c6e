// An echo server in Rust, with the standard library alone: a thread for each
// client.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::{env, process, thread, time};

const MARK: &[u8] = b"<EOF>";
const LIMIT: usize = 1 << 20;

// The standard library knows no signals; that of C is linked anyway.
extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn _exit(status: i32) -> !;
}

extern "C" fn end(_number: i32) {
    unsafe { _exit(0) }
}

fn printable(text: &[u8]) -> String {
    let mut out = String::new();
    for &byte in text {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => out.push(byte as char),
            _ => out.push_str(&format!("\\x{:02x}", byte)),
        }
    }
    out
}

fn other(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Other, reason)
}

fn receive_text(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut piece = [0; 16384];
    loop {
        let size = match stream.read(&mut piece) {
            Ok(0) => return Err(other("no <EOF> before its end")),
            Ok(size) => size,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        let from = text.len().saturating_sub(MARK.len() - 1);
        text.extend_from_slice(&piece[..size]);
        let found = text[from..].windows(MARK.len()).position(|w| w == MARK);
        if let Some(at) = found {
            text.truncate(from + at + MARK.len());
        }
        if text.len() > LIMIT || (found.is_none() && text.len() == LIMIT) {
            return Err(other("longer than a text may be"));
        }
        if found.is_some() {
            return Ok(text);
        }
    }
}

fn serve(mut stream: TcpStream, name: &str) -> io::Result<()> {
    match receive_text(&mut stream) {
        Ok(text) => {
            let size = text.len();
            let shown = printable(&text);
            print!("Read {} bytes from socket.\n Data : {}\n", size, shown);
            stream.write_all(&text)?;
            println!("Sent {} bytes to client.", size);
        }
        Err(error) => eprintln!("server: {}: {}", name, error),
    }
    stream.shutdown(Shutdown::Write)?;
    io::copy(&mut stream, &mut io::sink())?;
    Ok(())
}

fn main() {
    unsafe {
        signal(2, end); // SIGINT
        signal(15, end); // SIGTERM
    }
    let words: Vec<String> = env::args().skip(1).collect();
    let host = words.get(0).map_or("127.0.0.1", |w| w);
    let port = words.get(1).map_or("11000", |w| w);
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    let number = match port.parse::<u16>() {
        Ok(number) if digits && words.len() < 3 => number,
        _ => {
            eprintln!("What it wants is [HOST [PORT]]");
            process::exit(2);
        }
    };
    let listener = TcpListener::bind((host, number)).unwrap_or_else(|error| {
        eprintln!("server: listen on {}:{}: {}", host, port, error);
        process::exit(1);
    });
    println!("Listening on {}", listener.local_addr().unwrap());
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                println!("Accepted {}", peer);
                let name = peer.to_string();
                let thread = thread::Builder::new().spawn(move || {
                    let _ = serve(stream, &name); // or this client is gone
                });
                if let Err(error) = thread {
                    eprintln!("server: {}: {}", peer, error);
                }
            }
            // No descriptor is left, and nobody tells when there is one again.
            Err(_) => thread::sleep(time::Duration::from_millis(100)),
        }
    }
}
