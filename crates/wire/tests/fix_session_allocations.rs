//! A session allocates nothing per message on the way that messages take every day: in order in, and out.
use fafnir_wire::fix::{
    BeginString, FieldIndex, Message, Outgoing, Role, Session, SessionSetup, Split, Store, Verdict, split,
};
use testkit::{CountingAllocator, allocations_during};
use types::{Nanos, UnixNanos};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const START: UnixNanos = UnixNanos(1_709_251_199_007_000_000);
const MESSAGES: u64 = 5_000;

/// Notes numbers and nothing else.
#[derive(Default)]
struct Numbers(u64, u64);

impl Store for Numbers {
    fn next(&mut self, _from: u64) -> Option<(u64, &[u8])> {
        None
    }
    fn keep(&mut self, sequence: u64, _bytes: &[u8], _application: bool) {
        self.1 = sequence + 1;
    }
    fn numbers(&mut self, next_in: u64, _next_out: u64) {
        self.0 = next_in;
    }
}

#[test]
fn messages_in_order_allocate_nothing() {
    let mut ends = [(Role::Initiator, b"C", b"S"), (Role::Acceptor, b"S", b"C")].map(|(role, sender, target)| {
        let mut setup = SessionSetup::full(BeginString::Fix44, role, sender, target, Nanos(30_000_000_000));
        // Small, so that the set has grown when counting begins.
        setup.seen_orders_max = 256;
        (Session::new(setup).unwrap(), Numbers::default(), Vec::with_capacity(1 << 16))
    });
    let [client, server] = &mut ends;
    let mut index = FieldIndex::new();
    let mut now = START;
    client.0.connected(now, &mut client.1, &mut client.2);
    server.0.connected(now, &mut server.1, &mut server.2);
    // A logon, orders with ClOrdIDs, a heartbeat now and then; each is answered.
    let mut turn = |number: u64, client: &mut (Session, Numbers, Vec<u8>), server: &mut (Session, Numbers, Vec<u8>)| {
        now = now.plus(Nanos(1_000_000));
        if client.0.is_open() {
            let mut body = *b"11=00000000\x0155=ABC\x0154=1\x0138=100\x0140=2\x0144=10.25\x01";
            let mut rest = number;
            for digit in body[3..11].iter_mut().rev() {
                (*digit, rest) = (b'0' + (rest % 10) as u8, rest / 10);
            }
            let order = Outgoing { kind: b"D", header: b"97=N\x01", body: &body };
            client.0.send(&order, now, &mut client.1, &mut client.2).unwrap();
            if number.is_multiple_of(7) {
                client.0.on_time(now.plus(Nanos(31_000_000_000)), &mut client.1, &mut client.2);
            }
        }
        for _ in 0..2 {
            carry(client, server, now, &mut index);
            carry(server, client, now, &mut index);
        }
    };
    for number in 0..1_000 {
        turn(number, client, server);
    }
    let ((), counted) = allocations_during(|| {
        for number in 1_000..1_000 + MESSAGES {
            turn(number, client, server);
        }
    });
    assert_eq!((counted.count, counted.bytes), (0, 0));
    assert!(client.0.next_out() > MESSAGES && server.0.next_in() == client.0.next_out());
    assert!(server.1.0 == server.0.next_in() && client.1.1 == client.0.next_out());
}

/// Every message one end has sent is taken by the other; an order is answered.
fn carry(
    from: &mut (Session, Numbers, Vec<u8>),
    to: &mut (Session, Numbers, Vec<u8>),
    now: UnixNanos,
    index: &mut FieldIndex,
) {
    let mut at = 0;
    while let Split::Message { length } = split(&from.2[at..]) {
        let bytes = &from.2[at..at + length];
        index.read(bytes).unwrap();
        let message = Message::parse(bytes).unwrap();
        // Time was let pass for a heartbeat alone.
        if to.0.on_message(&message, now, &mut to.1, &mut to.2) == Verdict::Deliver && message.msg_type() == b"D" {
            let report =
                Outgoing { kind: b"8", header: b"", body: b"37=1\x0117=1\x01150=0\x0139=0\x0155=ABC\x0154=1\x01" };
            to.0.send(&report, now, &mut to.1, &mut to.2).unwrap();
        }
        to.0.settle(&mut to.1);
        at += length;
    }
    from.2.clear();
}
