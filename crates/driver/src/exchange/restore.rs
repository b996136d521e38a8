//! # Room card: driver/exchange/restore
//! In:    the ledger of an earlier life of this exchange.
//! Out:   sessions with their numbers and kept messages, accounts, known orders; the end of those left open.
//! Holds: what was written is what happened: nothing else of the earlier life is used.
//! Costs: one pass over the file.
use types::{Code, Fault, InstrumentId, Lots, OrderEvent, OrderEventKind, OrderId, Ticks};

use super::acceptor::{Acceptor, At};
use super::ledger::{self, Asked, LedgerLine, ReportLine, Reported, RequestLine};
use super::market::{RestoredFill, Rooms};

const fn kind_of(reported: Reported) -> OrderEventKind {
    match reported {
        Reported::Accepted => OrderEventKind::Accepted,
        Reported::Rejected => OrderEventKind::Rejected,
        Reported::Fill => OrderEventKind::Fill,
        Reported::Cancelled => OrderEventKind::Cancelled,
        Reported::Replaced => OrderEventKind::Replaced,
        Reported::CancelRejected => OrderEventKind::CancelRejected,
        Reported::ReplaceRejected => OrderEventKind::ReplaceRejected,
        Reported::Expired => OrderEventKind::Expired,
    }
}

impl Acceptor {
    /// Takes up an earlier life. `LEDGER_DAMAGED` names the line that makes no sense.
    pub(crate) fn restore(&mut self, bytes: &[u8], rooms: &mut dyn Rooms) -> Result<(), Fault> {
        let mut numbers: Vec<(u64, u64)> = Vec::new();
        ledger::read(bytes, |line| {
            match line {
                LedgerLine::Open { name, .. } if name == self.name => {}
                LedgerLine::Open { .. } => return Err(Code::ConfigInvalid),
                LedgerLine::Session { session, client } => {
                    self.add_seat(session, client.as_bytes()).ok_or(Code::FixFieldInvalid)?;
                    numbers.push((1, 1));
                }
                LedgerLine::Request(request) => {
                    let seat = self.seat_of(request.session)?;
                    numbers[seat].0 = numbers[seat].0.max(request.next_in);
                    self.restore_request(seat, &request)?;
                }
                LedgerLine::Report(report) => {
                    let seat = self.seat_of(report.session)?;
                    numbers[seat].1 = numbers[seat].1.max(report.sequence + 1);
                    self.restore_report(seat, &report, rooms)?;
                }
                LedgerLine::Sequence { session, next_in, next_out } => {
                    numbers[self.seat_of(session)?] = (next_in, next_out);
                }
                LedgerLine::Reset { session } => {
                    let seat = self.seat_of(session)?;
                    self.seats[seat].kept.clear();
                    numbers[seat] = (1, 1);
                }
            }
            Ok(())
        })?;
        for (own, &(next_in, next_out)) in self.seats.iter_mut().zip(&numbers) {
            own.session.restore(next_in, next_out);
            own.noted = (next_in, next_out);
        }
        Ok(())
    }

    fn seat_of(&self, session: u32) -> Result<usize, Code> {
        let seat = (session as usize).wrapping_sub(1);
        if seat < self.seats.len() { Ok(seat) } else { Err(Code::UnknownOrder) }
    }

    fn instrument_of(&self, symbol: Option<&str>) -> Result<InstrumentId, Code> {
        let known = self.instruments.iter().find(|known| Some(known.symbol()) == symbol);
        known.map(|known| known.id).ok_or(Code::UnknownInstrument)
    }

    fn restore_request(&mut self, seat: usize, line: &RequestLine<'_>) -> Result<(), Code> {
        if line.order == 0 {
            return Ok(());
        }
        match line.asked {
            Asked::New => {
                let side = super::desk::side_of(line.side).ok_or(Code::ReportMalformed)?;
                let instrument = self.instrument_of(line.symbol.as_deref())?;
                let mut request = OrderEvent::new(OrderEventKind::New, instrument, side, OrderId(line.order));
                (request.price, request.quantity, request.flags) = (Ticks(line.price), Lots(line.lots), line.flags);
                self.orders.add(seat, line.id.as_bytes(), &request, side);
                self.seats[seat].saw_order(line.order);
            }
            Asked::Cancel | Asked::Replace => {
                if let Some(slot) = self.orders.find_open(line.order) {
                    self.orders.name(seat, line.id.as_bytes(), slot);
                }
            }
            Asked::MassCancel | Asked::Status | Asked::Positions => {}
        }
        Ok(())
    }

    fn restore_report(&mut self, seat: usize, line: &ReportLine<'_>, rooms: &mut dyn Rooms) -> Result<(), Code> {
        self.reports += 1;
        if line.sequence > 0 {
            self.seats[seat].kept.keep(line.sequence, line.fix.as_bytes());
        }
        let Some(slot) = self.orders.find_open(line.order) else { return Ok(()) };
        let Some(order) = self.orders.get(slot) else { return Ok(()) };
        let mut event = OrderEvent::new(kind_of(line.reported), order.instrument, order.side, OrderId(line.order));
        (event.price, event.quantity, event.filled) = (Ticks(line.price), Lots(line.lots), Lots(line.filled));
        (event.last_price, event.last_lots) = (Ticks(line.last_price), Lots(line.last_lots));
        if line.reported == Reported::Fill {
            self.fills += 1;
            let fill = RestoredFill {
                instrument: order.instrument,
                side: order.side,
                price: event.last_price,
                lots: event.last_lots,
                fee: line.fee,
            };
            rooms.restore_fill(line.session, &fill)?;
        }
        self.orders.apply(slot, &event, Some(line.id.as_bytes()));
        Ok(())
    }

    /// Ends the orders that were open when the earlier life ended: the venue rooms know them no more. Each is reported
    /// under its session's next number, so that the client gets it with the resend after its next logon.
    pub(crate) fn cancel_left_open(&mut self, at: At) {
        let mut found = Vec::new();
        for seat in 0..self.seats.len() {
            self.orders.open_of(seat, None, &mut found);
            let mut reports = Vec::with_capacity(found.len());
            for &(_, slot) in &found {
                let Some(order) = self.orders.get(slot) else { continue };
                let mut event =
                    OrderEvent::new(OrderEventKind::Cancelled, order.instrument, order.side, OrderId(order.order_id));
                (event.price, event.quantity, event.filled) = (order.price, order.quantity, order.filled);
                (event.flags, event.time) = (order.flags, at.market);
                reports.push(event);
            }
            self.book_all(&mut reports, at);
        }
    }
}
