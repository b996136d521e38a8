// Room card: cli/live-commands
// In:    the arguments of the commands that open sockets: demo, venue, run, paper, record.
// Out:   what they print, and their exit codes.
// Holds: options are checked before anything is opened.
// Costs: cold path.
import { mkdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

import { Option, type Command } from 'commander'

import { fail } from '../errors.js'
import type { EngineConfig, HostConfig } from '../generated/config.js'
import type { AnyStrategy } from '../strategy/define.js'
import { runDemo } from './demo.js'
import { runLive } from './live.js'
import { loadStrategy } from './load-strategy.js'
import { addQuoterOptions, decimalText, quoterOverrides, speed, whole, type QuoterFlags } from './options.js'
import type { Output } from './output.js'
import type { ExchangeFlags } from './presets-live.js'
import { runPaper, runRecord, type PaperFlags, type PublicFlags } from './public.js'
import { runVenue, type VenueFlags } from './venue.js'
import { PUBLIC_VENUES } from './venues.js'

/** What these commands need of the process. */
export interface LiveHost {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly signal: AbortSignal
  readonly packageEntry: string
  /** The file of this command. */
  readonly command: string
}

/** Makes an action of commander's out of one that answers with an exit code. */
export type Action = <Args extends unknown[]>(
  run: (...args: Args) => Promise<number>,
) => (...args: Args) => Promise<void>

interface SessionFlags extends QuoterFlags {
  readonly strategy?: string
  readonly out?: string
  readonly dumpEffects?: string
  readonly json?: boolean
}

const YEAR_SECONDS = 31_622_400
const PORT_MAX = 65_535

/** Adds the commands. */
export function addLiveCommands(program: Command, host: LiveHost, action: Action): void {
  const output = (json: boolean | undefined): Output => ({ out: host.out, err: host.err, json: json === true })
  addDemo(
    program,
    action(async (flags: SessionFlags & ExchangeFlags) => {
      const { out, dumpEffects } = flags
      const [strategy, overrides] = [await strategyOf(flags, host), quoterOverrides(flags)]
      const { signal, command } = host
      return runDemo({ flags, overrides, strategy, out, dumpEffects, output: output(flags.json), signal, command })
    }),
  )
  addVenue(
    program,
    action((flags: VenueFlags) => runVenue(flags, output(flags.json), host.signal)),
  )
  addRun(
    program,
    action(async (flags: RunFlags) => runEngine(flags, await strategyOf(flags, host), output(flags.json), host.signal)),
  )
  addPaper(
    program,
    action(async (flags: SessionFlags & PaperFlags) => {
      const strategy = await strategyOf(flags, host)
      return runPaper(flags, quoterOverrides(flags), strategy, output(flags.json), host.signal)
    }),
  )
  addRecord(
    program,
    action((flags: PublicFlags & { readonly json?: boolean }) => runRecord(flags, output(flags.json), host.signal)),
  )
}

async function strategyOf(flags: SessionFlags, host: LiveHost): Promise<AnyStrategy | undefined> {
  return flags.strategy === undefined ? undefined : await loadStrategy(flags.strategy, host.packageEntry)
}

function option(flags: string, text: string): Option {
  return new Option(flags, text)
}

function addSessionOptions(command: Command): Command {
  return addQuoterOptions(command)
    .addOption(option('--strategy <file>', 'a strategy in TypeScript or JavaScript, instead of the native maker'))
    .addOption(option('--out <dir>', 'folder to write into (default: runs/<time>)'))
    .addOption(option('--dump-effects <file>', 'write exactly the bytes that the effects hash covers'))
    .addOption(option('--json', 'print one JSON object'))
}

function addMarketOptions(command: Command): Command {
  return command
    .addOption(option('--recording <file>', 'play a recording (default: a generated market)'))
    .addOption(option('--symbol <symbol>', 'symbol of the recording (default: that of the first message)'))
    .addOption(option('--feed <feed>', 'rules of its feed (default: by the first messages)').choices(['usdm', 'spot']))
    .addOption(option('--tick-size <price>', 'finest price').argParser(decimalText))
    .addOption(option('--lot-size <quantity>', 'finest quantity').argParser(decimalText))
    .addOption(option('--maker-fee <rate>', 'maker fee as a rate of value').argParser(decimalText))
    .addOption(option('--taker-fee <rate>', 'taker fee as a rate of value').argParser(decimalText))
    .addOption(option('--seed <n>', 'seed of the generated market').argParser(whole(0, Number.MAX_SAFE_INTEGER)))
    .addOption(option('--seconds <n>', 'market time, seconds').argParser(whole(1, YEAR_SECONDS)))
    .addOption(option('--speed <n>', 'how fast the market plays: 1 to 1000, or max').argParser(speed))
    .addOption(option('--loop <n>', 'play the recording so often').argParser(whole(1, 1_000_000)))
}

function addDemo(program: Command, run: (flags: SessionFlags & ExchangeFlags) => Promise<void>): void {
  const command = program
    .command('demo')
    .description('run an exchange and the market maker against it, two processes over loopback')
  addSessionOptions(addMarketOptions(command)).action(run)
}

function addVenue(program: Command, run: (flags: VenueFlags) => Promise<void>): void {
  const command = program
    .command('venue')
    .description('run an exchange: market data on a WebSocket, snapshots over HTTP, order entry over FIX 4.4')
    .addOption(option('--config <file>', 'its whole configuration as JSON'))
  addMarketOptions(command)
    .addOption(option('--host <address>', 'address to listen on (default: 127.0.0.1)'))
    .addOption(option('--market-port <n>', 'port of market data and snapshots').argParser(whole(0, PORT_MAX)))
    .addOption(option('--orders-port <n>', 'port of order entry').argParser(whole(0, PORT_MAX)))
    .addOption(option('--state <dir>', 'folder of its ledger; one that is there is taken up again'))
    .addOption(option('--cancel-on-disconnect', "cancel a session's orders when it is lost"))
    .addOption(option('--tls-certificate <file>', 'PEM file of the certificate chain: every port speaks TLS'))
    .addOption(option('--tls-key <file>', 'PEM file of the private key'))
    .addOption(option('--drop-fill <n>', 'never send this fill report, to see it found').argParser(whole(1, 1e9)))
    .addOption(option('--attached', 'configuration on stdin, lines of JSON on stdout, ends with stdin').hideHelp())
    .addOption(option('--json', 'print one JSON object at the end'))
    .action(run)
}

interface RunFlags extends SessionFlags {
  readonly config: string
  readonly state: string
  readonly seconds?: number
}

function addRun(program: Command, run: (flags: RunFlags) => Promise<void>): void {
  program
    .command('run')
    .description('run an engine with native links until it is stopped; a state folder that is there is taken up again')
    .addOption(option('--config <file>', 'configuration as JSON: { engine, host }').makeOptionMandatory())
    .addOption(option('--state <dir>', 'folder of its state').makeOptionMandatory())
    .addOption(option('--strategy <file>', 'a strategy in TypeScript or JavaScript'))
    .addOption(option('--seconds <n>', 'stop after so long').argParser(whole(1, YEAR_SECONDS)))
    .addOption(option('--dump-effects <file>', 'write exactly the bytes that the effects hash covers'))
    .addOption(option('--json', 'print one JSON object'))
    .action(run)
}

async function runEngine(
  flags: RunFlags,
  strategy: AnyStrategy | undefined,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const { engine, host } = await readLiveConfig(flags.config)
  const path = resolve(flags.state)
  await mkdir(path, { recursive: true })
  return runLive({
    title: `run: ${path}`,
    engine,
    host,
    strategy,
    directory: { path, created: undefined },
    dumpEffects: flags.dumpEffects,
    output,
    over: signal,
    seconds: flags.seconds,
  })
}

async function readLiveConfig(path: string): Promise<{ readonly engine: EngineConfig; readonly host: HostConfig }> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    const error = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw fail('FILE_MISSING', 'the configuration file cannot be read', { path, error }, cause)
  }
  try {
    const value = JSON.parse(text) as { readonly engine?: EngineConfig; readonly host?: HostConfig } | null
    if (typeof value === 'object' && value?.engine !== undefined)
      return { engine: value.engine, host: value.host ?? {} }
  } catch (cause) {
    const what = (cause as Error).message
    throw fail('CONFIG_INVALID', 'the configuration file is not JSON', { path, what }, cause)
  }
  throw fail('CONFIG_INVALID', 'the file holds no configuration of an engine', { path, allowed: '{ engine, host }' })
}

function addPublicOptions(command: Command): Command {
  return command
    .addOption(option('--venue <venue>', 'whose feed').choices(PUBLIC_VENUES).makeOptionMandatory())
    .addOption(option('--symbol <symbol>', 'symbol, as the venue writes it').makeOptionMandatory())
    .addOption(option('--seconds <n>', 'stop after so long (default: when stopped)').argParser(whole(1, YEAR_SECONDS)))
    .addOption(option('--tick-size <price>', 'finest price').argParser(decimalText))
    .addOption(option('--lot-size <quantity>', 'finest quantity').argParser(decimalText))
    .addOption(option('--url <url>', "WebSocket address instead of the venue's"))
    .addOption(option('--snapshot-url <url>', "snapshot address instead of the venue's; {symbol} is replaced"))
    .addOption(option('--ca-file <file>', "PEM file of trusted authorities instead of the system's"))
}

function addPaper(program: Command, run: (flags: SessionFlags & PaperFlags) => Promise<void>): void {
  const command = program
    .command('paper')
    .description('trade on a public feed against the local queue model; nothing is sent to the venue')
  addSessionOptions(addPublicOptions(command))
    .addOption(option('--maker-fee <rate>', 'maker fee as a rate of value').argParser(decimalText))
    .addOption(option('--taker-fee <rate>', 'taker fee as a rate of value').argParser(decimalText))
    .addOption(option('--latency-micros <n>', 'to the queue model and back, each').argParser(whole(0, 60_000_000)))
    .action(run)
}

function addRecord(program: Command, run: (flags: PublicFlags & { readonly json?: boolean }) => Promise<void>): void {
  const command = program.command('record').description('record a public feed')
  addPublicOptions(command)
    .addOption(option('--out <file>', 'file to write; gzip when it ends in .gz'))
    .addOption(option('--json', 'print one JSON object'))
    .action(run)
}
