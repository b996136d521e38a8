// Room card: strategy/commands
// In:    what a strategy asks for, already checked, and the sequence of the last event it consumed.
// Out:   command records in the ring to the engine.
// Holds: the layout of `types/command`, unused words zero (the ring sees to it); a full ring is COMMAND_RING_FULL.
// Costs: twenty word stores and a release a command; no allocation but for `setQuoter`.
import { fail } from '../errors.js'
import { ALL_INSTRUMENTS, CommandKind, CommandLayout, limits, record as records } from '../generated/layout.js'
import type { CommandWriter } from '../ring/command-writer.js'
import { writeI64 } from './decode.js'

// Words from the record's first: header, cause sequence, then the command.
const CAUSE = 2
const COMMAND = 4
const COMMAND_WORDS = CommandLayout.bytes / 4
// Words from the command's first.
const CLIENT_ID = CommandLayout.clientId / 4
const PRICE = CommandLayout.price / 4
const QUANTITY = CommandLayout.quantity / 4
const ALGO_TRADER = CommandLayout.algoId / 4
const AT = CommandLayout.at / 4
const ID = CommandLayout.id / 4
const CAUSE_BYTES = 8
// Flags of a Publish and of a Quote, as in `types/command`.
const PUBLISHED_FAIR_VALUE = 1
const PUBLISHED_DRIFT = 2
const PUBLISHED_TOXICITY = 4
const BID_ASKED = 1
const ASK_ASKED = 2
/** Payload of a command without text. */
const FIXED_BYTES: number = CAUSE_BYTES + CommandLayout.bytes

/** Where command records go: the ring's writer. */
export type CommandSink = Pick<CommandWriter, 'i32' | 'u8' | 'begin' | 'commit'>

/** Writes commands. */
export class CommandEncoder {
  private readonly sink: CommandSink
  private readonly bits: DataView = new DataView(new ArrayBuffer(8))
  /** Sequence of the last event consumed. */
  causeSequence: number = 0
  /** Commands written so far. */
  written: number = 0
  /** Called after a command, unless many follow each other and one call after the last will do. */
  wake: (() => void) | undefined = undefined
  /** Many follow each other. */
  batching: boolean = false

  constructor(sink: CommandSink) {
    this.sink = sink
  }

  /** Place a limit order. */
  place(
    instrument: number,
    side: number,
    flags: number,
    clientId: number,
    price: number,
    quantity: number,
    algoId: number,
    traderId: number,
  ): void {
    const at = this.begin(CommandKind.Place, flags, instrument, side)
    const { i32 } = this.sink
    writeI64(i32, at + CLIENT_ID, clientId)
    writeI64(i32, at + PRICE, price)
    writeI64(i32, at + QUANTITY, quantity)
    i32[at + ALGO_TRADER] = algoId | (traderId << 16)
    this.end()
  }

  /** Cancel an order. */
  cancel(instrument: number, clientId: number): void {
    const at = this.begin(CommandKind.Cancel, 0, instrument, 0)
    writeI64(this.sink.i32, at + CLIENT_ID, clientId)
    this.end()
  }

  /** Give an order a new price and total quantity. */
  replace(instrument: number, clientId: number, price: number, quantity: number): void {
    const at = this.begin(CommandKind.Replace, 0, instrument, 0)
    writeI64(this.sink.i32, at + CLIENT_ID, clientId)
    writeI64(this.sink.i32, at + PRICE, price)
    writeI64(this.sink.i32, at + QUANTITY, quantity)
    this.end()
  }

  /** Cancel the orders of one instrument, or of all when none is named. */
  cancelAll(instrument: number | undefined): void {
    this.begin(CommandKind.CancelAll, instrument === undefined ? ALL_INSTRUMENTS : 0, instrument ?? 0, 0)
    this.end()
  }

  /** Set a timer; `atLow` and `atHigh` are the halves of its moment in Unix ns. Ids of producers start at 2^32. */
  setTimer(id: number, atLow: number, atHigh: number): void {
    const at = this.begin(CommandKind.SetTimer, 0, 0, 0)
    const { i32 } = this.sink
    i32[at + AT] = atLow
    i32[at + AT + 1] = atHigh
    writeI64(i32, at + ID, id)
    this.end()
  }

  /** Replace the native quoter's parameters of an instrument. */
  setQuoter(instrument: number, json: string): void {
    const text = encoder.encode(json)
    const length = FIXED_BYTES + text.length
    if (length - CAUSE_BYTES > limits.COMMAND_BYTES_MAX) {
      const max = limits.COMMAND_BYTES_MAX
      throw fail('STRATEGY_INVALID', 'the parameters are longer than one command', { bytes: text.length, max })
    }
    const at = this.begin(CommandKind.SetQuoter, 0, instrument, 0, length)
    this.sink.u8.set(text, (at + COMMAND_WORDS) * 4)
    this.end()
  }

  /** Fair value, drift and toxicity for the native quoter of an instrument. */
  publish(
    instrument: number,
    fairValuePrice: number | undefined,
    driftPricePerSecond: number | undefined,
    toxicity: number | undefined,
  ): void {
    const flags =
      (fairValuePrice === undefined ? 0 : PUBLISHED_FAIR_VALUE) |
      (driftPricePerSecond === undefined ? 0 : PUBLISHED_DRIFT) |
      (toxicity === undefined ? 0 : PUBLISHED_TOXICITY)
    const at = this.begin(CommandKind.Publish, flags, instrument, 0)
    this.float(at + PRICE, fairValuePrice)
    this.float(at + QUANTITY, driftPricePerSecond)
    this.float(at + ID, toxicity)
    this.end()
  }

  /** Quotes for the native quoter of an instrument to follow; none withdraws them. Lots of 0 are the parameters'. */
  quote(
    instrument: number,
    bidPrice: number | undefined,
    askPrice: number | undefined,
    bidLots: number,
    askLots: number,
  ): void {
    const flags = (bidPrice === undefined ? 0 : BID_ASKED) | (askPrice === undefined ? 0 : ASK_ASKED)
    const at = this.begin(CommandKind.Quote, flags, instrument, 0)
    const { i32 } = this.sink
    this.float(at + PRICE, bidPrice)
    this.float(at + QUANTITY, askPrice)
    writeI64(i32, at + CLIENT_ID, bidLots)
    writeI64(i32, at + ID, askLots)
    this.end()
  }

  // The bits of a float in two words, low half first.
  private float(word: number, value: number | undefined): void {
    if (value === undefined) return
    this.bits.setFloat64(0, value, true)
    this.sink.i32[word] = this.bits.getInt32(0, true)
    this.sink.i32[word + 1] = this.bits.getInt32(4, true)
  }

  /** Say that the strategy failed. False when the ring is full: say it again later. */
  strategyFault(): boolean {
    const at = this.sink.begin(records.RECORD_COMMAND, FIXED_BYTES)
    if (at < 0) return false
    this.fill(at, CommandKind.StrategyFault, 0, 0, 0)
    this.end()
    return true
  }

  private begin(kind: number, flags: number, instrument: number, side: number, length: number = FIXED_BYTES): number {
    const at = this.sink.begin(records.RECORD_COMMAND, length)
    if (at < 0) throw ringFull()
    return this.fill(at, kind, flags, instrument, side)
  }

  private fill(at: number, kind: number, flags: number, instrument: number, side: number): number {
    const { i32 } = this.sink
    writeI64(i32, at + CAUSE, this.causeSequence)
    i32[at + COMMAND] = kind | (flags << 8) | (instrument << 16)
    i32[at + COMMAND + 1] = side
    return at + COMMAND
  }

  private end(): void {
    this.sink.commit()
    this.written += 1
    if (!this.batching) this.wake?.()
  }
}

const encoder = new TextEncoder()

function ringFull(): Error {
  return fail('COMMAND_RING_FULL', 'the engine has not yet taken earlier commands')
}
