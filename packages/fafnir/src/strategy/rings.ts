// Room card: strategy/rings
// In:    capacities.
// Out:   memory for the rings and registers of one engine, and this thread's ends once native code has formatted it.
// Holds: shared memory only: native code keeps the views alive as long as it writes.
// Costs: cold path.
import { CommandWriter } from '../ring/command-writer.js'
import { regionBytes } from '../ring/layout.js'
import { MarketReader } from '../ring/market-reader.js'
import { OrdersReader } from '../ring/orders-reader.js'
import { RegistersReader, registersCapacityBytes } from '../ring/registers.js'

/** Capacities of the rings in bytes, powers of two. A record fills at most an eighth of its ring. */
export interface RingSizes {
  /** Default: 4194304. */
  readonly marketRingBytes?: number | undefined
  /** Default: 2097152. At least 256 bytes for each of `orders.maxOrders` and each instrument. */
  readonly ordersRingBytes?: number | undefined
  /** Default: 1048576. */
  readonly commandRingBytes?: number | undefined
}

/** Memory of the rings and registers of one engine. */
export interface RingMemory {
  readonly market: Uint8Array
  readonly orders: Uint8Array
  readonly commands: Uint8Array
  readonly latest: Uint8Array
}

/** This thread's ends of the rings of an engine on a thread of its own. */
export interface AttachedRings {
  readonly market: MarketReader
  readonly orders: OrdersReader
  readonly commands: CommandWriter
  readonly latest: RegistersReader
}

/**
 * The market ring of a backtest. Its writer shares this thread and waits for us, so that records are read in place and
 * none is lost.
 */
export class SteppedMarket extends OrdersReader {
  /** Records lost: none, a ring that is too small for one step ends the run. */
  get missed(): number {
    return this.lost
  }
}

/** The ends of the rings of a backtest. */
export interface SteppedRings {
  readonly market: SteppedMarket
  readonly orders: OrdersReader
  readonly commands: CommandWriter
}

/** Allocates the rings. Native code formats them before either attach. */
export function allocateRings(
  sizes: RingSizes,
  instruments: number = 0,
): {
  readonly memory: RingMemory
  attach(): AttachedRings
  attachStepped(): SteppedRings
} {
  const memory: RingMemory = {
    market: shared(sizes.marketRingBytes ?? 4_194_304),
    orders: shared(sizes.ordersRingBytes ?? 2_097_152),
    commands: shared(sizes.commandRingBytes ?? 1_048_576),
    latest: shared(registersCapacityBytes(instruments + 1)),
  }
  return {
    memory,
    attach: () => ({
      market: new MarketReader(memory.market),
      orders: new OrdersReader(memory.orders),
      commands: new CommandWriter(memory.commands),
      latest: new RegistersReader(memory.latest),
    }),
    attachStepped: () => ({
      market: new SteppedMarket(memory.market),
      orders: new OrdersReader(memory.orders),
      commands: new CommandWriter(memory.commands),
    }),
  }
}

/** Shared memory for a ring of a capacity. */
export function shared(capacityBytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(regionBytes(capacityBytes)))
}
