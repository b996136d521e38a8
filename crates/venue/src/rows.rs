//! # Room card: venue/rows
//! In:    commands as rows of six f64, as another language writes them.
//! Out:   `run_rows`: the same commands through a `MatchingBook`; reports as rows of six f64.
//! Holds: a row that is no command is answered with `CommandMalformed` or `VenueInvalid`; integers are exact to 2^53.
//! Costs: a few nanoseconds a row beside the book's own.
//!
//! A command: rule, side, id, price (ticks), lots, owner. Rule 0 limit, 1 post-only, 2 immediate-or-cancel, 3
//! fill-or-kill, 4 market, 5 cancel, 6 reduce, 7 replace; side 1 buy, 2 sell. What a rule does not need is not read. A
//! report: 0 done, id, code (zero: accepted), filled, resting, ended; 1 trade, taker, maker, price, lots, maker left; 2
//! pulled, taker, maker, price, lots, zero.
use types::{Code, Lots, Side, Ticks};

use crate::matching_book::{MatchCommand, MatchReport, MatchingBook, OrderRule, Reports};

/// Numbers of a row, of commands as of reports.
pub const ROW_CELLS: usize = 6;
/// Largest integer that a cell holds exactly.
const CELL_MAX: f64 = 9_007_199_254_740_992.0;

const RULE_CANCEL: i64 = 5;
const RULE_REDUCE: i64 = 6;
const RULE_REPLACE: i64 = 7;

/// A cell as an integer; zero, which the book refuses, for any other number.
#[inline]
fn whole(cell: f64) -> i64 {
    // `as` saturates, and makes zero of what is no number.
    let integer = cell as i64;
    if integer as f64 == cell && cell.abs() <= CELL_MAX { integer } else { 0 }
}

/// The command of a row; else the report that refuses it.
#[inline]
fn command_of(row: &[f64; ROW_CELLS]) -> Result<MatchCommand, MatchReport> {
    let [rule, side, id, price, lots, owner] = *row;
    let (id, price, lots) = (whole(id).max(0) as u64, Ticks(whole(price)), Lots(whole(lots)));
    let refuse = |code| {
        Err(MatchReport::Done {
            id,
            refused: Some(code),
            filled: Lots(0),
            resting: Lots(0),
            ended: Lots(lots.0.max(0)),
        })
    };
    match if rule == 0.0 { 0 } else { whole(rule) } {
        // A rule that is no number is not the limit order's zero.
        0 if rule != 0.0 => refuse(Code::CommandMalformed),
        RULE_CANCEL => Ok(MatchCommand::Cancel { id }),
        RULE_REDUCE => Ok(MatchCommand::Reduce { id, lots }),
        RULE_REPLACE => Ok(MatchCommand::Replace { id, price, lots }),
        number => {
            let side = if side == 1.0 { Some(Side::Buy) } else { (side == 2.0).then_some(Side::Sell) };
            let rule = u8::try_from(number).ok().and_then(OrderRule::from_u8);
            let (Some(side), Some(rule)) = (side, rule) else { return refuse(Code::CommandMalformed) };
            let named = whole(owner);
            match u32::try_from(named) {
                Ok(number) if number as f64 == owner => {
                    Ok(MatchCommand::Order { id, owner: number, side, rule, price, lots })
                }
                _ => refuse(Code::VenueInvalid),
            }
        }
    }
}

/// A report as a row.
#[inline]
pub fn row_of(report: &MatchReport) -> [f64; ROW_CELLS] {
    match *report {
        MatchReport::Done { id, refused, filled, resting, ended } => {
            let code = refused.map_or(0, |code| code as u16);
            [0.0, id as f64, code as f64, filled.0 as f64, resting.0 as f64, ended.0 as f64]
        }
        MatchReport::Trade { taker, maker, price, lots, maker_left } => {
            [1.0, taker as f64, maker as f64, price.0 as f64, lots.0 as f64, maker_left.0 as f64]
        }
        MatchReport::Pulled { taker, maker, price, lots } => {
            [2.0, taker as f64, maker as f64, price.0 as f64, lots.0 as f64, 0.0]
        }
    }
}

/// Executes rows 0 to `count - 1` in order until all are taken or `reports` is full; how many were taken
/// (`MatchingBook::run`).
pub fn run_rows<R: Reports>(
    book: &mut MatchingBook,
    row: impl Fn(usize) -> [f64; ROW_CELLS],
    count: usize,
    reports: &mut R,
) -> usize {
    book.run(&[], reports);
    if book.is_in_flight() {
        return 0;
    }
    for at in 0..count {
        if reports.room() == 0 {
            return at;
        }
        match command_of(&row(at)) {
            Ok(command) => {
                book.run(&[command], reports);
                if book.is_in_flight() {
                    return at + 1;
                }
            }
            Err(report) => reports.put(report),
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_commands_or_are_refused_by_name() {
        let mut book = MatchingBook::new(8, 8).unwrap();
        let rows = [
            [0.0, 1.0, 1.0, 100.0, 5.0, 0.0],
            [0.0, 1.0, 2.5, 100.0, 5.0, 0.0],
            [0.0, 1.0, 3.0, f64::NAN, 5.0, 0.0],
            [0.0, 1.0, 4.0, 100.0, f64::INFINITY, 0.0],
            [0.0, 1.0, 5.0, 100.0, 5.0, -1.0],
            [0.0, 1.0, 6.0, 100.0, 5.0, 0.5],
            [0.0, 3.0, 7.0, 100.0, 5.0, 0.0],
            [f64::NAN, 1.0, 8.0, 100.0, 5.0, 0.0],
            [0.5, 1.0, 9.0, 100.0, 5.0, 0.0],
            [8.0, 1.0, 10.0, 100.0, 5.0, 0.0],
            [5.0, f64::NAN, -1.0, f64::NAN, f64::NAN, f64::NAN],
            [4.0, 2.0, CELL_MAX, f64::NAN, 2.0, 4_294_967_295.0],
        ];
        let mut reports = Vec::with_capacity(64);
        assert_eq!(run_rows(&mut book, |at| rows[at], rows.len(), &mut reports), rows.len());
        let codes: Vec<_> = reports
            .iter()
            .filter_map(|report| match report {
                MatchReport::Done { refused, .. } => Some(*refused),
                _ => None,
            })
            .collect();
        let (invalid, malformed) = (Some(Code::VenueInvalid), Some(Code::CommandMalformed));
        let unknown = Some(Code::VenueUnknownOrder);
        let expected = [
            None, invalid, invalid, invalid, invalid, invalid, malformed, malformed, malformed, malformed, unknown,
            None,
        ];
        assert_eq!(codes, expected);
        assert_eq!(row_of(&reports[11]), [1.0, CELL_MAX, 1.0, 100.0, 2.0, 3.0]);
        assert_eq!(row_of(&reports[12]), [0.0, CELL_MAX, 0.0, 2.0, 0.0, 0.0]);
        assert_eq!(row_of(&reports[1])[2], Code::VenueInvalid as u16 as f64);
    }
}
