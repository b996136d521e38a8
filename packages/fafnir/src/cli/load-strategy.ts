// Room card: cli/load-strategy
// In:    the path of a TypeScript or JavaScript file.
// Out:   the strategy it exports (default, or named `strategy`).
// Holds: the file's own import of `fafnir` is this very package, wherever the file lies.
// Costs: one compilation, in memory.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

import { createJiti } from 'jiti'

import { FafnirError, fail } from '../errors.js'
import { isStrategy, type AnyStrategy } from '../strategy/define.js'

/**
 * Loads a strategy.
 * @throws FafnirError FILE_MISSING, or STRATEGY_INVALID when the file does not load or exports no strategy.
 */
export async function loadStrategy(path: string, packageEntry: string): Promise<AnyStrategy> {
  const file = resolve(path)
  if (!existsSync(file)) throw fail('FILE_MISSING', 'the strategy file does not exist', { path })
  const jiti = createJiti(pathToFileURL(file).href, { alias: { fafnir: packageEntry }, fsCache: false })
  let loaded: Record<string, unknown>
  try {
    loaded = await settled(jiti.import<Record<string, unknown>>(file))
  } catch (cause) {
    if (cause instanceof FafnirError) throw cause
    const error = cause instanceof Error ? cause.message : String(cause)
    throw fail('STRATEGY_INVALID', 'the strategy file cannot be loaded', { path, error: error.split('\n')[0]! }, cause)
  }
  const found = [loaded['default'], loaded['strategy'], loaded].find(isStrategy)
  if (found === undefined) {
    throw fail('STRATEGY_INVALID', 'the file exports no strategy made by defineStrategy', {
      path,
      allowed: 'export default defineStrategy({ … })',
    })
  }
  return found
}

// A file that awaits what never comes leaves the event loop empty; Node would then end the process without a word.
async function settled<T>(loading: Promise<T>): Promise<T> {
  let drained = (): void => undefined
  const never = new Promise<never>((_, reject) => {
    drained = () => reject(new Error('it awaits something that never settles'))
    process.once('beforeExit', drained)
  })
  try {
    return await Promise.race([loading, never])
  } finally {
    process.off('beforeExit', drained)
  }
}
