// Room card: allocator/solve
// In:    a book, a state, wanted values of the targets as a function of the value that is left after cost.
// Out:   whole lots to trade, by asset.
// Holds: never beyond a goal, never below a minimum order, never cash below 0; what is traded is what the goals of the
//        value left after its own cost ask for, so that the same question after the trades is answered with none.
// Costs: cold path; a few rounds of O(targets²).
import { fail } from '../errors.js'
import { cashOf, stateWith, valuesOf, type Asset, type Book, type Line, type State } from './book.js'
import { unitsText } from './checks.js'

/** What is wanted, in money. */
export interface Goals {
  /** Value of each line that is traded towards. */
  readonly lines: readonly bigint[]
  /** Value of each line that spare cash may buy up to, beyond its goal. */
  readonly ceilings: readonly bigint[]
  /** Cash that buys leave untouched. */
  readonly cash: bigint
}

/** Why a line was not brought to its goal. */
export type Skip = 'belowLot' | 'belowMinimum' | 'washWindow' | 'noCash' | 'notHeld'

/** Lots to trade, and what was left. */
export interface Solution {
  /** By asset; below 0 is sold. */
  readonly lots: readonly bigint[]
  /** By line. */
  readonly skips: readonly (Skip | undefined)[]
}

/** Wanted values for a total that is left after cost. */
export type Aim = (state: State, total: bigint) => Goals

/** Rounds of the cost at most; each is nearer by the rate of cost. */
const ROUNDS_MAX = 24
/** Repairs at most: a second look that still trades is added to the first. */
const REPAIRS_MAX = 8

/**
 * Lots that bring a state to its goals.
 * @param state after the orders of `prior`.
 * @param blocked assets that may not be bought.
 * @param prior lots by asset that are traded anyway: one order with those found here, so it pays one fee.
 * @throws FafnirError CASH_SHORT when cash stays below 0 whatever is sold.
 */
export function solve(
  book: Book,
  state: State,
  aim: Aim,
  blocked: ReadonlySet<number>,
  prior: readonly bigint[] = book.assets.map(() => 0n),
): Solution {
  let found = settled(book, state, aim, blocked, prior)
  for (let repair = 0; repair < REPAIRS_MAX; repair += 1) {
    const before = plus(prior, found.lots)
    const more = settled(book, appliedAfter(book, state, prior, found.lots), aim, blocked, before)
    if (more.lots.every((lots) => lots === 0n)) return found
    const lots = plus(found.lots, more.lots)
    const good = lots.every((own, i) => own === 0n || isOrder(book, i, own))
    if (!good || appliedAfter(book, state, prior, lots).cash < 0n) return found
    found = { lots, skips: more.skips }
  }
  return found
}

function plus(a: readonly bigint[], b: readonly bigint[]): readonly bigint[] {
  return a.map((own, i) => own + b[i]!)
}

/** The state after further lots, which are one order with those before. */
export function appliedAfter(book: Book, state: State, prior: readonly bigint[], lots: readonly bigint[]): State {
  const cash = lots.reduce((sum, own, i) => {
    const asset = book.assets[i]!
    return own === 0n ? sum : sum + cashOf(book, asset, prior[i]! + own) - cashOf(book, asset, prior[i]!)
  }, state.cash)
  return stateWith(state, lots, cash)
}

// The fixed point of: goals of what is left, lots towards them, cost of those lots, what is left.
function settled(book: Book, state: State, aim: Aim, blocked: ReadonlySet<number>, prior: readonly bigint[]): Solution {
  const { total } = valuesOf(book, state)
  let left = total
  let found = place(book, state, aim(state, left), blocked, prior)
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const after = valuesOf(book, appliedAfter(book, state, prior, found.lots)).total
    if (after === left) break
    left = after
    found = place(book, state, aim(state, left), blocked, prior)
  }
  return found
}

/** Lots of the smallest order. */
export function smallestOrder({ minLots, minValue, lotValue }: Asset): bigint {
  const byValue = (minValue + lotValue - 1n) / lotValue
  return byValue > minLots ? byValue : minLots
}

/** May so many lots be an order? */
export function isOrder(book: Book, index: number, lots: bigint): boolean {
  return (lots < 0n ? -lots : lots) >= smallestOrder(book.assets[index]!)
}

interface Work {
  readonly book: Book
  readonly state: State
  readonly lots: bigint[]
  readonly skips: (Skip | undefined)[]
  readonly blocked: ReadonlySet<number>
  readonly prior: readonly bigint[]
  cash: bigint
}

function place(
  book: Book,
  state: State,
  goals: Goals,
  blocked: ReadonlySet<number>,
  prior: readonly bigint[],
): Solution {
  const { lines: values } = valuesOf(book, state)
  const work: Work = {
    book,
    state,
    blocked,
    prior,
    lots: book.assets.map(() => 0n),
    skips: book.lines.map(() => undefined),
    cash: state.cash,
  }
  for (const [i, line] of book.lines.entries()) {
    if (goals.lines[i]! < values[i]!) sell(work, i, line, values[i]! - goals.lines[i]!)
  }
  const floor = goals.cash > 0n ? goals.cash : 0n
  for (const [i, line] of book.lines.entries()) {
    if (goals.lines[i]! > values[i]!) buy(work, i, line, goals.lines[i]! - values[i]!)
  }
  giveUp(work, floor)
  spend(work, goals, floor)
  raise(work, goals)
  lackCash(work, goals)
  return { lots: work.lots, skips: work.skips }
}

function setLots(work: Work, index: number, lots: bigint): void {
  const asset = work.book.assets[index]!
  const prior = work.prior[index]!
  work.cash += cashOf(work.book, asset, prior + lots) - cashOf(work.book, asset, prior + work.lots[index]!)
  work.lots[index] = lots
}

// The substitute goes first: it stands in only for as long as it must.
function sell(work: Work, at: number, line: Line, value: bigint): void {
  let rest = value
  for (const member of [...line.members].reverse()) {
    const asset = work.book.assets[member]!
    const held = work.state.lots[member]!
    const most = asset.short ? rest / asset.lotValue : held > 0n ? held : 0n
    const lots = rest / asset.lotValue < most ? rest / asset.lotValue : most
    if (lots <= 0n) continue
    if (!isOrder(work.book, member, lots)) {
      work.skips[at] = 'belowMinimum'
      continue
    }
    setLots(work, member, -lots)
    rest -= lots * asset.lotValue
  }
  if (work.skips[at] === undefined && line.members.every((member) => work.lots[member] === 0n)) {
    const none = line.members.every((member) => work.state.lots[member]! <= 0n && !work.book.assets[member]!.short)
    work.skips[at] = none ? 'notHeld' : 'belowLot'
  }
}

/** The member of a line that may be bought. */
export function buyable(line: Line, blocked: ReadonlySet<number>): number | undefined {
  return line.members.find((member) => !blocked.has(member))
}

function buy(work: Work, at: number, line: Line, value: bigint): void {
  const member = buyable(line, work.blocked)
  if (member === undefined) {
    work.skips[at] = 'washWindow'
    return
  }
  const lots = value / work.book.assets[member]!.lotValue
  if (lots === 0n) work.skips[at] = 'belowLot'
  else if (!isOrder(work.book, member, lots)) work.skips[at] = 'belowMinimum'
  else setLots(work, member, lots)
}

// Sales in whole lots may bring less than planned: the largest purchase gives way first.
function giveUp(work: Work, floor: bigint): void {
  const { book, lots } = work
  for (;;) {
    if (work.cash >= floor) return
    const largest = largestBuy(work)
    if (largest === undefined) return
    const asset = book.assets[largest]!
    const short = floor - work.cash
    const each = asset.lotValue + asset.spreadTicks * asset.point
    const fewer = (short + each - 1n) / each
    const kept = lots[largest]! - fewer
    setLots(work, largest, kept > 0n && isOrder(book, largest, kept) ? kept : 0n)
    const line = book.lines.findIndex(({ members }) => members.includes(largest))
    work.skips[line] = 'noCash'
  }
}

function largestBuy({ book, lots }: Work): number | undefined {
  let found: number | undefined
  let most = 0n
  for (const [i, own] of lots.entries()) {
    if (own <= 0n || own * book.assets[i]!.lotValue <= most) continue
    most = own * book.assets[i]!.lotValue
    found = i
  }
  return found
}

// What is still spare buys whole lots for what is furthest below its ceiling, as long as any fits.
function spend(work: Work, goals: Goals, floor: bigint): void {
  const { book } = work
  const tried = new Set<number>()
  for (;;) {
    const best = furthestBelow(work, goals, tried)
    if (best === undefined || work.cash <= floor) return
    const { at, member, gap } = best
    const asset = book.assets[member]!
    const room = gap / asset.lotValue
    let more = (work.cash - floor) / (asset.lotValue + asset.spreadTicks * asset.point)
    if (more > room) more = room
    const before = work.lots[member]!
    // The fee is not in the division: at most a few lots less.
    while (more > 0n) {
      setLots(work, member, before + more)
      if (work.cash >= floor) break
      const fewer = (floor - work.cash) / asset.lotValue
      setLots(work, member, before)
      more -= fewer > 0n ? fewer : 1n
    }
    if (more > 0n && !isOrder(book, member, before + more)) {
      setLots(work, member, before)
      more = 0n
    }
    tried.add(at)
    if (more > 0n && work.skips[at] !== 'noCash') work.skips[at] = undefined
  }
}

function furthestBelow(
  work: Work,
  goals: Goals,
  tried: ReadonlySet<number>,
): { at: number; member: number; gap: bigint } | undefined {
  const { book } = work
  const { lines: values } = valuesOf(book, stateWith(work.state, work.lots, work.cash))
  let best: { at: number; member: number; gap: bigint } | undefined
  for (const [at, line] of book.lines.entries()) {
    const member = buyable(line, work.blocked)
    const gap = goals.ceilings[at]! - values[at]!
    if (member === undefined || tried.has(at) || gap < book.assets[member]!.lotValue) continue
    // What is sold in this round is not bought again.
    if (line.members.some((own) => work.lots[own]! < 0n)) continue
    if (best === undefined || gap > best.gap) best = { at, member, gap }
  }
  return best
}

// Money owed must be there: more whole lots are sold, of what is furthest above its ceiling first.
function raise(work: Work, goals: Goals): void {
  const { book } = work
  const tried = new Set<number>()
  while (work.cash < 0n) {
    const now = stateWith(work.state, work.lots, work.cash)
    const { lines: values } = valuesOf(book, now)
    const sellable = book.assets.flatMap((asset, i) => {
      const at = book.lines.findIndex(({ members }) => members.includes(i))
      const can = now.lots[i]! > 0n && !tried.has(i) && work.lots[i]! <= 0n
      return can ? [{ i, asset, over: values[at]! - goals.ceilings[at]! }] : []
    })
    const [first] = sellable.sort((a, b) => (a.over === b.over ? a.i - b.i : a.over > b.over ? -1 : 1))
    if (first === undefined) {
      const missing = unitsText(-work.cash, book.scale, 2)
      throw fail('CASH_SHORT', `${missing} is missing after everything that may be sold`, { missing })
    }
    const { i, asset } = first
    const net = (asset.ticks - asset.spreadTicks) * asset.point
    const sold = -work.lots[i]!
    const held = work.state.lots[i]!
    const enough = sold + (-work.cash + net - 1n) / net
    const least = smallestOrder(asset)
    const wanted = enough < least ? least : enough
    const next = wanted < held ? wanted : held
    if (next >= least) {
      setLots(work, i, -next)
      work.skips[book.lines.findIndex(({ members }) => members.includes(i))] = 'noCash'
    }
    if (next === held) tried.add(i)
  }
}

// A purchase that gave way, a sale that went on, lack cash only for what is still an order away from the goal.
function lackCash({ book, state, lots, cash, skips }: Work, goals: Goals): void {
  const { lines: values } = valuesOf(book, stateWith(state, lots, cash))
  for (const [at, line] of book.lines.entries()) {
    const orders = line.members.map((member) => smallestOrder(book.assets[member]!) * book.assets[member]!.lotValue)
    const missing = goals.lines[at]! - values[at]!
    if (skips[at] === 'noCash' && orders.every((value) => missing < value)) skips[at] = undefined
  }
}
