//! # Room card: net/tests/allocations
//! In:    two loops that have warmed up.
//! Out:   that plain TCP allocates nothing: sends, reads, blocked peers, polls that bring nothing.
//! Holds: both ends are counted, in one thread.
//! Costs: a second.
use std::time::Duration;

use fafnir_net::{Backend, Net, NetEvent, NetLimits, Token};
use testkit::{CountingAllocator, allocations_during};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Bytes that came, and the token they came to.
fn look(net: &mut Net, timeout: Duration) -> (usize, Option<Token>) {
    let (mut bytes, mut token) = (0, None);
    net.poll(timeout, &mut |event| match event {
        NetEvent::Up(up) => token = Some(up),
        NetEvent::Bytes(of, slice) => (bytes, token) = (bytes + slice.len(), Some(of)),
        _ => {}
    });
    (bytes, token)
}

#[test]
fn plain_connections_allocate_nothing_once_warm() {
    let backends =
        if cfg!(target_os = "linux") { vec![Backend::Portable, Backend::Epoll] } else { vec![Backend::Portable] };
    for backend in backends {
        let limits = NetLimits { connections: 4, out_bytes: 8 << 20, read_bytes: 64 << 10 };
        let (mut server, mut client) = (Net::new(backend, limits).unwrap(), Net::new(backend, limits).unwrap());
        let (_, address) = server.listen("127.0.0.1:0".parse().unwrap(), None).unwrap();
        let ours = client.connect(&[address], None).unwrap();
        let mut theirs = None;
        let mut up = None;
        while theirs.is_none() || up.is_none() {
            theirs = theirs.or(look(&mut server, Duration::from_millis(1)).1);
            up = up.or(look(&mut client, Duration::ZERO).1);
        }
        let theirs = theirs.unwrap();
        let (small, large) = ([1u8; 300], vec![2u8; 7 << 20]);
        let mut round = |message: &[u8]| {
            client.send(ours, message).unwrap();
            let mut got = 0;
            while got < message.len() {
                client.poll(Duration::ZERO, &mut |_| {});
                got += look(&mut server, Duration::ZERO).0;
            }
            server.send(theirs, &message[..100]).unwrap();
            let mut got = 0;
            while got < 100 {
                got += look(&mut client, Duration::from_millis(1)).0;
            }
        };
        round(&large);
        let ((), counted) = allocations_during(|| {
            for _ in 0..1_000 {
                round(&small);
            }
            round(&large);
        });
        assert_eq!(counted.count, 0, "{backend:?}: {counted:?}");
    }
}
