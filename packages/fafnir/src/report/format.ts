// Room card: report/format
// In:    numbers, decimal text, foreign text.
// Out:   text for people; HTML and CSV with everything foreign escaped.
// Holds: decimals of money are shown as they came, never through a float.
// Costs: cold path.

/** Text that is safe inside HTML and inside a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => HTML_ESCAPES[char]!)
}

const HTML_ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * One CSV cell (RFC 4180). Text that a spreadsheet would take for a formula gets an apostrophe in front.
 */
export function csvCell(value: string | number): string {
  const text = String(value)
  const formula = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text)
  const safe = formula ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** A whole number with thousands apart: 66,089. */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

/** A part of one as a percentage. */
export function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(1)} %`
}

/** Nanoseconds in the unit that reads best: 850 ns, 1.52 µs, 3.1 ms. */
export function nanos(value: number): string {
  if (value < 1_000) return `${Math.round(value)} ns`
  if (value < 1e6) return `${(value / 1e3).toFixed(2)} µs`
  if (value < 1e9) return `${(value / 1e6).toFixed(1)} ms`
  return `${(value / 1e9).toFixed(1)} s`
}

/** Decimal text with thousands apart, trailing zeros beyond `keep` decimals dropped: "1234.50000000" is "1,234.50". */
export function decimal(text: string, keep: number = 2): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)
  if (match === null) return text
  const [, sign = '', whole = '', fraction = ''] = match
  let kept = fraction
  while (kept.length > keep && kept.endsWith('0')) kept = kept.slice(0, -1)
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',')
  return `${sign}${grouped}${kept === '' ? '' : `.${kept}`}`
}

/** Unix nanoseconds (decimal text) as UTC to the millisecond: 2024-08-08 23:54:15.030. */
export function utc(unixNanos: string): string {
  const millis = Number(BigInt(/^\d+$/.test(unixNanos) ? unixNanos : '0') / 1_000_000n)
  return new Date(millis).toISOString().replace('T', ' ').replace('Z', ' UTC')
}
