import assert from 'node:assert/strict'
import { test } from 'node:test'
import { better, judge, judgeAll, lastJson, readBudgets, table } from './run.mjs'
import { isFlat, trend } from './soak.mjs'

const budgets = `
[room.engine]
command = ["x"]
[[row]]
id = "engine/a"
kind = "max"
goal = 1.5
[[row]]
id = "engine/b"
kind = "rival"
goal = 2
rival = 30
rivalName = "listed"
[[row]]
id = "book/c"
kind = "min"
goal = 10
`

test('an absolute goal: ratio is ours over the goal', () => {
  const max = { kind: 'max', goal: 1.5 }
  assert.deepEqual(judge({ id: 'a', what: 'w', ours: 1.2, unit: 'us' }, max), {
    id: 'a', what: 'w', ours: 1.2, rival: null, rivalName: null, unit: 'us', ratio: 1.2 / 1.5, goal: 1.5, met: true,
  })
  assert.equal(judge({ id: 'a', ours: 1.6 }, max).met, false)
  assert.equal(judge({ id: 'a', ours: 1.5 }, max).met, true)
  assert.equal(judge({ id: 'a', ours: 9 }, { kind: 'min', goal: 10 }).met, false)
})

test('a rival slower than its listed figure allows makes its row invalid, until a quieter run', () => {
  const budget = { kind: 'rival', goal: 20, listed: 1_000 }
  const row = (ours, rival) => judge({ id: 'a', ours, rival }, budget)
  const [quiet, bound, loaded] = [row(40, 1_000), row(50, 1_250), row(40, 1_251)]
  assert.deepEqual([quiet.valid, quiet.met, quiet.listed], [true, true, 1_000])
  assert.deepEqual([bound.valid, bound.met], [true, true])
  assert.deepEqual([loaded.valid, loaded.met], [false, false])
  assert.deepEqual([row(100, 1_000).valid, row(100, 1_000).met], [true, false])
  assert.deepEqual([row(40, undefined).valid, row(40, undefined).met], [undefined, false])
  assert.equal(judge({ id: 'a', ours: 40, rival: 9_000 }, { kind: 'rival', goal: 20 }).valid, undefined)
  const [missed, reached] = [{ id: 'b', met: false }, { id: 'b', met: true }]
  assert.deepEqual(better([loaded, missed], [quiet, reached]), [quiet, missed])
  assert.deepEqual(better([loaded], [loaded]), [loaded])
  assert.match(table([loaded], new Map([['a', budget]])), /INVALID/)
})

test('a figure missed on a core that others worked on is not judged; one that is reached is', () => {
  const max = { kind: 'max', goal: 20 }
  const [missed, reached] = [33, 19].map((ours) => judge({ id: 'a', ours, loaded: true }, max))
  assert.deepEqual([missed.valid, missed.met, reached.valid, reached.met], [false, false, undefined, true])
  const quiet = judge({ id: 'a', ours: 18, loaded: false }, max)
  assert.deepEqual([quiet.valid, quiet.met, better([missed], [quiet])], [undefined, true, [quiet]])
})

test('a goal of zero is met by zero only, and nothing becomes NaN', () => {
  const none = { kind: 'max', goal: 0 }
  const [zero, some] = [judge({ id: 'a', ours: 0 }, none), judge({ id: 'a', ours: 0.5 }, none)]
  assert.deepEqual([zero.ratio, zero.met, some.ratio, some.met], [0, true, null, false])
})

test('a comparison of cost: ratio is the rival over ours', () => {
  const rival = { kind: 'rival', goal: 2, rival: 30, rivalName: 'listed' }
  const listed = judge({ id: 'b', ours: 10 }, rival)
  assert.deepEqual([listed.ratio, listed.met, listed.rivalName], [3, true, 'listed'])
  assert.deepEqual([judge({ id: 'b', ours: 10, rival: 15, rivalName: 'run' }, rival).met], [false])
  assert.equal(judge({ id: 'b', ours: 0 }, rival).met, true)
  assert.equal(judge({ id: 'b', ours: 10 }, { kind: 'rival', goal: 2 }).met, false)
})

test('what was not measured is not met; what has no budget is refused', () => {
  const { goals, rooms } = readBudgets(budgets)
  assert.deepEqual(rooms.engine.command, ['x'])
  const rows = judgeAll('engine', [{ id: 'engine/a', what: 'w', ours: null, unit: 'us' }], goals)
  assert.deepEqual(rows.map((row) => [row.id, row.met]), [['engine/a', false], ['engine/b', false]])
  assert.throws(() => judgeAll('engine', [{ id: 'engine/x', ours: 1 }], goals), /no row engine\/x/)
  assert.match(table(rows, goals), /engine\/b +not measured +- +30 \(listed\) +- +x >= 2 +NO/)
})

test('malformed budgets and output are refused', () => {
  assert.throws(() => readBudgets('[[row]]\nid = "a"\nkind = "most"\ngoal = 1'), /kind/)
  assert.throws(() => readBudgets('[[row]]\nid = "a"\nkind = "max"\ngoal = 1\n'.repeat(2)), /twice/)
  assert.throws(() => lastJson('nothing'), /no JSON/)
  assert.throws(() => lastJson('{"floors":{}}'), /no rows/)
  assert.deepEqual(lastJson('noise\n{"rows":[]}\n').rows, [])
})

test('memory: the least-squares line of samples a second apart', () => {
  assert.deepEqual(trend([5, 5, 5]), { slopePerMinute: 0, spread: 0 })
  // 0, 2, 4, ... rises by 2 a second, whatever is added to all.
  assert.deepEqual(trend([7, 9, 11, 13]), { slopePerMinute: 120, spread: 6 })
  // By hand: x = 0..3, y = 1 0 2 1: sum (x - 1.5)(y - 1) = 1, sum (x - 1.5)^2 = 5.
  const { slopePerMinute, spread } = trend([1, 0, 2, 1])
  assert.ok(Math.abs(slopePerMinute - 12) < 1e-9 && spread === 2)
})

test('memory: what rises is not flat, a sawtooth of mapped segments is', () => {
  const over = (seconds, of) => Array.from({ length: seconds }, (_, second) => of(second))
  assert.equal(isFlat('private', over(600, (second) => 100 + (second % 2))), true)
  assert.equal(isFlat('private', over(600, (second) => 100 + (1.1 / 60) * second)), false)
  assert.equal(isFlat('private', over(600, (second) => 100 + (0.9 / 60) * second)), true)
  assert.equal(isFlat('private', over(600, (second) => (second === 300 ? 170 : 100))), false, 'spread')
  assert.equal(isFlat('private', over(20, (second) => 100 + (3 / 20) * second)), true, 'too short for its slope')
  assert.equal(isFlat('private', over(20, (second) => 100 + (5 / 20) * second)), false)
  assert.equal(isFlat('resident', over(600, (second) => 100 + 64 * ((second % 4) / 4))), true)
  assert.equal(isFlat('resident', over(600, (second) => 100 + second)), false)
})
