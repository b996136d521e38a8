// An acceptor and an initiator of FIX in one process: an order goes out, and comes back with the body it had; a message
// the acceptor does not take comes back as a refusal.
import { readFileSync } from 'node:fs'

import { fixInitiator } from 'fafnir/fix'

import { startAcceptor } from './acceptor.mjs'

const { order } = JSON.parse(readFileSync(new URL('input.json', import.meta.url), 'utf8'))
const acceptor = await startAcceptor(0)
const initiator = await fixInitiator({
  sessions: [
    {
      beginString: 'FIX.4.4',
      senderCompId: 'TW44',
      targetCompId: 'ISLD',
      addresses: [`127.0.0.1:${acceptor.port}`],
      resetOnLogon: true,
    },
  ],
})

let answers = 0
for await (const batch of initiator.batches()) {
  for (const event of batch) {
    if (event.kind === 'logon') {
      const { session } = event
      console.log(`logged on: ${session.name.senderCompId} to ${session.name.targetCompId}`)
      session.send('NewOrderSingle', { ...order, TransactTime: new Date() })
    }
    if (event.kind !== 'message') continue
    answers += 1
    const name = event.session.dictionary.messageName(event.msgType)
    if (name === 'NewOrderSingle') {
      const { mantissa, exponent } = event.decimal('Price')
      console.log(`${name} ${event.string('ClOrdID')}: ${event.number('OrderQty')} at ${mantissa}e${exponent}`)
      for (const party of event.group('NoPartyIDs')) {
        console.log(`  party ${party.string('PartyID')}, role ${party.number('PartyRole')}`)
      }
      event.session.send('QuoteRequest', { QuoteReqID: 'Q1', NoRelatedSym: [{ Symbol: order.Symbol }] })
    } else console.log(`${name} of ${event.string('RefMsgType')}: ${event.string('Text')}`)
  }
  if (answers === 2) break
}
await initiator.close()
await acceptor.close()
