// Room card: quant/test-support
// In:    a call that must fail.
// Out:   the code and fields of its error.
// Holds: an error that is no `FafnirError` fails the test.
// Costs: tests only.
import { FafnirError, type Code, type ErrorFields } from '../index.js'

/** The error of a call that must fail. */
export async function refused(work: () => unknown): Promise<{ code: Code; fields: ErrorFields; message: string }> {
  try {
    await work()
  } catch (error) {
    if (error instanceof FafnirError) return { code: error.code, fields: error.fields, message: error.message }
    throw error
  }
  throw new Error('nothing was thrown')
}
