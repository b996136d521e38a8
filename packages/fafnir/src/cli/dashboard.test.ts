import { describe, expect, it } from 'vitest'

import { liveLine, panelLines, showDashboard, type LiveView } from './dashboard.js'

const view: LiveView = {
  seconds: 12.4,
  state: 'trading',
  messages: 66_089,
  orders: { new: 12, cancel: 3, replace: 1_200, fills: 7 },
  openOrders: 2,
  tickToOrder: { count: 9, p50: 5_120, p99: 81_000, max: 1_200_000 },
  instruments: [
    {
      symbol: 'BTCUSDT',
      bid: '61653.9',
      ask: '61654.0',
      quoteBid: '61653.4',
      quoteAsk: undefined,
      inventory: '-0.010',
      pnl: '-1.43',
      currency: 'USDT',
    },
  ],
}

function stream(isTTY: boolean): { readonly written: string[]; readonly stream: NodeJS.WriteStream } {
  const written: string[] = []
  const fake = { isTTY, columns: 100, write: (text: string) => written.push(text) > 0 }
  return { written, stream: fake as unknown as NodeJS.WriteStream }
}

describe('dashboard', () => {
  it('shows top of book, our quotes, inventory, P&L, orders and latencies', () => {
    const text = panelLines('demo', view).join('\n')
    for (const part of ['demo · 12 s · trading', '61653.9', '61654.0', '61653.4', '–', '-0.010', '-1.43 USDT']) {
      expect(text).toContain(part)
    }
    expect(text).toContain('messages 66,089 · new 12 replace 1,200 cancel 3 fills 7 · open 2')
    expect(text).toContain('tick to order p50 5.12 µs p99 81.00 µs max 1.2 ms')
    const none = { ...view, tickToOrder: { count: 0, p50: 0, p99: 0, max: 0 } }
    expect(panelLines('demo', none).at(-1)).toBe('tick to order: no order yet')
  })

  it('says the same on one line', () => {
    expect(liveLine(view)).toBe(
      '12 s · trading · 66,089 messages · BTCUSDT 61653.9/61654.0 ours 61653.4/– inventory -0.010 P&L -1.43 USDT · ' +
        'fills 7 · tick to order p50 5.12 µs',
    )
  })

  it('redraws in place on a terminal and wipes itself, prints lines elsewhere, and nothing when silent', () => {
    const terminal = stream(true)
    const panel = showDashboard('demo', terminal.stream, false)
    panel.update(view)
    panel.update(view)
    panel.done()
    panel.done()
    const rows = panelLines('demo', view).length
    expect(terminal.written.filter((text) => text === `\u001b[${rows}A\u001b[J`)).toHaveLength(2)
    expect(terminal.written.join('').split('\n').every((line) => line.length < 130)).toBe(true)
    const plain = stream(false)
    const lines = showDashboard('demo', plain.stream, false)
    lines.update(view)
    lines.update(view)
    lines.done()
    expect(plain.written).toEqual([`${liveLine(view)}\n`])
    const silent = stream(true)
    showDashboard('demo', silent.stream, true).update(view)
    expect(silent.written).toEqual([])
  })
})
