// Room card: cli/options
// In:    texts from the command line.
// Out:   checked numbers and decimals.
// Holds: anything malformed or out of range is USAGE_INVALID with what is allowed.
// Costs: cold path.
import { InvalidArgumentError, Option, type Command } from 'commander'

import type { QuoterOverrides } from './presets.js'

/** A parser of whole numbers in a range. */
export function whole(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < low || value > high) {
      throw new InvalidArgumentError(`A whole number from ${low} to ${high} is allowed.`)
    }
    return value
  }
}

/** A parser of speeds: 1 to 1000, or `max`, which is 0. */
export function speed(text: string): number {
  if (text === 'max') return 0
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > 1_000) {
    throw new InvalidArgumentError('A whole number from 1 to 1000, or max, is allowed.')
  }
  return value
}

/** A parser of numbers above zero. */
export function positive(text: string): number {
  const value = Number(text)
  if (!/^\d+(\.\d+)?(e-?\d+)?$/i.test(text) || !(value > 0) || !Number.isFinite(value)) {
    throw new InvalidArgumentError('A number above 0 is allowed.')
  }
  return value
}

/** A parser of exact decimals above or at zero; the text stays text. */
export function decimalText(text: string): string {
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('A decimal such as 0.010 is allowed.')
  return text
}

/** Options of every command that runs the maker. */
export interface QuoterFlags {
  readonly riskAversion?: number
  readonly decay?: number
  readonly horizonSeconds?: number
  readonly orderQuantity?: string
  readonly maxInventory?: string
  readonly requoteTicks?: number
  readonly volatilityWindow?: number
}

/** Adds the maker's parameters to a command. */
export function addQuoterOptions(command: Command): Command {
  return command
    .addOption(new Option('--risk-aversion <γ>', 'risk aversion of the maker, 1/money').argParser(positive))
    .addOption(new Option('--decay <κ>', 'intensity decay, 1/price').argParser(positive))
    .addOption(new Option('--horizon-seconds <s>', 'horizon T-t, seconds').argParser(positive))
    .addOption(new Option('--order-quantity <q>', 'quantity of each quote').argParser(decimalText))
    .addOption(new Option('--max-inventory <q>', 'most inventory on either side').argParser(decimalText))
    .addOption(
      new Option('--requote-ticks <n>', 'move a quote when it is off by so many ticks').argParser(whole(1, 1_000_000)),
    )
    .addOption(
      new Option('--volatility-window <n>', 'mids that σ is taken from; nothing is quoted before').argParser(
        whole(2, 65_536),
      ),
    )
}

/** The maker's parameters out of a command's options. */
export function quoterOverrides(flags: QuoterFlags): QuoterOverrides {
  const { riskAversion, decay, horizonSeconds, orderQuantity, maxInventory, requoteTicks, volatilityWindow } = flags
  return { riskAversion, decay, horizonSeconds, orderQuantity, maxInventory, requoteTicks, volatilityWindow }
}
