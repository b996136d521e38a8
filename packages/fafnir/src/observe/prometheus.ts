// Room card: observe/prometheus
// In:    families of samples.
// Out:   the Prometheus text format, version 0.0.4.
// Holds: names and labels are checked by the tests' own parser; a value that is none is left out.
// Costs: cold path.
// Source: prometheus.io/docs/instrumenting/exposition_formats

/** One value with its labels. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly value: number | null | undefined
  /** Appended to the family's name: `_sum`, `_count`. */
  readonly suffix?: string | undefined
}

/** Samples of one meaning. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'summary'
  readonly samples: readonly Sample[]
}

/** The media type of what `expose` writes. */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** The families as text; those without a value are left out. */
export function expose(families: readonly Family[]): string {
  const lines: string[] = []
  for (const { name, help, type, samples } of families) {
    const written = samples.filter(({ value }) => typeof value === 'number')
    if (written.length === 0) continue
    lines.push(`# HELP ${name} ${escape(help)}`, `# TYPE ${name} ${type}`)
    for (const { labels = {}, value, suffix = '' } of written) {
      const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escape(text).replaceAll('"', '\\"')}"`)
      lines.push(`${name}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${number(value!)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function number(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  return String(value)
}
