// Room card: quant/rows
// In:    the numbers of an answer that has many rows, and how a row is shown.
// Out:   `Rows`: the rows as objects, each made when it is looked at.
// Holds: nothing is left out and nothing is kept: a million objects made at once would hold the event loop.
// Costs: 16 bytes until it is looked at; an object a look.

/**
 * A long list of results that may have a million entries: its objects are made as they are looked at, one by one with
 * `at` or in order with `for … of`. `toArray` and `JSON.stringify` make all of them at once.
 */
export class Rows<T> implements Iterable<T> {
  /** Entries. */
  readonly length: number
  readonly #make: (index: number) => T

  /** @internal */
  constructor(length: number, make: (index: number) => T) {
    this.length = length
    this.#make = make
  }

  /** The entry at this place, from the end where it is negative; undefined where there is none. */
  at(index: number): T | undefined {
    const whole = Math.trunc(index) || 0
    const place = whole < 0 ? this.length + whole : whole
    return place >= 0 && place < this.length ? this.#make(place) : undefined
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let place = 0; place < this.length; place++) yield this.#make(place)
  }

  /** All entries: some tenths of a second for a million, in which nothing else runs. */
  toArray(): T[] {
    return Array.from(this)
  }

  toJSON(): T[] {
    return this.toArray()
  }
}
