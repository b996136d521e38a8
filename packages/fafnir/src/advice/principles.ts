// Room card: advice/principles
// In:    a checked policy file.
// Out:   where it departs from the product's principles, a sentence each.
// Holds: a policy may depart (its owner decides), but never silently: profiles disclose it, the command says it.
// Costs: cold path; cells of the matrix.
import type { PolicyFile } from './policy.js'

const RISK = 'DBSA'

/** Where a policy departs from the principles. */
export function departuresOf(file: PolicyFile): string[] {
  return [...matrixDepartures(file), ...ceilingDepartures(file), ...toleranceDepartures(file)]
}

function matrixDepartures(file: PolicyFile): string[] {
  const found: string[] = []
  const asks = (row: number, column: number): boolean =>
    file.acknowledgement.cells.some(([r, c]) => r === row + 1 && c === column + 1)
  const letter = (row: number, column: number): number => RISK.indexOf(file.matrix[row]?.[column] ?? '')
  const otherwise = RISK.indexOf(file.acknowledgement.otherwise)
  // Nobody has acknowledged anything.
  const risk = (row: number, column: number): number => (asks(row, column) ? otherwise : letter(row, column))
  for (let row = 0; row < file.matrix.length; row += 1) {
    for (let column = 0; column < file.matrix.length; column += 1) {
      const cell = `row ${row + 1}, column ${column + 1} of the matrix`
      if (row > 0 && risk(row, column) < risk(row - 1, column)) found.push(`More capacity lowers the risk at ${cell}.`)
      if (column > 0 && risk(row, column) < risk(row, column - 1)) {
        found.push(`More tolerance lowers the risk at ${cell}.`)
      }
      if (column > row && risk(row, column) > risk(row, row)) {
        found.push(`Tolerance above capacity raises the risk at ${cell}.`)
      }
      if (column === 0 && !asks(row, column) && letter(row, column) > letter(0, 0)) {
        found.push(`A variant above the stated tolerance needs no acknowledgement at ${cell}.`)
      }
      if (asks(row, column) && otherwise > letter(row, column)) {
        found.push(`Without the acknowledgement the risk is higher than with it at ${cell}.`)
      }
    }
  }
  return found
}

function ceilingDepartures(file: PolicyFile): string[] {
  const wrong = file.capacity.ceilings.flatMap(({ when }, n) =>
    Object.entries(when).map(([measure, { below, above }]) => {
      // A ceiling belongs on the side where the measure means less capacity.
      const eases = measure === 'debtServiceRatio' ? below : above
      return eases === undefined ? '' : `More of what raises capacity lowers it at ceiling ${n + 1} (${measure}).`
    }),
  )
  return wrong.filter((text) => text !== '')
}

function toleranceDepartures(file: PolicyFile): string[] {
  const found: string[] = []
  const { lowersBucketAt, blocksAt } = file.flags
  if (file.tolerance.behaviourMayRaise) found.push('Observed behaviour may raise the tolerance score.')
  if (lowersBucketAt > 1) found.push(`Fewer than ${lowersBucketAt} inconsistencies do not lower the tolerance.`)
  if (blocksAt > 2) found.push(`Fewer than ${blocksAt} inconsistencies do not block the allocation.`)
  return found
}
