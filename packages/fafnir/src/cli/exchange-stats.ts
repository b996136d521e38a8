// Room card: cli/exchange-stats
// In:    what an exchange says of itself (JSON).
// Out:   `ExchangeStats`, complete.
// Holds: the one place that knows the shape; 64-bit values stay decimal strings.
// Costs: cold path.

/** One account at an exchange. */
export interface ExchangeAccount {
  /** SenderCompID of the session it belongs to. */
  readonly session: string
  readonly symbol: string
  /** Signed, lots. */
  readonly positionLots: number
  /** Decimal text. */
  readonly position: string
  /** Smallest units of the settlement currency, decimal text. */
  readonly fees: string
  readonly fills: number
  readonly openOrders: number
}

/** What an exchange says of itself. */
export interface ExchangeStats {
  /** Its sources have ended. */
  readonly over: boolean
  /** Market-data messages played. */
  readonly messages: number
  /** Requests received. */
  readonly requests: number
  /** Most clients of its market data at once. */
  readonly accounts: readonly ExchangeAccount[]
}

type Loose = Readonly<Record<string, unknown>>

/** Reads it. What is missing is empty. */
export function readExchangeStats(value: unknown): ExchangeStats {
  const top = object(value)
  const accounts = Array.isArray(top['accounts']) ? (top['accounts'] as readonly unknown[]) : []
  return {
    over: top['over'] === true,
    messages: number(top['messages']),
    requests: number(top['requests']),
    accounts: accounts.map((item) => readAccount(object(item))),
  }
}

function readAccount(raw: Loose): ExchangeAccount {
  return {
    session: String(raw['session'] ?? ''),
    symbol: String(raw['symbol'] ?? ''),
    positionLots: number(raw['positionLots']),
    position: String(raw['position'] ?? '0'),
    fees: String(raw['fees'] ?? '0'),
    fills: number(raw['fills']),
    openOrders: number(raw['openOrders']),
  }
}

function object(value: unknown): Loose {
  return typeof value === 'object' && value !== null ? (value as Loose) : {}
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}
