//! # Room card: driver/latest
//! In:    published events and order events; the state of a recovered engine.
//! Out:   the newest state of every instrument and of the engine, in registers any thread may read.
//! Holds: what a turn changed is shown at its end, all of one instrument at once; nothing here touches the engine.
//! Costs: a few stores per event, one copy of 120 bytes per instrument a turn changed.
use engine::Engine;
use ring::{Region, RegionError, RegistersWriter};
use types::{Code, Event, EventKind, InstrumentId, Latest, Lots, OrderEvent, OrderEventKind, Side, UnixNanos};
use zerocopy::{FromZeros, IntoBytes};

/// Register of the engine as a whole; those of the instruments follow by id.
const ENGINE: usize = 0;

/// The registers and the states that are written into them.
pub(crate) struct Board {
    registers: RegistersWriter,
    states: Box<[Latest]>,
    /// Registers whose state changed since the last publish; each once.
    changed: Vec<u16>,
    is_changed: Box<[bool]>,
}

impl Board {
    /// Formats the region. The registers for `instruments` instruments must fit.
    pub(crate) fn create(region: Region, instruments: usize) -> Result<Board, RegionError> {
        let registers = RegistersWriter::create(region)?;
        let count = instruments + 1;
        Ok(Board {
            registers,
            states: vec![Latest::new_zeroed(); count].into_boxed_slice(),
            changed: Vec::with_capacity(count),
            is_changed: vec![false; count].into_boxed_slice(),
        })
    }
    /// Bytes of the region behind the control block.
    pub(crate) fn capacity_bytes(instruments: usize) -> usize {
        ring::registers::capacity_bytes(instruments + 1)
    }

    #[inline]
    fn mark(&mut self, register: usize, sequence: u64, time: UnixNanos) -> Option<&mut Latest> {
        let state = self.states.get_mut(register)?;
        (state.sequence, state.time) = (sequence, time);
        if !self.is_changed[register] {
            self.is_changed[register] = true;
            self.changed.push(register as u16);
        }
        Some(state)
    }

    /// Takes in a published event.
    #[inline]
    pub(crate) fn event(&mut self, event: &Event) {
        let Some(kind) = event.kind() else { return };
        let register = match kind {
            EventKind::Touch | EventKind::Trade | EventKind::BookState | EventKind::Volatility => {
                event.instrument as usize + 1
            }
            // Of one strategy, not of the engine.
            EventKind::Trading if event.code == Code::StrategyHalted as u16 => return,
            EventKind::Trading => ENGINE,
            _ => return,
        };
        let Some(state) = self.mark(register, event.sequence, event.time) else { return };
        match kind {
            EventKind::Touch if event.side == Side::Buy as u8 => {
                (state.bid, state.bid_lots) = (event.price, event.quantity);
            }
            EventKind::Touch => (state.ask, state.ask_lots) = (event.price, event.quantity),
            EventKind::Trade => {
                (state.trade_price, state.trade_lots, state.trade_side) = (event.price, event.quantity, event.side);
                (state.trade_id, state.trade_time) = (event.id, event.time);
            }
            EventKind::BookState => (state.valid, state.code) = (event.detail, event.code),
            EventKind::Volatility => {
                (state.sigma_bits, state.samples) = (event.price.0 as u64, event.quantity.0 as u64);
                state.full = event.detail;
            }
            _ => (state.trading, state.code) = (event.detail, event.code),
        }
    }

    /// Takes in a published order event: fills and statements of the position.
    #[inline]
    pub(crate) fn order(&mut self, event: &OrderEvent) {
        let (register, time) = (event.instrument as usize + 1, event.time);
        match event.kind() {
            Some(OrderEventKind::Fill) => {
                let sign = event.side().map_or(0, Side::sign);
                let Some(state) = self.mark(register, event.sequence, time) else { return };
                state.position = Lots(state.position.0.saturating_add(event.last_lots.0.saturating_mul(sign)));
            }
            Some(OrderEventKind::Position) if event.reason != Code::PositionMismatch as u16 => {
                let Some(state) = self.mark(register, event.sequence, time) else { return };
                state.position = event.last_lots;
            }
            _ => {}
        }
    }

    /// Shows the state of an engine that did not begin with this process. Cold path.
    pub(crate) fn seed(&mut self, engine: &Engine, now: UnixNanos) {
        for i in 0..self.states.len() - 1 {
            let id = InstrumentId(i as u16);
            let (touch, valid) = (engine.touch(id), engine.book_valid(id));
            let (position, sigma) = (engine.orders().position(id).lots, engine.sigma(id));
            let Some(state) = self.mark(i + 1, 0, now) else { continue };
            if let Some(touch) = touch {
                (state.bid, state.bid_lots, state.ask, state.ask_lots) =
                    (touch.bid, touch.bid_lots, touch.ask, touch.ask_lots);
            }
            (state.position, state.valid) = (position, valid as u8);
            (state.sigma_bits, state.full) = (sigma.unwrap_or(0.0).to_bits(), sigma.is_some() as u8);
        }
        if let Some(state) = self.mark(ENGINE, 0, now) {
            state.trading = engine.is_killed() as u8;
        }
        self.publish();
    }

    /// Says that nothing comes any more.
    pub(crate) fn close(&mut self, now: UnixNanos) {
        let sequence = self.states.first().map_or(0, |state| state.sequence);
        if let Some(state) = self.mark(ENGINE, sequence, now) {
            state.closed = 1;
        }
        self.publish();
    }

    /// Shows what changed.
    #[inline]
    pub(crate) fn publish(&mut self) {
        for &register in &self.changed {
            let register = register as usize;
            self.is_changed[register] = false;
            self.registers.write(register, self.states[register].as_bytes());
        }
        self.changed.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::RegistersReader;
    use ring::registers::STATE_BYTES;
    use types::{OrderId, Ticks};
    use zerocopy::FromBytes;

    #[test]
    fn what_a_turn_changed_is_shown_at_its_end() {
        let region = Region::heap(Board::capacity_bytes(2)).unwrap();
        let mut board = Board::create(region.clone(), 2).unwrap();
        let reader = RegistersReader::attach(region).unwrap();
        let read = |register| {
            let mut bytes = [0; STATE_BYTES];
            assert!(reader.read(register, &mut bytes));
            Latest::read_from_bytes(&bytes).unwrap()
        };
        let event = |kind, side: u8, price: i64, lots: i64, sequence: u64| {
            let mut event = Event::new(kind, InstrumentId(1));
            (event.side, event.price, event.quantity) = (side, Ticks(price), Lots(lots));
            (event.sequence, event.time, event.id, event.detail) = (sequence, UnixNanos(9), 77, 1);
            event
        };
        board.event(&event(EventKind::Touch, 1, 100, 5, 1));
        board.event(&event(EventKind::Touch, 2, 101, 6, 2));
        assert_eq!(read(2), Latest::new_zeroed(), "not yet");
        board.event(&event(EventKind::Trade, 2, 100, 3, 3));
        board.event(&event(EventKind::BookState, 0, 0, 0, 4));
        let mut fill = OrderEvent::new(OrderEventKind::Fill, InstrumentId(1), Side::Sell, OrderId::new(1, 1));
        (fill.last_lots, fill.sequence) = (Lots(4), 5);
        board.order(&fill);
        board.publish();
        let state = read(2);
        assert_eq!((state.bid.0, state.bid_lots.0, state.ask.0, state.ask_lots.0), (100, 5, 101, 6));
        assert_eq!((state.trade_price.0, state.trade_lots.0, state.trade_side, state.trade_id), (100, 3, 2, 77));
        assert_eq!((state.valid, state.position.0, state.sequence), (1, -4, 5));
        assert_eq!((read(0), read(1)), (Latest::new_zeroed(), Latest::new_zeroed()));
        let mut stated = OrderEvent::new(OrderEventKind::Position, InstrumentId(1), Side::Buy, OrderId::NONE);
        (stated.last_lots, stated.reason) = (Lots(9), Code::PositionMismatch as u16);
        board.order(&stated);
        stated.reason = 0;
        stated.instrument = 0;
        board.order(&stated);
        let mut halt = Event::new(EventKind::Trading, InstrumentId(0));
        (halt.detail, halt.code) = (1, Code::StrategyHalted as u16);
        board.event(&halt);
        board.publish();
        assert_eq!((read(2).position.0, read(1).position.0, read(0).trading), (-4, 9, 0));
        halt.code = Code::Killed as u16;
        board.event(&halt);
        board.close(UnixNanos(12));
        assert_eq!((read(0).trading, read(0).code, read(0).closed), (1, Code::Killed as u16, 1));
    }

    #[test]
    fn an_instrument_that_is_none_is_ignored() {
        let region = Region::heap(Board::capacity_bytes(1)).unwrap();
        let mut board = Board::create(region, 1).unwrap();
        board.event(&Event::new(EventKind::Touch, InstrumentId(9)));
        board.publish();
        assert!(board.changed.is_empty());
    }
}
