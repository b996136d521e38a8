//! # Room card: backtest/calibrate
//! In:    a recording with trades and touches.
//! Out:   `Calibration`: σ of the mid, A and κ of each side with intervals and goodness of fit, and what was left out.
//! Holds: depths count from the mid just before the order; prints of one order are one order; every omission counted.
//! Costs: reading and decoding; memory bounded by the named constants.
//!
//! How orders are told from prints, and which mid they count from: `quote::calibrate::DepthWatch`.
use std::path::Path;

use book::{MarketBook, Rule};
use driver::Recording;
use quote::calibrate::{DepthWatch, LEVELS_MAX};
use serde::Deserialize;
use signal::{PreAveragedVolatility, RollingVolatility};
use types::config::{BacktestConfig, SourceConfig, VolatilityParams};
use types::{Code, Fault, Instrument, Side, UnixNanos};
use wire::json::FeedMessage;

use crate::calibration_report::{Calibration, LeftOut, PreAveragedReport, RollingReport, SideReport, VolatilityReport};

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

struct Reading {
    book: MarketBook,
    watch: DepthWatch,
    /// By `Side::index` of our quote that they fill.
    prints: [u64; 2],
    rolling: RollingVolatility,
    noise: PreAveragedVolatility,
    notes: Vec<f64>,
    next_note: UnixNanos,
    left_out: LeftOut,
    first: UnixNanos,
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
        let watch = DepthWatch::new(tick, options.levels as usize, i64::from(options.nearest_half_ticks));
        Ok(Reading {
            book: MarketBook::new(rule),
            watch: watch.map_err(|refusal| refusal.to_fault())?,
            prints: [0; 2],
            rolling,
            noise: PreAveragedVolatility::new(NOISE_WINDOW, NOISE_HALF_SPAN, tick)?,
            notes: Vec::new(),
            next_note: UnixNanos(0),
            left_out: LeftOut::default(),
            first: UnixNanos::NONE,
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
            Ok(FeedMessage::Trade(print)) => {
                self.prints[print.aggressor.opposite().index()] += 1;
                return self.watch.on_trade(print);
            }
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

    fn pass_time(&mut self, at: UnixNanos) {
        self.watch.pass_time(at);
        if let (Some(sigma), true) = (self.rolling.sigma(), at >= self.next_note && self.notes.len() < NOTES_MAX) {
            self.notes.push(sigma);
            self.next_note = UnixNanos(at.0.saturating_add(types::time::NANOS_PER_SECOND));
        }
    }

    fn after_touch(&mut self, at: UnixNanos) {
        let seen = self.book.touch();
        let stamp = seen.as_ref().map_or(UnixNanos::NONE, |seen| seen.exchange_time);
        let Some(mid) = self.watch.on_touch(seen.as_ref().map(|seen| &seen.touch), stamp) else { return };
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

    fn finish(mut self, instrument: &Instrument, lines: u64, window: usize) -> Calibration {
        self.watch.end_order();
        let seconds = self.watch.last().since(self.first).as_seconds();
        let half_tick = instrument.tick_f64() * 0.5;
        let watched = self.watch.tally(Side::Buy).seconds();
        let side = |side: Side| SideReport::of(self.watch.tally(side), self.prints[side.index()]);
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
        let unwatched = *self.watch.unwatched();
        Calibration {
            symbol: instrument.symbol().to_string(),
            tick_price: instrument.tick_f64(),
            seconds,
            lines,
            changed_mids: self.changed_mids,
            volatility,
            bid: side(Side::Buy),
            ask: side(Side::Sell),
            left_out: LeftOut {
                gaps: unwatched.gaps,
                gap_seconds: unwatched.gap_seconds,
                seconds_without_touch: unwatched.seconds_without_touch,
                prints_without_mid: unwatched.prints_without_mid,
                ..self.left_out
            },
        }
    }
}
