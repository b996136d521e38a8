// A TCP connection that can be cut.
import { connect, createServer } from 'node:net'

/** Passes on what comes to a free port, until it is cut; `mend` lets it pass again. */
export async function startWire(port) {
  const open = new Set()
  let whole = true
  const server = createServer((from) => {
    if (!whole) return from.destroy()
    const to = connect(port, '127.0.0.1')
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ]) {
      open.add(socket)
      socket.setNoDelay()
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        open.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: server.address().port,
    cut() {
      whole = false
      for (const socket of open) socket.destroy()
    },
    mend() {
      whole = true
    },
    close() {
      this.cut()
      server.close()
    },
  }
}
