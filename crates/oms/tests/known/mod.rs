//! One order as a naive model keeps it: the state before a request is remembered, lots are numbered one by one.
use std::collections::BTreeSet;

use fafnir_oms::GAPS_MAX;
use types::OrderEventKind as Kind;
use types::OrderState as State;
use types::{Code, OrderEvent, Side};

#[derive(Clone, Debug)]
pub struct Known {
    pub instrument: u16,
    pub side: Side,
    pub price: i64,
    pub quantity: i64,
    pub filled: i64,
    pub client: u64,
    pub state: State,
    pub before_cancel: State,
    pub acknowledged: bool,
    pub cancel: Option<u32>,
    pub replace: Option<(u32, i64, i64)>,
    pub current: u32,
    /// Numbers of the lots that fills have overtaken and that are waited for.
    pub awaited: BTreeSet<i64>,
    pub booked: i64,
}

impl Known {
    pub fn working(&self) -> State {
        if self.filled >= self.quantity {
            State::Filled
        } else if self.filled > 0 {
            State::PartiallyFilled
        } else {
            State::Live
        }
    }
    pub fn open_lots(&self) -> i64 {
        if !self.state.is_open() {
            return 0;
        }
        let asked = self.replace.map_or(0, |(_, _, quantity)| quantity);
        (self.quantity.max(asked) - self.filled).max(0)
    }
    /// What a report does: the state and facts after it, or why it is refused.
    pub fn take(&mut self, report: &OrderEvent) -> Result<Option<Code>, Code> {
        let open = self.state.is_open();
        let (known, before) = (self.filled, self.clone());
        if report.kind() != Some(Kind::Fill) && report.filled.0 > known {
            self.await_lots(report.filled.0);
        }
        let answered = self.answer(report, open);
        match answered {
            Err(code) => {
                *self = before;
                Err(code)
            }
            Ok(None) => {
                let ends = !matches!(report.kind(), Some(Kind::Cancelled | Kind::Expired | Kind::Rejected));
                if ends && open && self.filled >= self.quantity {
                    self.state = State::Filled;
                }
                Ok((report.kind() != Some(Kind::Fill) && report.filled.0 > known).then_some(Code::MissedReport))
            }
            Ok(anomaly) => Ok(anomaly),
        }
    }
    /// Everything up to here is counted by the venue.
    fn await_lots(&mut self, end: i64) {
        self.awaited.extend(self.filled + 1..=end);
        self.filled = end;
        let runs = self.awaited.iter().filter(|&&lot| !self.awaited.contains(&(lot - 1))).count();
        if runs > GAPS_MAX {
            let first = *self.awaited.first().unwrap();
            let last = (first..).find(|lot| !self.awaited.contains(&(lot + 1))).unwrap();
            self.awaited.retain(|&lot| lot > last);
        }
    }
    fn answer(&mut self, report: &OrderEvent, open: bool) -> Result<Option<Code>, Code> {
        match report.kind().unwrap() {
            Kind::Accepted => {
                if self.acknowledged || self.state == State::Rejected {
                    return Err(Code::IllegalTransition);
                }
                self.acknowledged = true;
                if self.state == State::PendingNew {
                    self.state = self.working();
                }
                if self.before_cancel == State::PendingNew {
                    self.before_cancel = self.working();
                }
            }
            Kind::Rejected => {
                if self.acknowledged || !open {
                    return Err(Code::IllegalTransition);
                }
                (self.acknowledged, self.state) = (true, State::Rejected);
            }
            Kind::Cancelled if open => (self.cancel, self.state) = (None, State::Cancelled),
            Kind::Expired if open => self.state = State::Expired,
            Kind::Replaced if open => {
                let (request, price, quantity) = self.replace.take().ok_or(Code::IllegalTransition)?;
                (self.current, self.price, self.quantity) = (request, price, quantity);
                self.before_cancel = self.working();
                if self.state == State::PendingReplace || self.working() == State::Filled {
                    self.state = self.working();
                }
            }
            Kind::ReplaceRejected => {
                self.replace.take().ok_or(Code::IllegalTransition)?;
                self.before_cancel = self.working();
                if self.state == State::PendingReplace {
                    self.state = self.working();
                }
            }
            Kind::CancelRejected => {
                self.cancel.take().ok_or(Code::IllegalTransition)?;
                if open {
                    let pending = matches!(self.before_cancel, State::PendingNew | State::PendingReplace);
                    self.state = if pending { self.before_cancel } else { self.working() };
                }
            }
            Kind::Fill => return self.take_fill(report),
            _ => return Err(Code::IllegalTransition),
        }
        Ok(None)
    }
    fn take_fill(&mut self, report: &OrderEvent) -> Result<Option<Code>, Code> {
        let end = if report.filled.0 == 0 { self.filled + report.last_lots.0 } else { report.filled.0 };
        let start = end - report.last_lots.0;
        if start < 0 {
            return Err(Code::ReportMalformed);
        }
        let awaited = (start + 1..=end).filter(|lot| self.awaited.contains(lot)).count() as i64;
        let overtaken = end <= self.filled;
        if overtaken && awaited == 0 {
            return Err(Code::DuplicateReport);
        }
        if overtaken && awaited < end - start || !overtaken && start < self.filled {
            return Err(Code::ReportMalformed);
        }
        let replaced = self.state.is_open() && self.replace.is_some_and(|asked| asked.0 == report.request);
        if replaced {
            (self.current, self.price, self.quantity) = self.replace.take().unwrap();
        }
        let missed = start > self.filled || replaced;
        self.awaited.retain(|&lot| lot <= start || lot > end);
        self.awaited.extend(self.filled + 1..=start);
        let runs = self.awaited.iter().filter(|&&lot| !self.awaited.contains(&(lot - 1))).count();
        if runs > GAPS_MAX {
            let first = *self.awaited.first().unwrap();
            let last = (first..).find(|lot| !self.awaited.contains(&(lot + 1))).unwrap();
            self.awaited.retain(|&lot| lot > last);
        }
        self.booked += end - start;
        self.filled = self.filled.max(end);
        let late = !self.state.is_open();
        if replaced {
            self.before_cancel = self.working();
        }
        if !late && self.filled >= self.quantity {
            self.state = State::Filled;
        } else if replaced && self.state == State::PendingReplace {
            self.state = self.working();
        } else if self.state == State::Live {
            self.state = State::PartiallyFilled;
        }
        Ok(if end > self.quantity {
            Some(Code::Overfill)
        } else if late && !overtaken {
            Some(Code::IllegalTransition)
        } else {
            missed.then_some(Code::MissedReport)
        })
    }
    /// What a statement does: lots recovered and the anomaly. Requests below `settled` are answered by it.
    pub fn take_status(&mut self, report: &OrderEvent, settled: u32, id: u32) -> Result<(i64, Option<Code>), Code> {
        let (open, stated) = (self.state.is_open(), State::from_u8(report.state).unwrap());
        let unknown = report.reason == Code::VenueUnknownOrder as u16;
        if unknown && !self.acknowledged && id >= settled {
            return Err(Code::IllegalTransition);
        }
        let mut anomaly = None;
        if open && !unknown {
            if let Some((request, price, quantity)) = self.replace.filter(|asked| asked.0 < settled) {
                let named = report.request == request;
                let its_terms = (report.price.0, report.quantity.0) == (price, quantity);
                if named || its_terms && (price, quantity) != (self.price, self.quantity) {
                    (self.price, self.quantity, self.current) = (price, quantity, request);
                }
                self.replace = None;
            }
            if report.price.0 != 0 {
                (self.price, self.quantity) = (report.price.0, report.quantity.0);
            }
            self.acknowledged |= id < settled;
            self.cancel = self.cancel.filter(|&cancel| cancel >= settled);
        }
        let recovered = if report.filled.0 >= self.filled { report.filled.0 - self.booked } else { 0 };
        if recovered > 0 {
            self.awaited.clear();
            self.booked += recovered;
            anomaly = Some(Code::FillRecovered);
        } else if unknown && open {
            anomaly = Some(Code::OrderLost);
        } else if !open && stated.is_open() {
            anomaly = Some(Code::IllegalTransition);
        }
        self.filled = self.filled.max(report.filled.0);
        if open {
            let pending = match self.replace {
                _ if !self.acknowledged => State::PendingNew,
                Some(_) => State::PendingReplace,
                None => self.working(),
            };
            self.before_cancel = pending;
            self.state = match (stated.is_open(), self.working(), self.cancel) {
                (false, ..) => stated,
                (true, State::Filled, _) => State::Filled,
                (true, _, Some(_)) => State::PendingCancel,
                _ => pending,
            };
        }
        Ok((recovered, anomaly))
    }
}
