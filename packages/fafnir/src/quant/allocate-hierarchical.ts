// Room card: quant/allocate-hierarchical
// In:    a risk; the convention of the tree by preset or by its parts.
// Out:   weights of hierarchical risk parity and of hierarchical equal risk contribution, with tree and order.
// Holds: weights positive, sum 1; no matrix is inverted, so a singular covariance is as good as another.
// Costs: O(N²) with the preset of PyPortfolioOpt; O(N³) for distances of distances (bench: quant/hrp).
import { withRisk, type RiskOptions } from './allocate-simple.js'
import { call, first } from './call.js'

/** The convention of a tree by its parts; d = √((1 - ρ)/2). */
export interface Hierarchy {
  /** Distance between clusters: nearest pair, farthest pair, mean over pairs, growth of the sum of squares. */
  readonly linkage: 'single' | 'complete' | 'average' | 'ward'
  /** Between assets: d itself, or the Euclidean distance between columns of d. */
  readonly distance: 'correlation' | 'distanceOfDistances'
  /** The older cluster left, or neighbours near (SciPy's `optimal_leaf_ordering`). */
  readonly leafOrder: 'dendrogram' | 'optimal'
}

/**
 * Packages mean different things by one name; a preset agrees with one of them:
 * `lopezDePrado` (2016: single, distances of distances), `pyPortfolioOpt` (1.6: single on d), `skfolio` (1.12: Ward on
 * d, optimal order), `riskfolio` (7.4: single on d, optimal order).
 */
export type HierarchyConvention = 'lopezDePrado' | 'pyPortfolioOpt' | 'skfolio' | 'riskfolio' | Hierarchy

/** The presets by their parts. */
export const hierarchyPresets: Readonly<Record<Exclude<HierarchyConvention, Hierarchy>, Hierarchy>> = {
  lopezDePrado: { linkage: 'single', distance: 'distanceOfDistances', leafOrder: 'dendrogram' },
  pyPortfolioOpt: { linkage: 'single', distance: 'correlation', leafOrder: 'dendrogram' },
  skfolio: { linkage: 'ward', distance: 'correlation', leafOrder: 'optimal' },
  riskfolio: { linkage: 'single', distance: 'correlation', leafOrder: 'optimal' },
}

/** One merge of two clusters. Numbers below the number of assets are assets, the others that plus the merge's index. */
export interface Merge {
  /** The older cluster. */
  readonly left: number
  /** The younger one. */
  readonly right: number
  /** The distance at which they merge. */
  readonly height: number
  /** Assets in the merged cluster. */
  readonly size: number
}

/** Options of `hierarchicalRiskParity`. */
export interface HierarchicalRiskParityOptions extends RiskOptions {
  /** `pyPortfolioOpt` by default. */
  readonly convention?: HierarchyConvention
}

/** Weights of hierarchical risk parity. */
export interface HierarchicalWeights {
  /** One for each asset, in the order of the covariance. */
  readonly weights: Float64Array
  /** Assets from left to right. */
  readonly order: readonly number[]
  /** The tree: one merge fewer than assets, the lowest first. */
  readonly merges: readonly Merge[]
}

function partsOf(convention: HierarchyConvention): Hierarchy {
  // A name that is no preset crosses as it is: native code refuses it by its path.
  const preset = typeof convention === 'string' && Object.hasOwn(hierarchyPresets, convention)
  return preset ? hierarchyPresets[convention as keyof typeof hierarchyPresets] : (convention as Hierarchy)
}

function mergesOf(values: Float64Array): Merge[] {
  return Array.from({ length: values.length / 4 }, (_, index) => {
    const at = 4 * index
    return { left: values[at]!, right: values[at + 1]!, height: values[at + 2]!, size: values[at + 3]! }
  })
}

/**
 * Hierarchical risk parity: assets are ordered by a tree of their distances, the order is halved again and again, and
 * each half gets weight in inverse proportion to the variance of its inverse-variance portfolio.
 *
 * Source: López de Prado (2016), Journal of Portfolio Management 42(4).
 * @throws FafnirError QUANT_CONSTANT for an asset without variance; those of the covariance
 * @example const { weights } = await hierarchicalRiskParity({ returns, convention: 'skfolio' })
 */
export async function hierarchicalRiskParity(options: HierarchicalRiskParityOptions): Promise<HierarchicalWeights> {
  const { arrays, risk, rest } = withRisk(options)
  const { convention = 'pyPortfolioOpt', ...job } = rest
  const given = { ...job, risk, convention: partsOf(convention) }
  const { numbers, arrays: found } = await call<{ order: number[] }>('hierarchicalRiskParity', given, arrays.sheets)
  return { weights: first(found), order: numbers.order, merges: mergesOf(found[1] ?? new Float64Array(0)) }
}

/** Options of `hierarchicalEqualRiskContribution`. */
export interface HercOptions extends RiskOptions {
  /** Riskfolio-Lib's by default: Ward on d. The leaf order does not change these weights. */
  readonly convention?: HierarchyConvention
  /** Number of clusters; the two-difference gap statistic finds it by default. */
  readonly clusters?: number
  /** Highest number that the statistic looks at (default 10). */
  readonly clustersMax?: number
}

/** Weights of hierarchical equal risk contribution. */
export interface HercWeights {
  /** One for each asset, in the order of the covariance. */
  readonly weights: Float64Array
  /** The flat clusters, each with its assets in rising order. */
  readonly clusters: readonly (readonly number[])[]
  /** The tree. */
  readonly merges: readonly Merge[]
}

/**
 * Hierarchical equal risk contribution: the tree is cut into clusters; down the tree each side gets weight in inverse
 * proportion to the sum of its clusters' variances, inside a cluster in inverse proportion to variance.
 *
 * Source: Raffinot (2018), with the cluster risk of Riskfolio-Lib 7.4.
 * @throws FafnirError QUANT_CONSTANT for an asset without variance; QUANT_TOO_FEW, QUANT_TOO_LARGE (clusters); those of
 * the covariance
 */
export async function hierarchicalEqualRiskContribution(options: HercOptions): Promise<HercWeights> {
  const { arrays, risk, rest } = withRisk(options)
  const { convention = { ...hierarchyPresets.riskfolio, linkage: 'ward' }, clustersMax = 10, ...job } = rest
  const given = { ...job, risk, convention: partsOf(convention), clustersMax }
  const answer = await call<{ clusters: number[][] }>('hierarchicalEqualRiskContribution', given, arrays.sheets)
  const merges = mergesOf(answer.arrays[1] ?? new Float64Array(0))
  return { weights: first(answer.arrays), clusters: answer.numbers.clusters, merges }
}
