// Room card: cli/init
// In:    a folder that does not exist or is empty.
// Out:   a small project: package.json, tsconfig.json, strategy.ts, strategy.test.ts, README.md.
// Holds: nothing that is there is overwritten; the test of the new project passes as written.
// Costs: cold path.
import { readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'

import { fail } from '../errors.js'
import { writeFilesAtomically } from '../report/write.js'
import { EXIT, type Output } from './output.js'

/** Writes the project. @throws FafnirError OUTPUT_FAILED when the folder is not empty or cannot be written. */
export async function initProject(dir: string, version: string, output: Output): Promise<number> {
  const directory = resolve(dir)
  const present = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw fail('OUTPUT_FAILED', 'the folder cannot be read', { path: directory, error: error.code ?? '' }, error)
  })
  if (present.length > 0) {
    throw fail('OUTPUT_FAILED', 'the folder is not empty', { path: directory, error: 'ENOTEMPTY' })
  }
  const files = projectFiles(packageName(directory), version)
  await writeFilesAtomically(
    directory,
    files.map(([name, text]) => [join(directory, name), text] as const),
  )
  const names = files.map(([name]) => name)
  if (output.json) output.out(`${JSON.stringify({ directory, files: names }, null, 2)}\n`)
  else output.out(`wrote ${names.join(', ')} into ${directory}\nnext: cd ${dir} && npm install && npm test\n`)
  return EXIT.ok
}

function packageName(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return name === '' ? 'strategy' : name
}

function projectFiles(name: string, version: string): readonly (readonly [name: string, text: string])[] {
  const manifest = {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    engines: { node: '>=20' },
    scripts: {
      start: 'fafnir demo --strategy strategy.ts',
      test: 'node --import jiti/register --test strategy.test.ts',
      typecheck: 'tsc --noEmit',
    },
    dependencies: { fafnir: `^${version}` },
    devDependencies: { '@types/node': '^20.9.5', jiti: '^2.7.0', typescript: '^5.9.3' },
  }
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    lib: ['es2022', 'esnext.disposable'],
    types: ['node'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
  }
  return [
    ['package.json', `${JSON.stringify(manifest, null, 2)}\n`],
    ['tsconfig.json', `${JSON.stringify({ compilerOptions, include: ['*.ts'] }, null, 2)}\n`],
    ['strategy.ts', STRATEGY],
    ['strategy.test.ts', TEST],
    ['README.md', readme(name)],
    ['.gitignore', 'node_modules\nruns\n'],
  ]
}

const STRATEGY = `import { defineStrategy } from 'fafnir'

/** Lots of each order, and the most the strategy holds on either side. */
const ORDER_LOTS = 10
const POSITION_LOTS_MAX = 50
/** Ticks between the touch and our orders. */
const DISTANCE_TICKS = 2

// Keeps one bid and one ask a little outside the touch, and moves them with it.
export default defineStrategy({
  apiVersion: 1,

  onBook(book, ctx) {
    if (!book.valid || !book.twoSided) {
      ctx.cancelAll(book.instrument)
      return
    }
    const position = ctx.position(book.instrument)
    quote('buy', book.bid - DISTANCE_TICKS, position + ORDER_LOTS <= POSITION_LOTS_MAX)
    quote('sell', book.ask + DISTANCE_TICKS, position - ORDER_LOTS >= -POSITION_LOTS_MAX)

    function quote(side: 'buy' | 'sell', price: number, wanted: boolean): void {
      for (let i = 0; i < ctx.orders.size; i += 1) {
        const order = ctx.orders.at(i)!
        if (order.instrument !== book.instrument || order.side !== side) continue
        // A request is on its way: its answer decides what comes next.
        if (order.state !== 'live' && order.state !== 'partiallyFilled') return
        if (!wanted) ctx.cancel(order.clientId)
        else if (order.price !== price) ctx.replace(order.clientId, { price, quantity: order.filled + ORDER_LOTS })
        return
      }
      if (wanted) ctx.place({ instrument: book.instrument, side, price, quantity: ORDER_LOTS, postOnly: true })
    }
  },
})
`

const TEST = `import assert from 'node:assert/strict'
import { test } from 'node:test'

import { backtest, type BacktestConfig } from 'fafnir'

import strategy from './strategy.ts'

const config: BacktestConfig = {
  engine: {
    venues: [{ name: 'simulated' }],
    instruments: [
      { symbol: 'BTCUSDT', venue: 'simulated', tickSize: '0.1', lotSize: '0.001', makerFee: '0.0002' },
    ],
    volatility: { window: 100 },
  },
  sources: [{ kind: 'generated', instrument: 'BTCUSDT', market: { seed: 7, seconds: 20 } }],
}

test('the strategy trades, stays inside its limit and is deterministic', async () => {
  const first = await backtest(config, { strategy, checkViews: true })
  assert.equal(first.strategy?.error, undefined)
  assert.ok(first.summary.orders.new > 0, 'it quotes')
  const [instrument] = first.summary.instruments
  // The limit is 50 lots of 0.001; orders on their way can pass it by one order.
  assert.ok(Math.abs(Number(instrument?.position)) <= 0.06)
  assert.ok(instrument?.ledger?.agrees, 'the venue counts the same position and fees')

  const second = await backtest(config, { strategy })
  assert.equal(second.summary.effectsHash, first.summary.effectsHash)
})
`

function readme(name: string): string {
  return `# ${name}

A trading strategy on fafnir.

- \`npm test\` runs it on a generated market, twice, and compares the two runs.
- \`npm start\` runs it for a minute of market time and writes \`runs/<time>/report.html\`.
- \`npx fafnir backtest --recording FILE --strategy strategy.ts\` runs it on a recording.

\`strategy.ts\` is the strategy: the same object runs in a backtest, on paper and live.
`
}
