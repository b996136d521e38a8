// A dealer with two clients: orders that fill, rest, are replaced, cancelled and refused; a client that leaves with an
// order at work and hears of it when it is back. dealer.mjs is the part to start from.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startClient } from './client.mjs'
import { startDealer } from './dealer.mjs'

const { instruments, quotes } = JSON.parse(readFileSync(new URL('input.json', import.meta.url), 'utf8'))
const folder = mkdtempSync(join(tmpdir(), 'fafnir-dealer-'))

const said = []
const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1))
}
/** The dealer has said this. */
const heard = async (words) => {
  await until(() => said.includes(words))
  console.log(said.splice(said.indexOf(words), 1)[0])
}
/** A client has been sent so many messages. */
const got = async (client, count) => {
  await until(() => client.lines.length >= count)
  for (const line of client.lines.splice(0)) console.log(`  ${client.name}: ${line}`)
}

const clients = { NORTH: 'compass', SOUTH: 'needle' }
const dealer = await startDealer({
  clients,
  instruments,
  storeDir: join(folder, 'dealer'),
  say: (line) => said.push(line),
})
const connect = (name, password = clients[name]) => startClient(name, dealer.port, join(folder, name), password)
const stranger = await connect('NORTH', 'guess')
await heard('NORTH is refused')
await stranger.close()
const north = await connect('NORTH')
await heard('NORTH is here')
let south = await connect('SOUTH')
await heard('SOUTH is here')

console.log('at the quote, and behind it')
dealer.quote(quotes[0])
north.buy('N-1', 500, '101.255')
await got(north, 2)
south.buy('S-1', 100, '101.250')
await got(south, 1)

console.log('what is not taken')
south.buy('S-1', 100, '101.250')
south.buy('S-2', 100, '101.2512')
south.buy('S-3', 5_000, '101.250')
south.buy('S-4', 100, '101.250', { Symbol: 'NONE' })
south.buy('S-5', 100, '101.250', { OrdType: '1' })
south.buy('S-0', 100, '101.250', { TransactTime: new Date(Date.now() - 60_000) })
await got(south, 6)
north.raw('Email', { EmailThreadID: '1', EmailType: '0', Subject: 'lunch', NoLinesOfText: [{ Text: 'now?' }] })
await got(north, 1)

console.log('the quote moves')
dealer.quote(quotes[1])
await got(north, 1)
await got(south, 1)

console.log('replaced, cancelled')
south.replace('S-6', 'S-1', 150, '101.245')
south.cancel('S-7', 'S-1', 150)
south.cancel('S-8', 'S-6', 150)
south.cancel('S-9', 'S-6', 150)
await got(south, 4)

console.log('gone, and back')
south.buy('S-10', 70, '101.240')
await got(south, 1)
await south.close()
await heard('SOUTH is gone, 1 orders cancelled')
south = await connect('SOUTH')
await heard('SOUTH is here')
await got(south, 1)

console.log('the end of the day')
north.buy('N-2', 40, '101.200')
await got(north, 1)
dealer.halt()
north.buy('N-3', 40, '101.200')
await got(north, 1)
await dealer.close()
await got(north, 1)
await north.close()
await south.close()
rmSync(folder, { recursive: true })
