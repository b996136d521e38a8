//! # Room card: signal/cluster
//! In:    the aggressors of trades, in order.
//! Out:   `TradeClusterPin`: the share of trades that follow the one before, from the runs of aggressors in a window.
//! Holds: counts of buys, sells and runs are exact over the last n trades; one-sided flow has no estimate, and says
//!        so.
//! Costs: O(1) per trade: one in, one out.
use types::Side;

use crate::fault::{SignalFault, in_range};

/// Largest window, trades.
pub const CLUSTER_WINDOW_MAX: usize = 1 << 20;
/// Fewest trades for an estimate.
pub const CLUSTER_TRADES_MIN: usize = 10;

/// Share of clustered trades, with what says whether it is chance.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ClusterEstimate {
    /// The estimate, 0 to 1.
    pub pin: f64,
    /// The same before it was held to 0 and above: negative when aggressors alternate more than chance would.
    pub persistence: f64,
    /// How many standard deviations the number of clusters lies below that of independent trades.
    pub z_score: f64,
    /// Clusters: maximal runs of one aggressor.
    pub clusters: u64,
    /// Trades in the window.
    pub trades: u64,
}

/// Trade-cluster PIN: the share of trades that are continuations of others.
///
/// On a desk: how much of the flow is someone working an order, seen from how aggressors cluster; not PIN (`pin`),
/// which needs days of counts. A cluster is a maximal run of one aggressor; R clusters in n trades, of them b buys
/// and s sells. In the model a trade repeats the aggressor of the one before with probability π, and is drawn afresh
/// otherwise (a discrete autoregression, Jacobs, Lewis 1978, J. R. Statist. Soc. B 40, p. 94); independent trades
/// with the same b and s have `E₀[R] = 1 + 2bs/n` clusters (Wald, Wolfowitz 1940, Ann. Math. Stat. 11, p. 147), and
/// changes of side are rarer by 1 - π, so `π̂ = 1 - (R - 1)/(E₀[R] - 1) = 1 - (R - 1)·n/(2bs)`. The z-score is
/// theirs, too: `(E₀[R] - R)/√(2bs(2bs - n)/(n²(n - 1)))`; above 2 the clustering is hardly chance.
#[derive(Debug)]
pub struct TradeClusterPin {
    /// True for a buy.
    ring: Box<[bool]>,
    count: usize,
    /// Place of the oldest.
    head: usize,
    buys: u64,
    /// Neighbours of different sides in the window.
    changes: u64,
}

impl TradeClusterPin {
    /// An empty window of `trades`, `CLUSTER_TRADES_MIN` to `CLUSTER_WINDOW_MAX`.
    pub fn new(trades: usize) -> Result<TradeClusterPin, SignalFault> {
        in_range("trades", trades as f64, CLUSTER_TRADES_MIN as f64, CLUSTER_WINDOW_MAX as f64)?;
        Ok(TradeClusterPin { ring: vec![false; trades].into_boxed_slice(), count: 0, head: 0, buys: 0, changes: 0 })
    }

    #[inline]
    fn at(&self, offset: usize) -> bool {
        let at = self.head + offset;
        self.ring[if at >= self.ring.len() { at - self.ring.len() } else { at }]
    }

    /// Takes a trade.
    #[inline]
    pub fn on_trade(&mut self, aggressor: Side) {
        let buy = aggressor == Side::Buy;
        if self.count == self.ring.len() {
            let (oldest, second) = (self.at(0), self.at(1));
            self.buys -= u64::from(oldest);
            self.changes -= u64::from(oldest != second);
            self.head = if self.head + 1 == self.ring.len() { 0 } else { self.head + 1 };
            self.count -= 1;
        }
        if self.count > 0 {
            self.changes += u64::from(self.at(self.count - 1) != buy);
        }
        let at = self.head + self.count;
        self.ring[if at >= self.ring.len() { at - self.ring.len() } else { at }] = buy;
        self.buys += u64::from(buy);
        self.count += 1;
    }

    /// The estimate over the trades in the window. `SIGNAL_TOO_FEW` below `CLUSTER_TRADES_MIN` trades,
    /// `SIGNAL_ONE_SIDED` when all have one aggressor: with one cluster there is nothing to compare with.
    pub fn estimate(&self) -> Result<ClusterEstimate, SignalFault> {
        let (trades, buys) = (self.count as u64, self.buys);
        let sells = trades - buys;
        if self.count < CLUSTER_TRADES_MIN {
            return Err(SignalFault::TooFew { have: trades, need: CLUSTER_TRADES_MIN as u64 });
        }
        if buys == 0 || sells == 0 {
            return Err(SignalFault::OneSided { buys, sells });
        }
        let n = trades as f64;
        let pairs = 2.0 * buys as f64 * sells as f64;
        let expected = pairs / n;
        let persistence = 1.0 - self.changes as f64 / expected;
        let variance = pairs * (pairs - n) / (n * n * (n - 1.0));
        let z_score = (expected - self.changes as f64) / libm::sqrt(variance);
        let pin = persistence.max(0.0);
        Ok(ClusterEstimate { pin, persistence, z_score, clusters: self.changes + 1, trades })
    }
}
