// Room card: cli/calibrate
// In:    a recording and options.
// Out:   σ, A and κ of each side with intervals, goodness of fit and what was left out; with --out JSON and a plot.
// Holds: a side without an estimate is said so with its reason, and the command ends well: it has answered.
// Costs: reading the recording.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import { Option, type Command } from 'commander'

import { fail } from '../errors.js'
import type { BacktestConfig } from '../generated/config.js'
import { calibrateRecording, type CalibrationSide, type RecordingCalibration } from '../quote/calibrate.js'
import { calibrationPlot } from '../quote/plots.js'
import type { Action, LiveHost } from './live-commands.js'
import { decimalText, whole } from './options.js'
import { EXIT, type Output } from './output.js'
import type { RecordedFeed } from './presets.js'
import { recordedConfig } from './presets-live.js'
import { showProgress } from './progress.js'

interface CalibrateFlags {
  readonly symbol?: string
  readonly feed?: RecordedFeed
  readonly tickSize?: string
  readonly lotSize?: string
  readonly volatilityWindow?: number
  readonly nearestHalfTicks?: number
  readonly seconds?: number
  readonly out?: string
  readonly json?: boolean
}

const YEAR_SECONDS = 31_622_400
const HALF_TICKS_MAX = 4_092

/** Adds the command. */
export function addCalibrate(program: Command, host: LiveHost, action: Action): void {
  program
    .command('calibrate <recording>')
    .description('volatility, and arrival rate A and decay κ of each side, from the trades of a recording')
    .addOption(new Option('--symbol <symbol>', 'symbol (default: that of the first message)'))
    .addOption(
      new Option('--feed <feed>', 'rules of the feed (default: by the first messages)').choices(['usdm', 'spot']),
    )
    .addOption(new Option('--tick-size <price>', 'finest price').argParser(decimalText))
    .addOption(new Option('--lot-size <quantity>', 'finest quantity').argParser(decimalText))
    .addOption(
      new Option('--volatility-window <n>', 'mids that the rolling σ is taken from').argParser(whole(2, 65_536)),
    )
    .addOption(
      new Option('--nearest-half-ticks <n>', 'leave out orders that reached less far from the mid').argParser(
        whole(0, HALF_TICKS_MAX),
      ),
    )
    .addOption(new Option('--seconds <n>', 'stop after this much market time').argParser(whole(1, YEAR_SECONDS)))
    .addOption(new Option('--out <dir>', 'folder for calibration.json and calibration.svg'))
    .addOption(new Option('--json', 'print one JSON object'))
    .action(
      action((recording: string, flags: CalibrateFlags) => {
        const output = { out: host.out, err: host.err, json: flags.json === true }
        return runCalibrate(recording, flags, output, host.signal)
      }),
    )
}

async function runCalibrate(
  recording: string,
  flags: CalibrateFlags,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  if (flags.out === '') throw fail('USAGE_INVALID', '--out needs a folder')
  const overrides = { volatilityWindow: flags.volatilityWindow }
  const config = await recordedConfig({ ...flags, recording }, overrides, false)
  // Before the reading, not after it: a folder that cannot be made is told at once.
  const folder = flags.out === undefined ? undefined : await makeFolder(resolve(flags.out))
  try {
    const found = await read(recording, config, flags.nearestHalfTicks, output, signal)
    const paths = folder === undefined ? [] : await writeCalibration(folder.path, found)
    if (output.json) {
      output.out(`${JSON.stringify({ recording, ...found, paths }, null, 2)}\n`)
      return EXIT.ok
    }
    output.out(`${calibrationText(recording, found).join('\n')}\n`)
    for (const path of paths) output.out(`wrote ${path}\n`)
    return EXIT.ok
  } catch (error) {
    if (folder?.created !== undefined) await rm(folder.created, { recursive: true, force: true })
    throw error
  }
}

async function read(
  recording: string,
  config: BacktestConfig,
  nearestHalfTicks: number | undefined,
  output: Output,
  signal: AbortSignal,
): Promise<RecordingCalibration> {
  const progress = showProgress(`calibrate: ${recording}`, process.stderr, output.json)
  try {
    const onProgress = (fraction: number): void => progress.update(fraction)
    return await calibrateRecording(config, { nearestHalfTicks, signal, onProgress })
  } finally {
    progress.done()
  }
}

async function makeFolder(path: string): Promise<{ readonly path: string; readonly created: string | undefined }> {
  try {
    return { path, created: await mkdir(path, { recursive: true }) }
  } catch (cause) {
    throw outputFailed(path, cause)
  }
}

async function writeCalibration(folder: string, found: RecordingCalibration): Promise<readonly string[]> {
  const texts = {
    'calibration.json': `${JSON.stringify(found, null, 2)}\n`,
    'calibration.svg': calibrationPlot(found),
  }
  try {
    for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text)
  } catch (cause) {
    throw outputFailed(folder, cause)
  }
  return Object.keys(texts).map((name) => join(folder, name))
}

function outputFailed(path: string, cause: unknown): Error {
  const error = (cause as NodeJS.ErrnoException).code ?? String(cause)
  return fail('OUTPUT_FAILED', 'the calibration cannot be written', { path, error }, cause)
}

function number(value: number | null): string {
  if (value === null) return '–'
  const size = Math.abs(value)
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(3) : value.toPrecision(4)
}

/** What a person reads. */
export function calibrationText(recording: string, found: RecordingCalibration): readonly string[] {
  const { volatility, leftOut } = found
  const { rolling, preAveraged } = volatility
  const { window, last, low, median, high } = rolling
  const bounce =
    preAveraged === null
      ? `against bid-ask bounce  – (${found.changedMids} changes of the mid are too few)`
      : `against bid-ask bounce  ${number(preAveraged.value)}  95 % ${number(preAveraged.low)} to ` +
        `${number(preAveraged.high)}, from ${preAveraged.mids} mids`
  return [
    `calibrate: ${recording}`,
    `${found.symbol}, ${number(found.seconds)} s, ${found.lines} lines, ${found.changedMids} changes of the mid`,
    '',
    'σ, price per √second',
    `  whole recording         ${number(volatility.realised)}`,
    `  rolling, ${String(window).padEnd(6)} mids    ${number(last)} at the end, median ${number(median)}, ` +
      `5 % to 95 % of the time ${number(low)} to ${number(high)}`,
    `  ${bounce}`,
    '',
    ...sideText('a bid (sold at the market)', found.bid),
    '',
    ...sideText('an ask (bought at the market)', found.ask),
    '',
    'left out',
    `  ${leftOut.garbageLines} garbage lines, ${leftOut.unreadableMessages} messages that cannot be read, ` +
      `${leftOut.otherMessages} that say nothing about the book`,
    `  ${leftOut.gaps} pauses of ten seconds or more (${number(leftOut.gapSeconds)} s), ` +
      `${number(leftOut.secondsWithoutTouch)} s without a touch, ${leftOut.printsWithoutMid} prints without a mid`,
    '',
  ]
}

function sideText(name: string, side: CalibrationSide): string[] {
  const lines = [
    `orders that fill ${name}: ${side.orders} of ${side.prints} prints in ${number(side.seconds)} s; left out ` +
      `${side.ordersLeftOut} (too near or beyond the mid), ${side.ordersCut} counted at the last level`,
  ]
  const { fit, line, refusal, lineRefusal } = side
  if (fit === null) {
    lines.push(`  no estimate: ${refusal?.message ?? ''} (${refusal?.reason ?? ''})`)
  } else {
    const row = (label: string, of: typeof fit.decayPerPrice, unit: string): string =>
      `  ${label}  ${number(of.value)} ${unit}, 95 % ${number(of.low)} to ${number(of.high)}, ` +
      `standard error ${number(of.standardError)}`
    lines.push(row('A', fit.arrivalsPerSecond, '1/s'), row('κ', fit.decayPerPrice, '1/price'))
    lines.push(`  ${goodnessText(fit.goodness)}`)
  }
  if (line === null) {
    lines.push(`  least squares: none: ${lineRefusal?.message ?? ''}`)
  } else {
    const { arrivalsPerSecond, decayPerPrice, rSquared, levels } = line
    lines.push(
      `  least squares on ln λ: A ${number(arrivalsPerSecond)} 1/s, κ ${number(decayPerPrice)} 1/price, ` +
        `R² ${rSquared.toFixed(3)}, ${levels} levels`,
    )
  }
  return lines
}

function goodnessText(goodness: NonNullable<CalibrationSide['fit']>['goodness']): string {
  if (goodness === null) return 'χ²: too few levels for a test'
  const { chiSquare, degreesOfFreedom, pValue } = goodness
  const doubt = pValue < 0.01 ? ': one exponential does not describe these depths; look at the plot' : ''
  return `χ² ${number(chiSquare)} with ${degreesOfFreedom} degrees of freedom, p ${number(pValue)}${doubt}`
}
