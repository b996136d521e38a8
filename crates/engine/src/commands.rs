//! # Room card: engine/commands
//! In:    a strategy's command bytes.
//! Out:   orders placed, cancelled, replaced; timers set; quoter parameters changed as a set.
//! Holds: a malformed or refused command leaves one named event and changes nothing else.
//! Costs: decoding is a few loads; the rest is the order path. Parameter changes parse JSON and may allocate (cold).
use oms::OrderSpec;
use quote::{AskedQuotes, Signals};
use types::command::{ALL_INSTRUMENTS, PUBLISHED_DRIFT, PUBLISHED_FAIR_VALUE, PUBLISHED_TOXICITY};
use types::config::QuoterConfig;
use types::limits::COMMAND_BYTES_MAX;
use types::{
    AlgoId, ClientId, Code, Command, CommandKind, Effects, Event, EventKind, InstrumentId, LimitBreach, Lots,
    OrderEvent, OrderEventKind, OrderId, Parameter, ParameterFault, Reject, Side, Ticks, TimerId, TraderId, UnixNanos,
};

use crate::Engine;
use crate::send::CancelScope;
use crate::signals::QuoterSignals;

const NO_QUOTER: ParameterFault = ParameterFault::new(Parameter::INSTRUMENT, LimitBreach::Unsound);

impl Engine {
    pub(crate) fn on_command(&mut self, producer: u16, bytes: &[u8], now: UnixNanos, effects: &mut Effects) {
        let decoded = if bytes.len() > COMMAND_BYTES_MAX { Err(Code::InputTooLarge) } else { Command::decode(bytes) };
        let (kind, command, text) = match decoded {
            Ok(decoded) => decoded,
            Err(code) => return self.fault(code, InstrumentId(0), now, effects),
        };
        let instrument = InstrumentId(command.instrument);
        let everything = command.flags & ALL_INSTRUMENTS != 0;
        // The rest are about an order, a timer or everything: a wrong instrument must not hold a cancel back.
        let needs_instrument = match kind {
            CommandKind::Place | CommandKind::SetQuoter | CommandKind::Publish | CommandKind::Quote => true,
            CommandKind::CancelAll => !everything,
            CommandKind::Cancel | CommandKind::Replace | CommandKind::SetTimer | CommandKind::StrategyFault => false,
        };
        if needs_instrument && instrument.index() >= self.markets.len() {
            return self.fault(Code::UnknownInstrument, InstrumentId(0), now, effects);
        }
        match kind {
            CommandKind::Place => self.command_place(producer, &command, now, effects),
            CommandKind::Cancel => self.command_cancel(&command, now, effects),
            CommandKind::Replace => self.command_replace(producer, &command, now, effects),
            CommandKind::CancelAll => {
                let scope = if everything { CancelScope::Everything } else { CancelScope::Instrument(instrument) };
                self.cancel_all(scope, now, effects);
            }
            CommandKind::SetTimer if command.id >= TimerId::FIRST_USER.0 => {
                effects.timer(TimerId(command.id), UnixNanos(command.at.max(now.0)));
            }
            CommandKind::SetTimer => self.fault(Code::CommandMalformed, InstrumentId(0), now, effects),
            CommandKind::SetQuoter => self.command_set_quoter(instrument, text, now, effects),
            CommandKind::Publish => self.command_publish(instrument, &command, now, effects),
            CommandKind::Quote => self.command_quote(producer, instrument, &command, now, effects),
            CommandKind::StrategyFault => {
                self.halted.insert(producer);
                self.withdraw_asked(producer);
                self.trading_halted(Code::StrategyHalted, producer as u64, now, effects);
                self.cancel_all(CancelScope::Failed, now, effects);
            }
        }
    }

    fn command_place(&mut self, producer: u16, command: &Command, now: UnixNanos, effects: &mut Effects) {
        let Some(side) = Side::from_u8(command.side) else { return };
        if ClientId(command.client_id).producer() != producer as u64 {
            return self.fault(Code::CommandMalformed, InstrumentId(0), now, effects);
        }
        let spec = OrderSpec {
            instrument: InstrumentId(command.instrument),
            side,
            price: Ticks(command.price),
            quantity: Lots(command.quantity),
            flags: command.flags,
            client_id: ClientId(command.client_id),
            algo_id: AlgoId(command.algo_id),
            trader_id: TraderId(command.trader_id),
        };
        let outcome = match self.strategy_gate(producer) {
            Ok(()) => self.place(&spec, now, effects).map(|_| ()),
            Err(reject) => Err(reject),
        };
        match outcome {
            // The native quotes of the instrument share its inventory limit.
            Ok(()) => self.mark(spec.instrument),
            Err(reject) => {
                let mut event = refusal(command, spec.instrument, side, OrderId::NONE);
                (event.price, event.quantity) = (spec.price, spec.quantity);
                self.refuse(&reject, event, now, effects);
            }
        }
    }

    fn command_cancel(&mut self, command: &Command, now: UnixNanos, effects: &mut Effects) {
        let outcome = match self.orders.find_client(ClientId(command.client_id)) {
            Some(id) => self.cancel(id, now, effects),
            None => Err(Code::UnknownOrder),
        };
        if let Err(code) = outcome {
            let event = self.refusal_of(command);
            self.refuse(&Reject { code, limit: 0, used: 0, asked: 0 }, event, now, effects);
        }
    }

    fn command_replace(&mut self, producer: u16, command: &Command, now: UnixNanos, effects: &mut Effects) {
        let outcome = match (self.strategy_gate(producer), self.orders.find_client(ClientId(command.client_id))) {
            (Err(reject), _) => Err(reject),
            (Ok(()), Some(id)) => {
                let replaced = self.replace(id, Ticks(command.price), Lots(command.quantity), now, effects);
                replaced.map(|instrument| self.mark(instrument))
            }
            (Ok(()), None) => Err(Reject { code: Code::UnknownOrder, limit: 0, used: 0, asked: command.quantity }),
        };
        if let Err(reject) = outcome {
            let mut event = self.refusal_of(command);
            (event.price, event.quantity) = (Ticks(command.price), Lots(command.quantity));
            self.refuse(&reject, event, now, effects);
        }
    }

    fn strategy_gate(&self, producer: u16) -> Result<(), Reject> {
        let halted = Reject { code: Code::StrategyHalted, limit: 0, used: 0, asked: 1 };
        if self.halted.contains(producer as u64) { Err(halted) } else { Ok(()) }
    }

    /// A refusal event about the order a command names, as far as it is known.
    fn refusal_of(&self, command: &Command) -> OrderEvent {
        let known = self.orders.find_client(ClientId(command.client_id)).and_then(|id| self.orders.order(id));
        match known {
            Some(order) => {
                let mut event = refusal(command, order.instrument, order.side, order.id);
                (event.state, event.price, event.quantity) = (order.state as u8, order.price, order.quantity);
                event.filled = order.filled;
                event
            }
            None => {
                let known = (command.instrument as usize) < self.markets.len();
                let instrument = InstrumentId(if known { command.instrument } else { 0 });
                refusal(command, instrument, Side::from_u8(command.side).unwrap_or(Side::Buy), OrderId::NONE)
            }
        }
    }

    fn command_set_quoter(&mut self, instrument: InstrumentId, text: &[u8], now: UnixNanos, effects: &mut Effects) {
        let unread = ParameterFault::new(Parameter::SET, LimitBreach::Unsound);
        let parsed = core::str::from_utf8(text).map_err(|_| unread).and_then(|text| {
            QuoterConfig::from_json(text, &self.setup.instruments[instrument.index()])
                .map_err(|fault| fault.parameter())
        });
        let market = &mut self.markets[instrument.index()];
        let outcome = match (parsed, market.quoter.as_mut()) {
            (Ok(params), Some(quoter)) => {
                market.signals = QuoterSignals::for_params(&params, market.signals.take());
                quoter.set_params(params);
                Ok(())
            }
            (Ok(_), None) => Err(NO_QUOTER),
            (Err(fault), _) => Err(fault),
        };
        self.parameters_taken(outcome, instrument, now, effects);
    }

    /// What was set rules at the end of the turn; what was refused is said, with the parameter and its limit.
    fn parameters_taken(
        &mut self,
        outcome: Result<(), ParameterFault>,
        instrument: InstrumentId,
        now: UnixNanos,
        effects: &mut Effects,
    ) {
        let Err(ParameterFault { parameter, breach }) = outcome else { return self.mark(instrument) };
        let code = Code::ParameterOutOfRange;
        self.counts.faults.add(code);
        let mut event = Event::new(EventKind::Fault, instrument);
        (event.code, event.id) = (code as u16, self.counts.faults.of(code));
        (event.detail, event.quantity) = (breach.number(), Lots(i64::from(parameter.0)));
        event.price = Ticks(breach.limit().map_or(0, |limit| limit.to_bits() as i64));
        self.publish(event, now, effects);
    }

    fn command_publish(&mut self, instrument: InstrumentId, command: &Command, now: UnixNanos, effects: &mut Effects) {
        let given = |flag: u8, bits: u64| (command.flags & flag != 0).then(|| f64::from_bits(bits));
        let signals = Signals {
            fair_value_price: given(PUBLISHED_FAIR_VALUE, command.price as u64),
            drift_price_per_second: given(PUBLISHED_DRIFT, command.quantity as u64),
            toxicity: given(PUBLISHED_TOXICITY, command.id),
        };
        let quoter = self.markets[instrument.index()].quoter.as_mut();
        let outcome = quoter.map_or(Err(NO_QUOTER), |quoter| quoter.publish(&signals, now));
        self.parameters_taken(outcome, instrument, now, effects);
    }

    fn command_quote(
        &mut self,
        producer: u16,
        instrument: InstrumentId,
        command: &Command,
        now: UnixNanos,
        effects: &mut Effects,
    ) {
        if let Err(reject) = self.strategy_gate(producer) {
            let event = refusal(command, instrument, Side::Buy, OrderId::NONE);
            return self.refuse(&reject, event, now, effects);
        }
        let given = |flag: u8, bits: i64| (command.flags & flag != 0).then(|| f64::from_bits(bits as u64));
        let prices = [given(Side::Buy as u8, command.price), given(Side::Sell as u8, command.quantity)];
        let lots = [Lots(command.client_id as i64), Lots(command.id as i64)];
        let asked = (prices != [None; 2]).then_some(AskedQuotes { prices, lots });
        let market = &mut self.markets[instrument.index()];
        let outcome = market.quoter.as_mut().map_or(Err(NO_QUOTER), |quoter| quoter.ask(asked));
        if outcome.is_ok() {
            market.asked_by = asked.map(|_| producer);
        }
        self.parameters_taken(outcome, instrument, now, effects);
    }

    /// The quotes that a failed strategy asked for go with it.
    fn withdraw_asked(&mut self, producer: u16) {
        for market in self.markets.iter_mut().filter(|market| market.asked_by == Some(producer)) {
            market.asked_by = None;
            if let Some(quoter) = market.quoter.as_mut() {
                let _ = quoter.ask(None);
            }
            self.dirty = crate::Dirty::All;
        }
    }
}

fn refusal(command: &Command, instrument: InstrumentId, side: Side, id: OrderId) -> OrderEvent {
    let mut event = OrderEvent::new(OrderEventKind::Refused, instrument, side, id);
    (event.client_id, event.flags) = (command.client_id, command.flags);
    (event.algo_id, event.trader_id) = (command.algo_id, command.trader_id);
    event
}
