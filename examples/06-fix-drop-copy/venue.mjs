// A venue to run the logger against: it sends copies of executions, whether somebody is there to read them or not.
import { fixAcceptor } from 'fafnir/fix'

/** Starts it. `session` is its configuration; `shared` where it keeps what it has sent. */
export async function startVenue(session, shared, port = 0) {
  const host = await fixAcceptor({ port, sessions: [session], shared, onBatch: () => undefined })
  const [own] = host.sessions
  const before42 = session.beginString === 'FIX.4.2' ? { ExecTransType: '0' } : {}

  async function send(number, more = {}) {
    const fields = {
      OrderID: `O${number}`,
      // As long as each other: how much a store holds does not depend on it.
      ExecID: `${session.senderCompId}-${String(number).padStart(6, '0')}`,
      ExecType: session.beginString === 'FIX.4.2' ? '1' : 'F',
      OrdStatus: '1',
      ClOrdID: `C${number}`,
      Symbol: 'FAF',
      Side: '1',
      OrderQty: 1_000_000,
      LeavesQty: 1_000_000 - number,
      CumQty: number,
      AvgPx: '101.25',
      32: 1,
      31: '101.25',
      TransactTime: new Date(),
      ...before42,
      ...more,
    }
    while (own.send('ExecutionReport', fields) === 'FIX_QUEUE_FULL')
      await new Promise((resolve) => setImmediate(resolve))
  }

  return {
    port: host.port,
    /** Executions of these numbers. */
    async execute(from, to, more) {
      for (let number = from; number <= to; number += 1) {
        await send(number, more)
        // Other work of this thread has its turn.
        if (number % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    },
    close: () => host.close(),
  }
}
