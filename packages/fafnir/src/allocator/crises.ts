// Room card: allocator/crises
// In:    nothing; the periods are data.
// Out:   named crises since 1987, for reports.
// Holds: first and last month of the fall in US equities (S&P 500, month ends) that the name stands for.
// Costs: nothing.

/** A period that a report looks at by itself. */
export interface Crisis {
  readonly name: string
  /** First and last day, YYYY-MM-DD. */
  readonly from: string
  readonly to: string
}

/** Periods in which many portfolios broke. */
export const crises: readonly Crisis[] = Object.freeze([
  { name: 'crash of 1987', from: '1987-09-01', to: '1987-11-30' },
  { name: 'Gulf War', from: '1990-06-01', to: '1990-10-31' },
  { name: 'Russia and LTCM', from: '1998-07-01', to: '1998-08-31' },
  { name: 'dot-com bust', from: '2000-09-01', to: '2002-09-30' },
  { name: 'global financial crisis', from: '2007-11-01', to: '2009-02-28' },
  { name: 'euro debt', from: '2011-05-01', to: '2011-09-30' },
  { name: 'pandemic', from: '2020-01-01', to: '2020-03-31' },
  { name: 'inflation of 2022', from: '2022-01-01', to: '2022-09-30' },
])
