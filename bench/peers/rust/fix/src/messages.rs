//! The messages that are read and the orders that are written: the same shape, other values each.
use types::rng::SplitMix64;
use types::{Decimal, UnixNanos};

use crate::MESSAGES;

/// A whole FIX 4.4 message around fields.
fn framed(body: &str) -> Vec<u8> {
    let body = body.replace('|', "\x01");
    let mut message = format!("8=FIX.4.4\x019={}\x01{body}", body.len()).into_bytes();
    let sum = message.iter().map(|&byte| byte as u32).sum::<u32>() % 256;
    message.extend_from_slice(format!("10={sum:03}\x01").as_bytes());
    message
}

/// ExecutionReports of some 240 bytes: a partial fill.
pub fn reports() -> Vec<Vec<u8>> {
    let mut rng = SplitMix64::new(1);
    let mut below = |end: u64| rng.below(end);
    (0..MESSAGES)
        .map(|n| {
            let time = format!("20240809-{:02}:{:02}:{:02}.{:03}", below(24), below(60), below(60), below(1_000));
            let (price, cents) = (60_000 + below(5_000), below(100));
            let quantity = 1 + below(900);
            framed(&format!(
                "35=8|34={}|49=VENUE|52={time}|56=CLIENT|37={}|11=ORD-{:06}|17=E{:08}|150=F|39=1|55=BTCUSDT|54={}|\
                 38={}|44={price}.{cents:02}|40=2|59=1|32={quantity}|31={price}.{:02}|151={}|14={quantity}|\
                 6={price}.{:02}|60={time}|",
                1_000 + n,
                100_000 + below(800_000),
                below(1_000_000),
                below(100_000_000),
                1 + below(2),
                quantity + 100,
                below(100),
                100,
                below(100),
            ))
        })
        .collect()
}

/// MarketDataIncrementalRefreshes with ten entries.
pub fn refreshes() -> Vec<Vec<u8>> {
    let mut rng = SplitMix64::new(2);
    (0..MESSAGES)
        .map(|n| {
            let mut body = format!("35=X|34={}|49=VENUE|52=20240809-12:00:00.{:03}|56=CLIENT|262=R1|268=10|", n + 7, n);
            for _ in 0..10 {
                let mut below = |end: u64| rng.below(end);
                body += &format!(
                    "279={}|269={}|55=BTCUSDT|270={}.{:02}|271={}.{:03}|346={}|",
                    below(3),
                    below(2),
                    60_000 + below(5_000),
                    below(100),
                    below(20),
                    below(1_000),
                    1 + below(50)
                );
            }
            framed(&body)
        })
        .collect()
}

/// What changes from order to order.
pub struct Order {
    pub sequence: u64,
    pub time: UnixNanos,
    pub cl_ord_id: String,
    pub side: u8,
    pub quantity: Decimal,
    pub price: Decimal,
}

/// Orders of one second, as a burst has them.
pub fn orders() -> Vec<Order> {
    let mut rng = SplitMix64::new(3);
    (0..MESSAGES as u64)
        .map(|n| Order {
            sequence: 4_000 + n,
            time: UnixNanos(1_723_161_256_000_000_000 + n * 1_000_000),
            cl_ord_id: format!("ORD-{:06}", rng.below(1_000_000)),
            side: b'1' + rng.below(2) as u8,
            quantity: Decimal { mantissa: 1 + rng.below(900) as i64, scale: 0 },
            // fixlite drops zeros at the end.
            price: Decimal { mantissa: 6_000_001 + rng.below(50_000) as i64 * 10, scale: 2 },
        })
        .collect()
}
