//! # Room card: backtest/calibrate
//! In:    a recording with trades and touches.
//! Out:   `Calibration`: σ of the mid, A and κ of each side with intervals and goodness of fit, and what was left out.
//! Holds: depths count from the mid just before the order; prints of one order are one order; every omission counted.
//! Costs: reading and decoding; memory bounded by the named constants.
//!
//! **One order, several prints.** A market order that walks the book prints a trade a price or a counterparty. Prints
//! of one aggressor side with the same exchange time, one after the other, are taken as one order, whose depth is that
//! of its farthest print. Two orders of a side in one stamp of the exchange are taken for one.
//!
//! **The mid before it.** Recordings hold touches and trades in the order of arrival, in which the touch that a trade
//! leaves behind may come first. The mid is that of the newest touch that the exchange stamped before the trade; where
//! touches carry no stamp (spot book tickers), that of the newest one received.
use std::collections::VecDeque;
use std::path::Path;

use book::{MarketBook, Rule};
use driver::Recording;
use quote::calibrate::{DepthTally, LEVELS_MAX};
use serde::Deserialize;
use signal::{PreAveragedVolatility, RollingVolatility};
use types::config::{BacktestConfig, SourceConfig, VolatilityParams};
use types::{Code, Fault, Instrument, Side, Ticks, TradePrint, UnixNanos};
use wire::json::FeedMessage;

use crate::calibration_report::{Calibration, LeftOut, PreAveragedReport, RollingReport, SideReport, VolatilityReport};

/// Touches remembered for trades that arrive after the touch they left behind.
const TOUCHES_KEPT: usize = 256;
/// Seconds without a message after which nobody was watching.
const GAP_SECONDS: f64 = 10.0;
/// Rolling σ is noted once a second; beyond this many (11 days) no longer.
const NOTES_MAX: usize = 1_000_000;
/// Mids of the estimate against noise: the last so many changes.
const NOISE_WINDOW: usize = 65_536;
/// Half span of its weights: good for noise of ten times the step of one change.
const NOISE_HALF_SPAN: usize = 25;
/// Lines between two looks at progress and abort.
const LINES_PER_LOOK: u64 = 8_192;

/// What may be said about a calibration; every key has a default.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CalibrateOptions {
    /// Orders nearer to the mid than so many half ticks are left out of A and κ.
    pub nearest_half_ticks: u32,
    /// Levels kept, half ticks, at most 4096; orders beyond count as having reached the last.
    pub levels: u32,
}

impl Default for CalibrateOptions {
    fn default() -> CalibrateOptions {
        CalibrateOptions { nearest_half_ticks: 0, levels: LEVELS_MAX as u32 }
    }
}

/// Calibrates from the one recording of a configuration; its volatility parameters rule the rolling σ.
///
/// `progress` gets fractions; `keep_going` ends the reading when it says no. Errors: `ArgumentInvalid` (options, no
/// recording), those of configuration and recording, `Aborted`.
pub fn calibrate(
    config_json: &str,
    options_json: &str,
    mut progress: impl FnMut(f64),
    keep_going: impl Fn() -> bool,
) -> Result<Calibration, Fault> {
    let (config, setup) = BacktestConfig::from_json(config_json)?;
    let options: CalibrateOptions = serde_json::from_str(options_json)
        .map_err(|error| Fault::new(Code::ArgumentInvalid, format!("options: {error}"), vec![]))?;
    let [SourceConfig::Recording { instrument, path }] = &config.sources[..] else {
        return Err(Fault::new(Code::ArgumentInvalid, "a calibration needs one recording as its only source", vec![]));
    };
    let Some(instrument) = setup.instruments.iter().find(|known| known.symbol() == instrument) else {
        return Err(Fault::new(Code::UnknownInstrument, "source without instrument", vec![]));
    };
    let rule = Rule::for_feed(setup.venues[instrument.venue.0 as usize].feed).unwrap_or(Rule::Usdm);
    // What is reported is σ of whole windows.
    let whole = VolatilityParams { min_observations: setup.volatility.window, ..setup.volatility };
    let rolling = RollingVolatility::new(&whole, instrument.tick_f64());
    let mut reading = Reading::new(instrument, rule, rolling, &options)?;
    let mut recording = Recording::open(Path::new(path), instrument, &setup.instruments)?;
    let end = config.seconds.map(|seconds| u64::from(seconds) * types::time::NANOS_PER_SECOND);
    let mut lines = 0;
    while let Some((chunk, line)) = recording.peek()? {
        let at = UnixNanos(line.at);
        if lines == 0 {
            reading.first = at;
        }
        if end.is_some_and(|end| line.at.saturating_sub(reading.first.0) > end) {
            break;
        }
        lines += 1;
        reading.on_line(at, &line.message, chunk.bids(&line), chunk.asks(&line));
        recording.advance();
        if lines % LINES_PER_LOOK == 0 {
            if !keep_going() {
                return Err(Fault::new(Code::Aborted, "the calibration was stopped before its end", vec![]));
            }
            progress(recording.progress.fraction());
        }
    }
    progress(1.0);
    reading.left_out.garbage_lines = recording.garbage;
    Ok(reading.finish(instrument, lines, setup.volatility.window))
}

/// A touch as a trade may find it.
#[derive(Clone, Copy)]
struct SeenTouch {
    exchange_time: UnixNanos,
    mid_half_ticks: i64,
}

/// The market order whose prints are coming in.
#[derive(Clone, Copy)]
struct Order {
    aggressor: Side,
    exchange_time: UnixNanos,
    mid_half_ticks: i64,
    farthest: Ticks,
}

struct Reading {
    book: MarketBook,
    /// By `Side::index` of our quote that such orders fill.
    tallies: [DepthTally; 2],
    prints: [u64; 2],
    rolling: RollingVolatility,
    noise: PreAveragedVolatility,
    notes: Vec<f64>,
    next_note: UnixNanos,
    touches: VecDeque<SeenTouch>,
    /// Half ticks from the mid to the touch, since when.
    standing: Option<(i64, i64)>,
    order: Option<Order>,
    left_out: LeftOut,
    first: UnixNanos,
    last: UnixNanos,
    last_mid: Option<i64>,
    changed_mids: u64,
    squares: f64,
}

impl Reading {
    fn new(
        instrument: &Instrument,
        rule: Rule,
        rolling: RollingVolatility,
        options: &CalibrateOptions,
    ) -> Result<Reading, Fault> {
        let tick = instrument.tick_f64();
        let tally = || DepthTally::new(tick, options.levels as usize, i64::from(options.nearest_half_ticks));
        let refused = |refusal: quote::calibrate::FitRefusal| refusal.to_fault();
        Ok(Reading {
            book: MarketBook::new(rule),
            tallies: [tally().map_err(refused)?, tally().map_err(refused)?],
            prints: [0; 2],
            rolling,
            noise: PreAveragedVolatility::new(NOISE_WINDOW, NOISE_HALF_SPAN, tick)?,
            notes: Vec::new(),
            next_note: UnixNanos(0),
            touches: VecDeque::with_capacity(TOUCHES_KEPT),
            standing: None,
            order: None,
            left_out: LeftOut::default(),
            first: UnixNanos::NONE,
            last: UnixNanos::NONE,
            last_mid: None,
            changed_mids: 0,
            squares: 0.0,
        })
    }

    fn on_line(
        &mut self,
        at: UnixNanos,
        message: &Result<FeedMessage, Code>,
        bids: &[types::Level],
        asks: &[types::Level],
    ) {
        self.pass_time(at);
        match message {
            Ok(FeedMessage::Trade(print)) => return self.on_trade(print),
            Ok(FeedMessage::Touch(print)) => {
                let _ = self.book.on_touch(print);
            }
            Ok(FeedMessage::Depth(header)) => {
                let _ = self.book.on_depth(header, bids, asks);
            }
            Ok(FeedMessage::Snapshot(header)) => {
                let _ = self.book.on_snapshot(header, bids, asks);
            }
            Ok(FeedMessage::Other) => return self.left_out.other_messages += 1,
            Err(_) => return self.left_out.unreadable_messages += 1,
        }
        self.after_touch(at);
    }

    /// Counts the time since the line before as watched, at the touch that stood.
    fn pass_time(&mut self, at: UnixNanos) {
        let seconds = at.since(self.last).as_seconds();
        if self.last != UnixNanos::NONE && seconds > GAP_SECONDS {
            self.left_out.gaps += 1;
            self.left_out.gap_seconds += seconds;
        } else if let Some((touch_half_ticks, _)) = self.standing
            && self.last != UnixNanos::NONE
        {
            for tally in &mut self.tallies {
                tally.on_watched(touch_half_ticks, seconds);
            }
        } else if self.last != UnixNanos::NONE && seconds > 0.0 {
            self.left_out.seconds_without_touch += seconds;
        }
        self.last = self.last.max(at);
        if let (Some(sigma), true) = (self.rolling.sigma(), at >= self.next_note && self.notes.len() < NOTES_MAX) {
            self.notes.push(sigma);
            self.next_note = UnixNanos(at.0.saturating_add(types::time::NANOS_PER_SECOND));
        }
    }

    fn after_touch(&mut self, at: UnixNanos) {
        let touch = self.book.touch();
        let mid = touch.as_ref().and_then(|touch| touch.touch.mid_half_ticks());
        let (Some(touch), Some(mid)) = (touch, mid) else {
            self.standing = None;
            return;
        };
        let standing = (touch.touch.ask.0 - touch.touch.bid.0, mid);
        if self.standing != Some(standing) {
            self.standing = Some(standing);
            if self.touches.len() == TOUCHES_KEPT {
                self.touches.pop_front();
            }
            self.touches.push_back(SeenTouch { exchange_time: touch.exchange_time, mid_half_ticks: mid });
        }
        self.rolling.on_mid(at, mid);
        if let Some(before) = self.last_mid.replace(mid)
            && before != mid
        {
            self.changed_mids += 1;
            let moved = (mid - before) as f64;
            self.squares += moved * moved;
            self.noise.on_price(at, mid);
        }
    }

    fn on_trade(&mut self, print: &TradePrint) {
        self.prints[print.aggressor.opposite().index()] += 1;
        if let Some(order) = &mut self.order
            && (order.aggressor, order.exchange_time) == (print.aggressor, print.exchange_time)
        {
            let farther = (print.price.0 - order.farthest.0) * print.aggressor.sign() > 0;
            order.farthest = if farther { print.price } else { order.farthest };
            return;
        }
        self.end_order();
        let before = |touch: &&SeenTouch| touch.exchange_time < print.exchange_time;
        match self.touches.iter().rev().find(before) {
            Some(touch) => {
                self.order = Some(Order {
                    aggressor: print.aggressor,
                    exchange_time: print.exchange_time,
                    mid_half_ticks: touch.mid_half_ticks,
                    farthest: print.price,
                });
            }
            None => self.left_out.prints_without_mid += 1,
        }
    }

    fn end_order(&mut self) {
        if let Some(order) = self.order.take() {
            let above_mid = order.farthest.0.saturating_mul(2).saturating_sub(order.mid_half_ticks);
            let depth = above_mid * order.aggressor.sign();
            self.tallies[order.aggressor.opposite().index()].on_order(depth);
        }
    }

    fn finish(mut self, instrument: &Instrument, lines: u64, window: usize) -> Calibration {
        self.end_order();
        let seconds = self.last.since(self.first).as_seconds();
        let half_tick = instrument.tick_f64() * 0.5;
        let watched = self.tallies[0].seconds();
        let side = |side: Side| SideReport::of(&self.tallies[side.index()], self.prints[side.index()]);
        self.notes.sort_unstable_by(f64::total_cmp);
        let at_share = |share: f64| {
            let last = self.notes.len().checked_sub(1)?;
            self.notes.get((share * last as f64) as usize).copied()
        };
        let volatility = VolatilityReport {
            realised: (watched > 0.0).then(|| half_tick * (self.squares / watched).sqrt()),
            rolling: RollingReport {
                window,
                last: self.rolling.sigma(),
                low: at_share(0.05),
                median: at_share(0.5),
                high: at_share(0.95),
                notes: self.notes.len(),
            },
            pre_averaged: self.noise.estimate().map(|estimate| {
                let (low, high) = estimate.interval_95();
                let (value, standard_error, noise) = (estimate.sigma, estimate.standard_error, estimate.noise);
                PreAveragedReport { value, standard_error, low, high, noise, mids: estimate.samples }
            }),
        };
        Calibration {
            symbol: instrument.symbol().to_string(),
            tick_price: instrument.tick_f64(),
            seconds,
            lines,
            changed_mids: self.changed_mids,
            volatility,
            bid: side(Side::Buy),
            ask: side(Side::Sell),
            left_out: self.left_out,
        }
    }
}
