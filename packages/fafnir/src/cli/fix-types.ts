// Room card: cli/fix-types
// In:    the path of a FIX dictionary in QuickFIX's XML form.
// Out:   its messages as a TypeScript module on stdout: `fafnir fix-types venue.xml > venue.ts`.
// Holds: a dictionary that is refused writes nothing but its error.
// Costs: cold path.
import { resolve } from 'node:path'

import { fixTypes } from '../fix/dictionary.js'
import { EXIT, printError, type Output } from './output.js'

/** Prints the module. */
export async function fixTypesCommand(path: string, output: Output): Promise<number> {
  try {
    output.out(fixTypes(resolve(path)))
    return EXIT.ok
  } catch (error) {
    return printError(output, error)
  }
}
