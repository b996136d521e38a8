import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'

import { formatRing, regionBytes } from './layout.js'
import { RegistersReader, registersCapacityBytes } from './registers.js'

// A writer of its own, by the text of crates/ring/src/registers.rs: odd version, state, even version.
const WRITER = `
  const { parentPort, workerData } = require('node:worker_threads')
  const i32 = new Int32Array(workerData.buffer)
  const at = 160 + 32
  for (let number = 1; number <= workerData.writes; number += 1) {
    Atomics.store(i32, at, 2 * number - 1)
    for (let i = 2; i < 32; i += 1) Atomics.store(i32, at + i, number)
    Atomics.store(i32, at, 2 * number)
    if (number % 1000 === 0) Atomics.wait(i32, 12, 0, 1)
  }
  parentPort.postMessage('done')
`

test('a register is read whole while another thread writes it', async () => {
  const view = new Uint8Array(new SharedArrayBuffer(regionBytes(registersCapacityBytes(2))))
  formatRing(view, 'registers')
  const reader = new RegistersReader(view)
  expect([reader.count, reader.read(0), reader.read(2), reader.read(-1), reader.read(7)]).toEqual([
    2,
    true,
    false,
    false,
    false,
  ])
  const writes = 200_000
  const worker = new Worker(WRITER, { eval: true, workerData: { buffer: view.buffer, writes } })
  let done = false
  worker.once('message', () => (done = true))
  let [last, seen] = [0, 0]
  while (last < writes) {
    for (let i = 0; i < 1_000; i += 1) {
      // A writer that loses its core inside a register makes a read fail; it says so.
      if (!reader.read(1)) continue
      const [first] = reader.words
      if (!reader.words.every((word) => word === first)) throw new Error(`torn: ${reader.words.join(' ')}`)
      if (first! < last) throw new Error(`${first} after ${last}`)
      if (first! > last) seen += 1
      last = first!
    }
    if (!done) await new Promise((resolve) => setImmediate(resolve))
  }
  expect(seen).toBeGreaterThan(10)
  await worker.terminate()
})
