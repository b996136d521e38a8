//! # Room card: types/codes
//! In:    nothing.
//! Out:   `Code`: one number and one name for every reject and fault of the product.
//! Holds: numbers are never reused; names equal in Rust, TypeScript and docs (the table is generated from here).
//! Costs: a u16.

macro_rules! codes {
    ($($number:literal $variant:ident $name:literal $room:literal $doc:literal;)*) => {
        /// A reject or fault. The doc of each says what it means and what the user can do.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u16)]
        pub enum Code { $(#[doc = $doc] $variant = $number,)* }

        impl Code {
            /// Every code, by number.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];
            /// The name users match on.
            pub const fn name(self) -> &'static str { match self { $(Code::$variant => $name,)* } }
            /// The room it comes from.
            pub const fn room(self) -> &'static str { match self { $(Code::$variant => $room,)* } }
            /// What it means.
            pub const fn doc(self) -> &'static str { match self { $(Code::$variant => $doc,)* } }
            /// From a record's number.
            pub const fn from_u16(number: u16) -> Option<Code> { match number { $($number => Some(Code::$variant),)* _ => None } }
        }
    };
}

codes! {
    100 ConfigInvalid "CONFIG_INVALID" "types" "The configuration has an unknown key, a wrong type or a value out of range; fields name path and allowed range.";
    101 CommandMalformed "COMMAND_MALFORMED" "types" "A command's bytes have no known kind, no side or no order reference; it was refused.";
    102 InputTooLarge "INPUT_TOO_LARGE" "types" "One input is longer than the named bound; it was refused whole.";

    103 InputUnexpected "INPUT_UNEXPECTED" "types" "An input does not fit what is configured: an unknown connection or timer, bytes for a venue without a byte format, a pushed touch for a venue with one; it was refused.";

    150 RingInvalid "RING_INVALID" "ring" "The memory holds no ring of the wanted kind and layout version; fields name the word.";
    151 RingCorrupt "RING_CORRUPT" "ring" "A ring holds what no writer writes: something else overwrote its memory; the reader stopped there.";

    200 JsonMalformed "JSON_MALFORMED" "wire" "A market-data message is not the JSON its protocol promises; it was refused whole.";
    201 FieldMissing "FIELD_MISSING" "wire" "A market-data message lacks a field its type needs; it was refused whole.";
    202 OffGrid "OFF_GRID" "wire" "A price or quantity is not a whole number of ticks or lots; the message was refused whole.";
    203 NumberOverflow "NUMBER_OVERFLOW" "wire" "A number does not fit its type; the message was refused whole.";
    204 UnknownSymbol "UNKNOWN_SYMBOL" "wire" "A message is about a symbol the configuration does not have; it was skipped.";
    205 TooManyLevels "TOO_MANY_LEVELS" "wire" "A depth message has more levels than the named bound; it was refused whole.";
    206 FixFieldInvalid "FIX_FIELD_INVALID" "wire" "A value cannot be written into a FIX message (empty, too long, or a control character).";
    207 FixMalformed "FIX_MALFORMED" "wire" "Bytes of a FIX session are no message (begin string, body length or checksum wrong); they were skipped up to the next begin string.";
    208 FixSequence "FIX_SEQUENCE" "wire" "A FIX message's sequence number is lower than expected without PossDupFlag; the session was ended.";
    209 FixRejected "FIX_REJECTED" "wire" "The peer refused a message on session level (35=3 or 35=j); fields name the number and the reason.";
    210 FixLogon "FIX_LOGON" "wire" "A FIX logon was refused or not answered, or a message came before it.";
    211 FixTooLarge "FIX_TOO_LARGE" "wire" "A FIX message is longer than the named bound; the session was ended.";
    212 FixSilent "FIX_SILENT" "wire" "The FIX peer answered no test request in time; the session was ended.";
    213 FixUnsupported "FIX_UNSUPPORTED" "wire" "A FIX message has a type, a required field or a value this side does not take; it was rejected.";
    214 FixNotOpen "FIX_NOT_OPEN" "wire" "An application message cannot be sent while its FIX session is not logged on.";
    220 WsProtocol "WS_PROTOCOL" "wire" "The WebSocket peer broke RFC 6455; the connection was closed with the close code of the breach.";
    221 WsTooLarge "WS_TOO_LARGE" "wire" "A WebSocket message is longer than the named bound; the connection was closed with 1009.";
    222 WsRefused "WS_REFUSED" "wire" "The server did not accept the WebSocket upgrade; fields name the status.";
    223 HttpMalformed "HTTP_MALFORMED" "wire" "An HTTP message cannot be understood, or is longer than the named bound.";
    224 HttpRefused "HTTP_REFUSED" "wire" "An HTTP request was answered with another status than 200; fields name it.";

    300 BookGap "BOOK_GAP" "book" "A depth update does not follow the one before; the book is invalid until the next snapshot joins.";
    301 BookCrossed "BOOK_CROSSED" "book" "Best bid is at or above best ask after an update; the book is invalid until the next snapshot joins.";
    302 BookBufferFull "BOOK_BUFFER_FULL" "book" "More updates arrived before a snapshot than the buffer holds; the oldest were dropped.";
    303 BookFull "BOOK_FULL" "book" "More price levels than the book holds; the book is invalid until the next snapshot joins.";
    304 BookNegative "BOOK_NEGATIVE" "book" "A level's quantity is negative; the message was refused whole.";
    305 BookJoined "BOOK_JOINED" "book" "A snapshot joined the updates; the book is valid.";
    306 BookStart "BOOK_START" "book" "No snapshot yet; updates are buffered.";
    307 StaleUpdate "STALE_UPDATE" "book" "An update is older than the state; it was skipped.";
    308 BookDisconnected "BOOK_DISCONNECTED" "book" "The market-data connection is down; the book is invalid until the next snapshot joins.";
    309 BookOrderUnknown "BOOK_ORDER_UNKNOWN" "book" "An order message names an order the book does not hold; it was refused and counted.";
    310 BookOrderDuplicate "BOOK_ORDER_DUPLICATE" "book" "An order message gives an id that is already in the book; it was refused and counted.";
    311 BookPriceRange "BOOK_PRICE_RANGE" "book" "An order's price is beyond 2^62 ticks, where a sum of two prices would no longer fit; it was refused and counted.";
    312 BookQuantity "BOOK_QUANTITY" "book" "An order's quantity is not positive, is more than is left of it, or the total of its level would no longer fit 64 bits; it was refused and counted.";
    313 BookOrdersFull "BOOK_ORDERS_FULL" "book" "More orders than the book was made for; the new one was refused and counted.";
    314 BookOrderCrosses "BOOK_ORDER_CROSSES" "book" "An order would rest at or beyond the best price of the other side while the book may not cross; it was refused and counted.";
    315 BookOwnFull "BOOK_OWN_FULL" "book" "More own orders than the book watches the queue position of; the order rests unwatched.";

    350 SignalParameter "SIGNAL_PARAMETER" "signal" "A parameter of a signal is outside its stated range; fields name it, its value and the range.";
    351 SignalTooFew "SIGNAL_TOO_FEW" "signal" "Too few observations for the estimate; fields name how many there are and how many it needs.";
    352 SignalOneSided "SIGNAL_ONE_SIDED" "signal" "All flow is of one side, or none of it is informed: the estimate is not defined.";
    353 SignalNotConverged "SIGNAL_NOT_CONVERGED" "signal" "The fit did not converge within its bound, or its equations have no single solution.";

    370 QuantEmpty "QUANT_EMPTY" "quant" "An argument has no rows or no columns; the field what names it.";
    371 QuantRagged "QUANT_RAGGED" "quant" "The length of an argument does not agree with its shape or with another argument; fields name it, its length and the length it needs.";
    372 QuantNotFinite "QUANT_NOT_FINITE" "quant" "An argument holds NaN or an infinity; fields name it, row and column (from 0).";
    373 QuantOutOfRange "QUANT_OUT_OF_RANGE" "quant" "A number is outside its stated range; fields name it, its value and the range.";
    374 QuantTooFew "QUANT_TOO_FEW" "quant" "Fewer observations or assets than the result needs; fields name how many there are and how many it needs.";
    375 QuantTooLarge "QUANT_TOO_LARGE" "quant" "More work than the named bound allows; fields name how much was asked for and the bound.";
    376 QuantConstant "QUANT_CONSTANT" "quant" "A series does not vary, so that a ratio or correlation of it is not defined; fields name it and its column.";
    377 QuantNotSymmetric "QUANT_NOT_SYMMETRIC" "quant" "A matrix that must be symmetric is not; fields name it and the first row and column that differ.";
    378 QuantNotPositiveDefinite "QUANT_NOT_POSITIVE_DEFINITE" "quant" "A matrix that must be positive definite is not; fields name it and the row where its factor fails.";
    379 QuantUndefined "QUANT_UNDEFINED" "quant" "The result is not defined for these arguments (all returns negative, nothing below the target, a log of a number below 0); fields say which and why.";
    380 QuantInfeasible "QUANT_INFEASIBLE" "quant" "No portfolio meets all constraints; the field constraints names a set of them in conflict.";
    381 QuantUnbounded "QUANT_UNBOUNDED" "quant" "The objective has no bound under these constraints; add a limit on weights or risk.";
    382 QuantNotConverged "QUANT_NOT_CONVERGED" "quant" "An iteration did not reach its tolerance within its bound; fields name it, the iterations made and the residual.";
    383 QuantCancelled "QUANT_CANCELLED" "quant" "The caller cancelled; nothing was returned.";

    400 QuoterInvalid "QUOTER_INVALID" "quote" "The quoter's parameters gave no finite price on the grid; nothing is quoted.";
    401 ParameterOutOfRange "PARAMETER_OUT_OF_RANGE" "quote" "A parameter is outside its stated range; the set was refused whole.";

    420 CalibrationRefused "CALIBRATION_REFUSED" "quote" "The sample gives no estimate of A and κ; the field reason says why: tooFew, noTime, oneDepth, decayNotPositive, uninformative or emptyBins.";

    500 Killed "KILLED" "risk" "The kill switch is on: new and replace are refused, cancels pass.";
    501 QuantityAboveMax "QUANTITY_ABOVE_MAX" "risk" "Order quantity above the limit (lots).";
    502 QuantityNotPositive "QUANTITY_NOT_POSITIVE" "risk" "Order quantity zero or negative (lots).";
    503 PriceNotPositive "PRICE_NOT_POSITIVE" "risk" "Order price zero or negative (ticks).";
    504 PriceOffIncrement "PRICE_OFF_INCREMENT" "risk" "Order price is not on the venue's order increment (ticks).";
    505 ValueAboveMax "VALUE_ABOVE_MAX" "risk" "Order value above the limit (smallest units of the settlement currency).";
    506 NotionalBelowMin "NOTIONAL_BELOW_MIN" "risk" "Order value below the venue's minimum notional (smallest units of the settlement currency).";
    507 PositionAboveMax "POSITION_ABOVE_MAX" "risk" "Position with all open orders of the side would pass the limit (lots).";
    508 PriceCollar "PRICE_COLLAR" "risk" "Order price too far from the reference (ticks).";
    509 ReferenceAbsent "REFERENCE_ABSENT" "risk" "No reference price, so no collar can be checked: refused.";
    510 ReferenceStale "REFERENCE_STALE" "risk" "The reference price is older than allowed (nanoseconds): refused.";
    511 RateAboveMax "RATE_ABOVE_MAX" "risk" "More messages in the window than allowed.";
    512 ReduceOnly "REDUCE_ONLY" "risk" "Only orders that shrink the position pass (lots).";
    513 BreakerOpen "BREAKER_OPEN" "risk" "The venue's circuit breaker is open: new and replace are refused, cancels pass.";
    514 VenueDown "VENUE_DOWN" "risk" "The venue's order connection is down: new and replace are refused.";
    515 Overflow "OVERFLOW" "risk" "A product of price and quantity does not fit; refused.";
    516 UnknownInstrument "UNKNOWN_INSTRUMENT" "risk" "The order names an instrument the configuration does not have.";
    517 StrategyHalted "STRATEGY_HALTED" "risk" "The strategy failed and was halted; its further orders are refused, its cancels pass.";
    518 Reconciling "RECONCILING" "risk" "Order entry is up and not yet reconciled with the venue (orders, positions): new and replace are refused, cancels pass.";

    600 OrdersFull "ORDERS_FULL" "oms" "The order table is full; refused.";
    601 UnknownOrder "UNKNOWN_ORDER" "oms" "A report or command names an order that is not in the table; counted.";
    602 IllegalTransition "ILLEGAL_TRANSITION" "oms" "A report does not fit the order's state; counted, the state is kept.";
    603 DuplicateReport "DUPLICATE_REPORT" "oms" "A fill report repeats one already applied; counted, not applied again.";
    604 MissedReport "MISSED_REPORT" "oms" "A fill report's cumulative quantity shows an earlier report was lost; applied and flagged for reconciliation.";
    605 Overfill "OVERFILL" "oms" "A fill exceeds the order's open quantity; applied to the position (it happened) and flagged.";
    606 DuplicateClientId "DUPLICATE_CLIENT_ID" "oms" "A Place command reuses a reference of an open order; refused.";
    607 RequestPending "REQUEST_PENDING" "oms" "A cancel or replace is already on its way for the order; refused.";
    608 AckTimeout "ACK_TIMEOUT" "oms" "The venue has not acknowledged a request in time.";
    609 OrderIdsExhausted "ORDER_IDS_EXHAUSTED" "oms" "The session's order counter is used up; new orders are refused, cancels pass.";
    610 QuantityBelowFilled "QUANTITY_BELOW_FILLED" "oms" "A replace asks for less than is already filled (lots); refused.";
    611 ReportMalformed "REPORT_MALFORMED" "oms" "A report's kind, side, instrument, price or quantities make no sense; refused whole, counted.";
    612 PositionMismatch "POSITION_MISMATCH" "oms" "The venue states another position than the fills add up to; fields name both. No order passes until it is settled.";
    613 OrderLost "ORDER_LOST" "oms" "The venue does not know an order that was thought to be open (it never arrived, or ended unreported); it is ended here.";
    614 FillRecovered "FILL_RECOVERED" "oms" "A status report shows fills no report told of; they were booked at the average price the venue states.";
    615 PositionAdopted "POSITION_ADOPTED" "oms" "The venue states a position in an instrument this session has neither held nor traded; it was taken over as the opening position.";

    700 VenueUnknownOrder "VENUE_UNKNOWN_ORDER" "venue" "The venue does not know the order (it may have just filled).";
    701 VenuePostOnly "VENUE_POST_ONLY" "venue" "A post-only order would have taken liquidity; the venue refused it.";
    702 VenueInvalid "VENUE_INVALID" "venue" "The venue refused the order's price, quantity or side.";
    703 VenueFull "VENUE_FULL" "venue" "The venue's order table is full.";
    704 VenueClosed "VENUE_CLOSED" "venue" "The venue has no market for the instrument now.";
    705 VenueUnsupported "VENUE_UNSUPPORTED" "venue" "The venue does not take orders of this type or time in force.";
    706 VenueDuplicate "VENUE_DUPLICATE" "venue" "The venue has seen the ClOrdID already.";

    800 JournalCorrupt "JOURNAL_CORRUPT" "journal" "A record's checksum or length is wrong; everything before it is good.";
    801 JournalTruncated "JOURNAL_TRUNCATED" "journal" "The journal ends inside a record; everything before it is good.";
    802 JournalFormat "JOURNAL_FORMAT" "journal" "The file is no journal, or of a version this build cannot read.";
    803 JournalFull "JOURNAL_FULL" "journal" "The journal cannot grow (disk full or segment limit); trading halts.";
    804 JournalIo "JOURNAL_IO" "journal" "The operating system refused a journal operation; fields name path and error.";
    805 ReplayMismatch "REPLAY_MISMATCH" "journal" "A replay's effects hash differs from the recorded one; fields name the turn.";

    900 RecordingMissing "RECORDING_MISSING" "backtest" "The recording cannot be opened.";
    901 RecordingTruncated "RECORDING_TRUNCATED" "backtest" "The recording's gzip stream ends early or is damaged.";
    902 RecordingFormat "RECORDING_FORMAT" "backtest" "The file is no recording (no line is a receive time, a space and a message), or holds no market data of the instrument.";
    903 GarbageLine "GARBAGE_LINE" "backtest" "A line of the recording is not a receive time and a message; counted and skipped.";
    904 TimeStepsBack "TIME_STEPS_BACK" "backtest" "A line's receive time is before the one before; the later time is kept; counted.";
    905 LedgerMismatch "LEDGER_MISMATCH" "backtest" "Venue ledger and engine position disagree; fields name instrument, quantity and fees.";
    906 OutputFailed "OUTPUT_FAILED" "backtest" "An output file cannot be written; fields name path and error.";
    907 EnginePanicked "ENGINE_PANICKED" "driver" "The engine panicked and is halted; cancels were sent from the plain table.";
    908 EngineClosed "ENGINE_CLOSED" "driver" "The engine is closed.";
    909 EffectsFull "EFFECTS_FULL" "engine" "A turn had more effects than the buffer holds; market events were dropped, orders were not.";
    910 ConnectFailed "CONNECT_FAILED" "driver" "A connection could not be made (refused, unreachable, no address); it is tried again after a pause.";
    911 ConnectionLost "CONNECTION_LOST" "driver" "A connection ended or failed; it is made anew after a pause.";
    912 FeedStale "FEED_STALE" "driver" "A market-data connection was silent for too long and was given up.";
    913 TlsRefused "TLS_REFUSED" "driver" "A TLS handshake failed: wrong certificate, name or protocol; fields name the reason.";
    914 StateInUse "STATE_IN_USE" "driver" "Another process uses the state folder.";
    915 PortInUse "PORT_IN_USE" "driver" "A port cannot be listened on; fields name it and the error.";
    916 DeadMan "DEAD_MAN" "driver" "The owner gave no sign of life for the configured time; the kill switch was pulled.";
    917 PeerSlow "PEER_SLOW" "driver" "A peer does not read what it is sent; its bounded buffer is full.";
    918 ClockStepped "CLOCK_STEPPED" "driver" "The wall clock was stepped, or a venue stated a time too far ahead; engine time went on without it.";
    919 LedgerDamaged "LEDGER_DAMAGED" "driver" "The exchange's ledger cannot be read back; fields name the line.";
    920 FixStoreFailed "FIX_STORE_FAILED" "driver" "A FIX session's store cannot be written or read (disk full, no permission); what was not kept was not sent, and the session was ended; fields name path and error.";
    921 FixStoreDamaged "FIX_STORE_DAMAGED" "driver" "A FIX session's store holds what no store leaves, however its process ended; fields name file and place.";
    922 FixQueueFull "FIX_QUEUE_FULL" "driver" "The thread of the FIX sessions has not yet taken earlier commands; this one was not queued.";
    923 FixSessionUnknown "FIX_SESSION_UNKNOWN" "driver" "No FIX session of this host has that number.";
    924 FixClosed "FIX_CLOSED" "driver" "The FIX session is outside its hours, not logged on, or its host is closed; the message was not taken.";

    1000 NativeMissing "NATIVE_MISSING" "native" "No native package for this platform is installed.";
    1001 NativePanicked "NATIVE_PANICKED" "native" "Native code panicked; the process goes on, the object is unusable.";
    1002 ArgumentInvalid "ARGUMENT_INVALID" "native" "An argument has the wrong type, shape or size.";

    1100 StrategyThrew "STRATEGY_THREW" "strategy" "A handler threw; its quotes were pulled and the strategy is halted.";
    1101 StrategyInvalid "STRATEGY_INVALID" "strategy" "A strategy definition or an order it asked for is malformed (NaN, fraction, unsafe integer).";
    1102 CommandRingFull "COMMAND_RING_FULL" "strategy" "The engine has not yet taken earlier commands; this one was not queued.";
    1103 FileMissing "FILE_MISSING" "cli" "A file named on the command line does not exist.";
    1104 UsageInvalid "USAGE_INVALID" "cli" "The command line cannot be understood; --help shows what can.";
    1105 Aborted "ABORTED" "cli" "The run was stopped before its end; no report was written.";

    1200 AllocationInvalid "ALLOCATION_INVALID" "allocator" "A field of an allocation, holding, price, rule or series is missing, malformed or out of range; fields name path, value and what is allowed. Nothing was issued.";
    1201 WeightsSum "WEIGHTS_SUM" "allocator" "Weights do not add up to one (100 in percent); fields name path and sum. Nothing was issued.";
    1202 PriceMissing "PRICE_MISSING" "allocator" "An instrument that is held or wanted has no price; fields name it. Nothing was issued.";
    1203 SleeveUnfilled "SLEEVE_UNFILLED" "allocator" "A sleeve has a weight and no instrument or rule that fills it; fields name it. Nothing was issued.";
    1204 CashShort "CASH_SHORT" "allocator" "Cash and what may be sold do not cover a withdrawal; fields name what is short. Nothing was issued.";
    1205 GateRefused "GATE_REFUSED" "allocator" "The risk gate refused an order of a rebalance; fields name the order, its limit, used and asked. Nothing was issued.";

    1220 PolicyInvalid "POLICY_INVALID" "advice" "An intake policy or questionnaire has an unknown or missing key, a hole, knots out of order, or weights that do not add up; fields name the path and what is allowed. Nothing was issued.";
    1221 IntakeInvalid "INTAKE_INVALID" "advice" "An answer is missing, unknown, given twice or out of range; fields name the path and what is allowed, never what was answered. Nothing was issued.";
    1222 RecordTampered "RECORD_TAMPERED" "advice" "A record of advice is not what was written; fields name the record and which of its fields differs.";
    1223 RecordFailed "RECORD_FAILED" "advice" "A record of advice cannot be written or read; fields name path and error. What was not recorded was not issued.";
    1224 RecordErased "RECORD_ERASED" "advice" "The personal part of a record was erased: its key is gone.";
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn numbers_and_names_are_unique_and_round_trip() {
        let mut names: Vec<_> = Code::ALL.iter().map(|c| c.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
        for pair in Code::ALL.windows(2) {
            assert!((pair[0] as u16) < (pair[1] as u16));
        }
        for &code in Code::ALL {
            assert_eq!(Code::from_u16(code as u16), Some(code));
        }
    }
}
