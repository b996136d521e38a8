// A day of an order desk: orders, fills, refusals, a connection that breaks with an order at work, the logout.
// desk.mjs is the part to start from; venue.mjs and wire.mjs are what it runs against here.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { OrderMassStatusRequest } from 'fafnir/fix/fix44'

import { startDesk } from './desk.mjs'
import { startVenue } from './venue.mjs'
import { startWire } from './wire.mjs'

const { wanted, fills, fillsWhileAway } = JSON.parse(readFileSync(new URL('input.json', import.meta.url), 'utf8'))

let said = []
function say(line) {
  said.push(line)
  console.log(line)
}

/** Resolves when a line with these words has been said since the last call. */
async function heard(words) {
  while (!said.some((line) => line.includes(words))) await new Promise((resolve) => setTimeout(resolve, 1))
  said = []
}

const venue = await startVenue('FAF', fills)
const wire = await startWire(venue.port)
const storeDir = mkdtempSync(join(tmpdir(), 'fafnir-desk-'))
const session = { senderCompId: 'DESK', targetCompId: 'VENUE', addresses: [`127.0.0.1:${wire.port}`] }
const desk = await startDesk({ session, storeDir, say })
await heard('logged on')

desk.place('A-1', wanted['A-1'])
await heard('A-1 is done')
desk.place('A-2', wanted['A-2'])
await heard('A-2 is done')
desk.place('A-3', wanted['A-3'])
desk.cancel('A-3', 'C-3')
await heard('A-3 is done')
desk.cancel('A-1', 'C-1')
await heard('A-1 not cancelled')

// A message the venue's application does not take, and one its session does not let through.
desk.send(OrderMassStatusRequest, 'M-1', { MassStatusReqID: 'M-1', MassStatusReqType: 7 })
await heard('refused')
desk.place('A-6', wanted['A-5'], { TimeInForce: 'X' })
await heard('refused')

desk.place('A-4', wanted['A-4'])
await heard('A-4 filled')
wire.cut()
await heard('cannot connect')
for (const [quantity, price] of fillsWhileAway['A-4']) venue.fill('A-4', quantity, price)
desk.place('A-5', wanted['A-5'])
await heard('A-5 not sent')
wire.mend()
await heard('A-4 is as it was')

await desk.close('end of day')
wire.close()
await venue.close()
rmSync(storeDir, { recursive: true })
for (const { clOrdId, filled } of desk.orders.values()) console.log(`${clOrdId}: ${filled} filled`)
