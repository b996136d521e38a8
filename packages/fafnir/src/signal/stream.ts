// Room card: signal/stream
// In:    parameters of one signal, its updates as numbers or columns.
// Out:   the native signal behind one class: `push`, `columns`, `state`.
// Holds: NaN of the native side is `undefined` here; faults keep their code and fields.
// Costs: a call about 150 ns; in columns what the signal costs, some 10 ns an update.
import { guarded, native, type SignalStreamNative } from '../native.js'

/** 'buy' or 'sell': who took liquidity, or the side of our own fill. */
export type SignalSide = 'buy' | 'sell'

/** A side as the columns carry it: 1 buy, 2 sell. */
export function sideNumber(side: SignalSide): 1 | 2 {
  return side === 'buy' ? 1 : 2
}

/** What is no number is not there. */
export function present(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value
}

/** One native signal. Classes of the room hold one; it is not exported from the room. */
export class Stream {
  readonly #native: SignalStreamNative

  constructor(params: Readonly<Record<string, unknown>>) {
    this.#native = guarded(() => new (native().SignalStream)(JSON.stringify(params)))
  }

  push(a: number, b = 0, c = 0, d = 0, e = 0): number | undefined {
    return present(guarded(() => this.#native.push(a, b, c, d, e)))
  }

  columns(columns: readonly Float64Array[], values: Float64Array | undefined): number {
    return guarded(() => this.#native.update([...columns], values ?? null))
  }

  state<State>(): State {
    return JSON.parse(guarded(() => this.#native.read())) as State
  }

  reset(): void {
    guarded(() => this.#native.reset())
  }
}
