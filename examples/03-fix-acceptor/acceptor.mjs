// The acceptance application: orders, security definitions and emails come back with the body they had. What else an
// application may send is answered "Unsupported Message Type". `npm run fix:acceptor -- --port 9878` runs it alone.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { fixAcceptor } from 'fafnir/fix'

const plain = [
  ['FIX.4.0', 'TW40'],
  ['FIX.4.1', 'TW41'],
  ['FIX.4.2', 'TW42'],
  ['FIX.4.3', 'TW43'],
  ['FIX.4.4', 'TW44'],
  ['FIX.4.4', 'TW'],
  ['FIX.4.4', 'NO_CHECK_FIELDS_HAVE_VALUES'],
]
const later = [
  ['FIX.5.0', 'TW50'],
  ['FIX.5.0SP1', 'TW50SP1'],
  ['FIX.5.0SP2', 'TW50SP2'],
]

/** The sessions of ISLD. */
const sessions = [
  ...plain.map(([beginString, targetCompId]) => ({
    beginString,
    targetCompId,
    validation: { fieldsHaveValues: targetCompId !== 'NO_CHECK_FIELDS_HAVE_VALUES' },
  })),
  ...later.map(([application, targetCompId]) => ({ beginString: 'FIXT.1.1', application, targetCompId })),
].map((session) => ({ ...session, senderCompId: 'ISLD', resetOnLogon: true, announceReset: false }))

/** Sends every message back. A full queue is told and the message is lost, as an exchange of a test may do. */
function echo(batch) {
  for (let at = 0; at < batch.length; at += 1) {
    const event = batch.at(at)
    if (event.kind === 'fault') console.error(event.error.message)
    if (event.kind !== 'message' || event.msgType === '3') continue
    if (event.session.forward(event) === 'FIX_QUEUE_FULL') console.error(`not sent back: ${event}`)
  }
}

/** Starts it; port 0 takes a free one. */
export function startAcceptor(port) {
  return fixAcceptor({ port, sessions, accepts: ['D', 'd', 'C'], onBatch: echo })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '9878' } } })
  const acceptor = await startAcceptor(Number(values.port))
  console.log(`listening on ${acceptor.address}`)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void acceptor.close())
}
