// Room card: advice/first-policy
// In:    the weights of the variants, from the allocator.
// Out:   the product's first intake policy, in the form of a policy file.
// Holds: the shipped `policy.json` is this content; a test compares them.
// Costs: nothing.
import { variants, type VariantName } from '../allocator/variants.js'
import { checkPolicy, type Policy, type PolicyFile } from './policy.js'

function variant(name: VariantName): { name: string; weights: PolicyFile['variants']['D']['weights'] } {
  return { name, weights: variants[name].percents }
}

const four = { a: 1, b: 2, c: 3, d: 4 }
const three = { a: 1, b: 2, c: 3 }
const sureOrRisky = { a: 1, b: 3 }

/**
 * The first policy. Points of the 13 items and edges of the bands (18, 22, 28, 32 of 13 to 47 points) are those that
 * J. Grable and R. Lytton published (Financial Services Review 8, 1999); weights, knots, ceilings and the matrix are a
 * policy of this product, not a regulator's.
 */
export const firstPolicyFile: PolicyFile = {
  version: '2026-11-1',
  capacity: {
    weights: { horizonYears: 0.35, liquidityMonths: 0.25, netWorthYears: 0.2, debtServiceRatio: 0.2 },
    knots: {
      horizonYears: [
        [0, 0],
        [3, 20],
        [5, 40],
        [10, 70],
        [20, 100],
      ],
      liquidityMonths: [
        [0, 0],
        [3, 40],
        [6, 70],
        [12, 100],
      ],
      netWorthYears: [
        [0, 0],
        [1, 20],
        [5, 60],
        [15, 100],
      ],
      debtServiceRatio: [
        [0, 100],
        [0.2, 80],
        [0.36, 40],
        [0.5, 0],
      ],
    },
    ceilings: [
      { when: { horizonYears: { below: 3 } }, max: 19.99 },
      { when: { netWorthYears: { below: 0 } }, max: 19.99 },
      { when: { debtServiceRatio: { above: 0.5 } }, max: 19.99 },
      { when: { liquidityMonths: { below: 3 } }, max: 39.99 },
      { when: { horizonYears: { below: 5 } }, max: 59.99 },
      { when: { netWorthYears: { below: 1 } }, max: 59.99 },
    ],
    lowestPartPlus: 40,
  },
  tolerance: {
    items: {
      1: { a: 4, b: 3, c: 2, d: 1 },
      2: four,
      3: four,
      4: three,
      5: three,
      6: four,
      7: four,
      8: four,
      9: sureOrRisky,
      10: sureOrRisky,
      11: four,
      12: three,
      13: four,
    },
    knots: [
      [13, 0],
      [18.5, 20],
      [22.5, 40],
      [28.5, 60],
      [32.5, 80],
      [47, 100],
    ],
    behaviour: { soldAll: 0, soldPart: 25, held: 60, rebalancedIn: 80, added: 100 },
    quizWeight: 0.7,
    behaviourWeight: 0.3,
    behaviourMayRaise: false,
  },
  flags: {
    selfImageAgainstChoice: { items: ['1', '6'], scaledGapAbove: 0.6 },
    framingReversal: { gainItem: '9', lossItem: '10', sureGain: 1, riskyLoss: 3 },
    quizAgainstBehaviour: { bucketGapAtLeast: 2 },
    lowersBucketAt: 1,
    blocksAt: 2,
  },
  buckets: [20, 40, 60, 80],
  matrix: ['DDDDD', 'DDDDD', 'DBSSS', 'BBSAA', 'BBSAA'],
  acknowledgement: {
    cells: [
      [4, 1],
      [5, 1],
    ],
    otherwise: 'D',
  },
  hysteresisPoints: 3,
  variants: {
    D: variant('defensive'),
    B: variant('balanced'),
    S: variant('standard'),
    A: variant('aggressive'),
  },
}

let checked: Policy | undefined

/** The product's first policy, checked. */
export function firstPolicy(): Policy {
  return (checked ??= checkPolicy(firstPolicyFile))
}
