// A client to run the dealer against: it keeps what it is sent as lines.
import { fixInitiator } from 'fafnir/fix'

const states = { 0: 'new', 1: 'partly filled', 2: 'filled', 4: 'cancelled', 8: 'rejected' }

function line(message) {
  const text = message.has('Text') ? ` (${message.string('Text')})` : ''
  if (message.msgType === 'j') return `${message.string('RefMsgType')} refused${text}`
  const id = message.string('ClOrdID')
  if (message.msgType === '9') return `${id} refused${text}`
  const state = states[message.char('OrdStatus')]
  const last = message.has('LastQty') ? `, ${message.number('LastQty')} at ${message.string('LastPx')}` : ''
  const left = message.number('LeavesQty') > 0 ? `, ${message.number('LeavesQty')} left` : ''
  const replaced = message.char('ExecType') === '5' ? ` in the place of ${message.string('OrigClOrdID')}` : ''
  return `${id} ${state}${replaced}${last}${left}${text}${message.possDup ? ', sent again' : ''}`
}

/** Connects to a dealer's port. */
export async function startClient(name, port, storeDir, password) {
  const lines = []
  const session = { beginString: 'FIX.4.4', senderCompId: name, targetCompId: 'DEALER', password }
  const host = await fixInitiator({
    sessions: [{ ...session, addresses: [`127.0.0.1:${port}`] }],
    shared: { storeDir },
    onBatch: (batch) => {
      for (const event of batch) if (event.kind === 'message') lines.push(line(event))
    },
  })
  const [own] = host.sessions
  const common = { Side: '1', Symbol: 'FAF', OrdType: '2' }
  const send = (message, fields) => own.send(message, { ...common, TransactTime: new Date(), ...fields })
  return {
    name,
    lines,
    buy: (id, quantity, price, more) =>
      send('NewOrderSingle', { ClOrdID: id, OrderQty: quantity, Price: price, ...more }),
    replace: (id, orig, quantity, price) =>
      send('OrderCancelReplaceRequest', { ClOrdID: id, OrigClOrdID: orig, OrderQty: quantity, Price: price }),
    cancel: (id, orig, quantity) =>
      send('OrderCancelRequest', { ClOrdID: id, OrigClOrdID: orig, OrderQty: quantity, OrdType: undefined }),
    raw: (message, fields) => own.send(message, fields),
    close: () => host.close(),
  }
}
