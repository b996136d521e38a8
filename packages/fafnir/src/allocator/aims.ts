// Room card: allocator/aims
// In:    a book, its bands, a state and the value left after cost.
// Out:   wanted values of the targets: as they are, spare cash put to work, back to target, back to the edge of a band.
// Holds: wanted values and cash add up to no more than what is left.
// Costs: cold path; O(targets).
import { ONE, valuesOf, type Book, type State } from './book.js'
import { buyable, smallestOrder, type Aim, type Goals } from './solve.js'

function targetsOf(book: Book, total: bigint): { lines: readonly bigint[]; cash: bigint } {
  return { lines: book.lines.map((line) => (line.part * total) / ONE), cash: (book.cashPart * total) / ONE }
}

/** Everything to its target. */
export function centreAim(book: Book): Aim {
  return (_, total) => {
    const { lines, cash } = targetsOf(book, total)
    return { lines, ceilings: lines, cash }
  }
}

/**
 * Nothing moves but what must: what is owed is raised, and `values` that a harvest took away are bought back.
 * @param values wanted value by line; undefined leaves the line as it is.
 */
export function keepAim(book: Book, values: readonly (bigint | undefined)[], floor: bigint): Aim {
  return (state, total) => {
    const now = valuesOf(book, state).lines
    const lines = now.map((value, i) => (values[i] !== undefined && values[i] > value ? values[i] : value))
    const wanted = lines.some((value, i) => value !== now[i])
    return { lines, ceilings: wanted ? lines : targetsOf(book, total).lines, cash: wanted ? floor : state.cash }
  }
}

/** Spare cash buys what is below target; cash below its target is raised from what is above: each in proportion. */
export function flowAim(book: Book, blocked: ReadonlySet<number>): Aim {
  return (state, total) => {
    const { lines: values, total: before } = valuesOf(book, state)
    const targets = targetsOf(book, total)
    const spare = state.cash - targets.cash - (before - total)
    const distances = values.map((value, i) => {
      const distance = spare > 0n ? targets.lines[i]! - value : value - targets.lines[i]!
      const can = spare <= 0n || buyable(book.lines[i]!, blocked) !== undefined
      return can && distance > 0n ? distance : 0n
    })
    const sum = distances.reduce((all, distance) => all + distance, 0n)
    const size = spare < 0n ? -spare : spare
    const moved = size < sum ? size : sum
    const lines = values.map((value, i) => {
      const part = sum === 0n ? 0n : (distances[i]! * moved) / sum
      return spare > 0n ? value + part : value - part
    })
    return { lines, ceilings: targets.lines, cash: targets.cash }
  }
}

/** The most that is left when every line is short of its goal by less than an order. */
function leftover(book: Book): bigint {
  const orders = book.lines.map((line) => {
    const values = line.members.map((member) => smallestOrder(book.assets[member]!) * book.assets[member]!.lotValue)
    return values.reduce((most, value) => (value > most ? value : most), 0n)
  })
  return orders.reduce((sum, value) => sum + value, 0n)
}

/**
 * What is outside its band goes to the nearest edge. What that leaves over, or takes, comes from those that are on the
 * other side of their targets, in proportion to how far they are.
 */
export function edgeAim(book: Book, widths: readonly bigint[], blocked: ReadonlySet<number>): Aim {
  // What may not be bought stays where it is, and nothing is kept for it. Cash can always be more.
  const fixed = [...book.lines.map((line) => buyable(line, blocked) === undefined), false]
  return (state, total): Goals => {
    const { lines: values } = valuesOf(book, state)
    const parts = [...book.lines.map((line) => line.part), book.cashPart]
    const clamped = [...values, state.cash].map((value, i) => {
      const low = ((parts[i]! - widths[i]!) * total) / ONE
      const high = ((parts[i]! + widths[i]!) * total) / ONE
      if (value < low) return fixed[i] === true ? value : low
      return value > high ? high : value
    })
    const over = clamped.reduce((sum, value) => sum + value, -total)
    // What lots and minimum orders leave over stays cash: spreading it again would trade a little at every look.
    if ((over < 0n ? -over : over) < leftover(book)) {
      const lines = clamped.slice(0, -1)
      return { lines, ceilings: lines, cash: lines.reduce((sum, value) => sum - value, total) }
    }
    const distances = clamped.map((value, i) => {
      const distance = value - (parts[i]! * total) / ONE
      const side = over > 0n ? distance : fixed[i] === true ? 0n : -distance
      return side > 0n ? side : 0n
    })
    const room = distances.reduce((sum, distance) => sum + distance, 0n)
    // Nobody goes beyond its target for what may not be bought: that part stays cash.
    const most = over > room ? room : over < -room ? -room : over
    const goals = clamped.map((value, i) => (room === 0n ? value : value - (most * distances[i]!) / room))
    const lines = goals.slice(0, -1)
    return { lines, ceilings: lines, cash: goals.at(-1)! }
  }
}
