// Room card: cli/program
// In:    the arguments of the command.
// Out:   what the command prints, and its exit code.
// Holds: an error is one line (one JSON object with --json); usage errors exit with 2, faults with 1, SIGINT with 130.
// Costs: cold path.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

import { Command, CommanderError, Option } from 'commander'

import { checkConfig } from '../backtest/backtest.js'
import { replay } from '../backtest/replay.js'
import { fail } from '../errors.js'
import type { BacktestConfig } from '../generated/config.js'
import { addAdvise } from './advise.js'
import { addAllocate } from './allocate.js'
import { addCalibrate } from './calibrate.js'
import { requireParent } from './directory.js'
import { doctor } from './doctor.js'
import { addExplain, runExplain, type ExplainFlags } from './explain.js'
import { fixTypesCommand } from './fix-types.js'
import { initProject } from './init.js'
import { addLiveCommands } from './live-commands.js'
import { loadStrategy } from './load-strategy.js'
import { addQuoterOptions, decimalText, quoterOverrides, whole, type QuoterFlags } from './options.js'
import { EXIT, printError, type Output } from './output.js'
import { demoConfig, overridden, type QuoterOverrides, type RecordedFeed } from './presets.js'
import { recordedConfig } from './presets-live.js'
import { showProgress } from './progress.js'
import { runAndReport } from './run.js'
import { addServe } from './serve.js'

/** What the command needs of the process. */
export interface CliHost {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Aborted by SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** The library's entry file: what `fafnir` means in a strategy file. */
  readonly packageEntry: string
  /** The file of this command. */
  readonly command: string
  readonly version: string
  /** Where a person's answers come from. Default: standard input. */
  readonly input?: NodeJS.ReadableStream | undefined
}

interface JsonFlag {
  readonly json?: boolean
}

interface RunFlags extends QuoterFlags, JsonFlag {
  readonly strategy?: string
  readonly out?: string
  readonly dumpEffects?: string
  readonly seconds?: number
}

interface BacktestFlags extends RunFlags {
  readonly recording?: string
  readonly generated?: boolean
  readonly config?: string
  readonly symbol?: string
  readonly feed?: RecordedFeed
  readonly tickSize?: string
  readonly lotSize?: string
  readonly makerFee?: string
  readonly takerFee?: string
  readonly seed?: number
}

const YEAR_SECONDS = 31_622_400
/** Length of a generated market unless said otherwise. */
const GENERATED_SECONDS = 60

/** Runs the command with these arguments (without node and script); the exit code. */
export async function runCli(args: readonly string[], host: CliHost): Promise<number> {
  const output = (json: boolean | undefined): Output => ({ out: host.out, err: host.err, json: json === true })
  let exit: number = EXIT.ok
  const program = new Command('fafnir')
    .description('A deterministic trading core: exchange, live, paper, backtest, replay.')
    .version(host.version, '--version', 'print the version')
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureOutput({ writeOut: host.out, writeErr: () => undefined })
    .exitOverride()
  const action =
    <Args extends unknown[]>(run: (...args: Args) => Promise<number>) =>
    async (...args: Args): Promise<void> => {
      exit = await run(...args)
    }
  addLiveCommands(program, host, action)
  addBacktest(
    program,
    action((flags: BacktestFlags) => runBacktestCommand(flags, host, output(flags.json))),
  )
  addExplain(
    program,
    action((path: string, flags: ExplainFlags) => runExplain(path, flags, output(flags.json), host.signal)),
  )
  addReplay(
    program,
    action((path: string, flags: ReplayFlags) => runReplay(path, flags, host, output(flags.json))),
  )
  addCalibrate(program, host, action)
  addAdvise(program, host, action)
  addServe(program, host, action)
  addAllocate(program, host, action)
  program
    .command('fix-types <dictionary>')
    .description("write the typed messages of a FIX dictionary in QuickFIX's XML form, as TypeScript, to stdout")
    .action(action((path: string) => fixTypesCommand(path, output(false))))
  program
    .command('init <dir>')
    .description('write a small project with a strategy and its test')
    .addOption(jsonOption())
    .action(action((dir: string, flags: JsonFlag) => initProject(dir, host.version, output(flags.json))))
  program
    .command('doctor')
    .description('look at node, the native package, cores and container limits, and print the plan of threads')
    .addOption(jsonOption())
    .action(action((flags: JsonFlag) => doctor(host.version, output(flags.json))))
  try {
    await program.parseAsync(args, { from: 'user' })
    return exit
  } catch (error) {
    const json = output(args.includes('--json'))
    if (!(error instanceof CommanderError)) return printError(json, error)
    if (error.exitCode === 0) return EXIT.ok
    return printError(json, fail('USAGE_INVALID', usageText(error, program), { help: 'fafnir --help' }, error))
  }
}

function usageText(error: CommanderError, program: Command): string {
  if (error.code !== 'commander.help')
    return error.message
      .replace(/^error: /, '')
      .split('\n')
      .join(' ')
  return `name a command: ${program.commands.map((command) => command.name()).join(', ')}`
}

function jsonOption(): Option {
  return new Option('--json', 'print one JSON object')
}

function addRunOptions(command: Command): Command {
  return addQuoterOptions(command)
    .addOption(new Option('--strategy <file>', 'a strategy in TypeScript or JavaScript, instead of the native maker'))
    .addOption(new Option('--out <dir>', 'folder to write into (default: runs/<time>)'))
    .addOption(new Option('--dump-effects <file>', 'write exactly the bytes that the effects hash covers'))
    .addOption(jsonOption())
}

function addBacktest(program: Command, run: (flags: BacktestFlags) => Promise<void>): void {
  const command = program
    .command('backtest')
    .description('run the market maker or a strategy on a recording')
    .addOption(
      new Option('--recording <file>', 'recording, plain or gzip: receive time in ns, a space, the raw message'),
    )
    .addOption(new Option('--generated', 'a generated market instead of a recording'))
    .addOption(new Option('--config <file>', 'a whole backtest configuration as JSON'))
    .addOption(new Option('--symbol <symbol>', 'symbol (default: that of the first message)'))
    .addOption(
      new Option('--feed <feed>', 'rules of the feed (default: by the first messages)').choices(['usdm', 'spot']),
    )
    .addOption(new Option('--tick-size <price>', 'finest price').argParser(decimalText))
    .addOption(new Option('--lot-size <quantity>', 'finest quantity').argParser(decimalText))
    .addOption(new Option('--maker-fee <rate>', 'maker fee as a rate of value').argParser(decimalText))
    .addOption(new Option('--taker-fee <rate>', 'taker fee as a rate of value').argParser(decimalText))
    .addOption(new Option('--seconds <n>', 'stop after this much market time').argParser(whole(1, YEAR_SECONDS)))
    .addOption(
      new Option('--seed <n>', 'seed of generated markets; a recording has nothing random').argParser(
        whole(0, Number.MAX_SAFE_INTEGER),
      ),
    )
  addRunOptions(command).action(run)
}

interface ReplayFlags extends JsonFlag {
  readonly dumpEffects?: string
}

function addReplay(program: Command, run: (path: string, flags: ReplayFlags) => Promise<void>): void {
  program
    .command('replay <path>')
    .description('run a journal again (its folder or one segment) and compare the effects hash')
    .addOption(new Option('--dump-effects <file>', 'write exactly the bytes that the effects hash covers'))
    .addOption(jsonOption())
    .action(run)
}

async function runBacktestCommand(flags: BacktestFlags, host: CliHost, output: Output): Promise<number> {
  requireParent(flags.dumpEffects)
  const strategy = flags.strategy === undefined ? undefined : await loadStrategy(flags.strategy, host.packageEntry)
  const config = await backtestConfig(flags, strategy !== undefined)
  const title = `backtest: ${flags.recording ?? flags.config ?? `a generated market, seed ${flags.seed ?? 1}`}`
  const { out, dumpEffects } = flags
  return runAndReport({ title, config, strategy, out, dumpEffects, output, signal: host.signal })
}

async function backtestConfig(flags: BacktestFlags, strategy: boolean): Promise<BacktestConfig> {
  const overrides = quoterOverrides(flags)
  const { seconds } = flags
  if (flags.config !== undefined) {
    const config = await readConfig(flags.config)
    const timed = { ...config, ...(seconds === undefined ? {} : { seconds }) }
    return withOverrides(seeded(timed, flags.seed), flags.recording, overrides)
  }
  if (flags.generated === true) {
    return demoConfig({ seconds: seconds ?? GENERATED_SECONDS, seed: flags.seed ?? 1, overrides, strategy })
  }
  if (flags.recording === undefined) {
    throw fail('USAGE_INVALID', 'name a recording with --recording, a --config, or --generated')
  }
  return recordedConfig({ ...flags, recording: flags.recording }, overrides, strategy)
}

// The first generated market gets the seed, each further one the next.
function seeded(config: BacktestConfig, seed: number | undefined): BacktestConfig {
  if (seed === undefined || !Array.isArray(config.sources)) return config
  let next = seed
  const sources = config.sources.map((source) => {
    if (source.kind !== 'generated') return source
    next += 1
    return { ...source, market: { ...source.market, seed: next - 1 } }
  })
  return { ...config, sources }
}

async function readConfig(path: string): Promise<BacktestConfig> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    const error = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw fail('FILE_MISSING', 'the configuration file cannot be read', { path, error }, cause)
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && 'engine' in value) return value as BacktestConfig
    throw fail('CONFIG_INVALID', 'the file holds no backtest configuration', {
      path,
      allowed: '{ engine, sources, … }',
    })
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw fail('CONFIG_INVALID', 'the configuration file is not JSON', { path, what: cause.message }, cause)
  }
}

// A file with a configuration may be run on another recording and with other parameters of its makers.
function withOverrides(
  config: BacktestConfig,
  recording: string | undefined,
  overrides: QuoterOverrides,
): BacktestConfig {
  // What does not even have the shape is refused by the one validation, which names the place.
  if (!hasShape(config)) checkConfig(config)
  const quoters = (config.engine.quoters ?? []).map((quoter) => overridden(quoter, overrides))
  const { volatilityWindow: window } = overrides
  const volatility = window === undefined ? config.engine.volatility : { ...config.engine.volatility, window }
  const engine = { ...config.engine, quoters, volatility }
  if (recording === undefined) return { ...config, engine }
  const symbols = config.engine.instruments.map((instrument) => instrument.symbol)
  if (symbols.length !== 1) {
    throw fail('USAGE_INVALID', '--recording with --config needs a configuration of one instrument', {
      instruments: symbols.join(' '),
    })
  }
  const source = { kind: 'recording', instrument: symbols[0]!, path: resolve(recording) } as const
  return { ...config, engine, sources: [source] }
}

function hasShape(config: BacktestConfig): boolean {
  const objects = (list: unknown): boolean =>
    Array.isArray(list) && list.every((item) => typeof item === 'object' && item !== null)
  const engine = config.engine as BacktestConfig['engine'] | null
  return objects(engine?.instruments) && objects(engine?.quoters ?? [])
}

async function runReplay(path: string, flags: ReplayFlags, host: CliHost, output: Output): Promise<number> {
  requireParent(flags.dumpEffects)
  const progress = showProgress(`replay: ${path}`, process.stderr, output.json)
  let result
  try {
    const { signal } = host
    const onProgress = (fraction: number): void => progress.update(fraction)
    result = await replay(path, { dumpEffects: flags.dumpEffects, signal, onProgress })
  } finally {
    progress.done()
  }
  const { hash, turns, matches, marksChecked, endedAt, reason, damaged, build, sameBuild, unknownRecords } = result
  if (output.json) {
    output.out(`${JSON.stringify({ effectsHash: hash, path, ...result }, null, 2)}\n`)
    return matches && !damaged ? EXIT.ok : EXIT.failed
  }
  if (!sameBuild) output.out(`written by another build: ${build}\n`)
  output.out(`${turns} turns, ended at segment ${endedAt.segment}, byte ${endedAt.offset}: ${reason}\n`)
  if (unknownRecords > 0) output.out(`${unknownRecords} records of an unknown kind skipped\n`)
  const agreement = marksChecked === 0 ? 'the journal ends before the first' : matches ? 'all agree' : 'they DIFFER'
  output.out(`${marksChecked} recorded hashes compared: ${agreement}\n`)
  output.out(`effects ${hash}\n`)
  const place = { path, segment: endedAt.segment, offset: endedAt.offset }
  if (matches && damaged) return printError(output, fail(damageCode(reason), 'the journal is damaged there', place))
  if (matches) return EXIT.ok
  return printError(
    output,
    fail('REPLAY_MISMATCH', 'the replayed effects differ from the recorded ones', { path, build }),
  )
}

function damageCode(reason: string): 'JOURNAL_TRUNCATED' | 'JOURNAL_CORRUPT' {
  return reason === 'truncated' ? 'JOURNAL_TRUNCATED' : 'JOURNAL_CORRUPT'
}
