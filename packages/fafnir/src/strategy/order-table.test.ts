import { expect, it } from 'vitest'

import { FafnirError } from '../errors.js'
import { OrderTable } from './order-table.js'

// The generator of crates/types/src/rng.rs would need bigint; xorshift32 (Marsaglia 2003) serves a test.
function random(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % bound
  }
}

it('agrees with a Map over random insertions, look-ups and removals', () => {
  const wrong: string[] = []
  const check = (good: boolean, what: string): void => void (good || wrong.push(what))
  for (let seed = 1; seed <= 40; seed += 1) {
    const below = random(seed * 2_654_435_761)
    const table = new OrderTable(32)
    const model = new Map<number, number>()
    for (let i = 0; i < 4_000; i += 1) {
      // Ids that collide in their low bits as well as consecutive ones, and some beyond 32 bits.
      const id = 1 + below(60) * (seed % 3 === 0 ? 64 : 1) + (seed % 5 === 0 ? 2 ** 40 : 0)
      if (model.has(id)) {
        check(table.price[table.find(id)] === model.get(id), `seed ${seed} step ${i}: price of ${id}`)
        if (below(2) === 0) {
          table.remove(table.find(id))
          model.delete(id)
        }
      } else if (model.size < 32) {
        check(table.find(id) === -1, `seed ${seed} step ${i}: ${id} found`)
        table.price[table.insert(id)] = i
        model.set(id, i)
      } else {
        expect(() => table.insert(id)).toThrow(FafnirError)
      }
      check(table.size === model.size, `seed ${seed} step ${i}: size`)
    }
    for (const [id, price] of model) check(table.price[table.find(id)] === price, `seed ${seed}: ${id} at the end`)
    table.clear()
    for (const id of model.keys()) check(table.find(id) === -1, `seed ${seed}: ${id} after clear`)
  }
  expect(wrong).toEqual([])
})
