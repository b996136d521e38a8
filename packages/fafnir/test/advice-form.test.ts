// The web form of `fafnir serve advice` in a real browser: by keyboard alone, and looked at by axe.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { launch, type Browser, type Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// What the browser unpacks and leaves; gone with the test.
const folder = mkdtempSync(join(tmpdir(), 'fafnir-browser-'))

/** The browser that a variable names, Debian's, or the one of an npm package; a reason where none can start. */
async function findBrowser(): Promise<{ path: string } | { reason: string }> {
  const installed = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser']
  let path = installed.find((each) => each !== undefined && existsSync(each))
  if (path === undefined) {
    if (process.platform !== 'linux' || process.arch !== 'x64') return { reason: 'no chromium here' }
    process.env['TMPDIR'] = folder
    path = await (await import('@sparticuz/chromium')).default.executablePath()
  }
  const { status, stderr } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  return status === 0 ? { path } : { reason: `${path} does not start: ${stderr.trim()}` }
}

const chosen = await findBrowser()
const executablePath = 'path' in chosen ? chosen.path : undefined
const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const MINUTES = 60_000

if ('reason' in chosen) {
  rmSync(folder, { recursive: true, force: true })
  const text = `${chosen.reason} (set CHROMIUM to a browser)`
  if (process.env['CI'] ?? process.env['FAFNIR_LONG']) throw new Error(text)
  console.log(`skipped: ${text}`)
}

interface AxeResult {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[]
  readonly passes: readonly object[]
}

describe.skipIf(executablePath === undefined)('the web form in a browser', () => {
  let served: ChildProcess
  let browser: Browser
  let page: Page
  let url = ''
  const said: string[] = []

  beforeAll(async () => {
    served = spawn(process.execPath, [main, 'serve', 'advice', '--port', '0', '--json'], { stdio: 'pipe' })
    url = await new Promise<string>((resolve, reject) => {
      let text = ''
      served.stdout!.on('data', (part: Buffer) => {
        text += String(part)
        if (text.includes('\n')) resolve((JSON.parse(text) as { url: string }).url)
      })
      served.once('exit', (code) => reject(new Error(`the form ended with ${code}`)))
    })
    browser = await launch({
      executablePath: executablePath!,
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
      timeout: MINUTES,
      protocolTimeout: 2 * MINUTES,
    })
    page = await browser.newPage()
    page.on('console', (message) => said.push(message.text()))
    page.on('pageerror', (error) => said.push(String(error)))
  }, 3 * MINUTES)

  afterAll(async () => {
    await browser?.close()
    served?.kill('SIGINT')
    rmSync(folder, { recursive: true, force: true })
  })

  /** Every rule of axe, in both colour schemes. */
  async function accessible(): Promise<void> {
    for (const value of ['light', 'dark']) {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }])
      await page.evaluate(axe)
      const found = (await page.evaluate('axe.run()')) as AxeResult
      expect(found.violations.map(({ id, nodes }) => [value, id, nodes.map(({ html }) => html)])).toEqual([])
      expect(found.passes.length).toBeGreaterThan(15)
    }
  }

  const focused = (): Promise<string> => page.evaluate('document.activeElement.id') as Promise<string>
  const heading = (): Promise<string> => page.evaluate("document.querySelector('h1').textContent") as Promise<string>
  const press = async (...keys: readonly ('Tab' | 'Space' | 'Enter' | 'ArrowDown')[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key)
  }
  const send = async (): Promise<void> => {
    await Promise.all([page.waitForNavigation(), press('Enter')])
  }

  /** Tab by tab through the form: numbers are typed, the first choice taken, then so many steps down. */
  async function fill(numbers: readonly string[], steps: readonly number[]): Promise<void> {
    for (const [n, number] of numbers.entries()) {
      await press('Tab')
      expect(await focused()).toBe(['horizonYears', 'liquidityMonths', 'netWorthYears', 'debtServiceRatio'][n])
      await page.keyboard.type(number)
    }
    for (const [n, down] of steps.entries()) {
      const name = n < 13 ? `item-${n + 1}` : 'behaviour'
      await press('Tab')
      expect(await focused()).toBe(`${name}-0`)
      await press('Space')
      for (let step = 0; step < down; step += 1) await press('ArrowDown')
      expect(await focused()).toBe(`${name}-${down}`)
    }
    await press('Tab')
  }

  it(
    'is accessible, and says what it stores before it asks',
    async () => {
      await page.goto(url)
      expect(await heading()).toBe('Your risk profile')
      const text = (await page.evaluate('document.body.innerText')) as string
      expect(text.indexOf('Nothing is stored')).toBeGreaterThan(0)
      expect(text.indexOf('Nothing is stored')).toBeLessThan(text.indexOf('In how many years'))
      await accessible()
    },
    3 * MINUTES,
  )

  it(
    'leads by keyboard to its mistakes',
    async () => {
      await page.goto(url)
      await press('Tab')
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content')
      await press('Enter')
      expect(await focused()).toBe('main')
      await press('Tab')
      await page.keyboard.type('soon')
      await send()
      expect(await page.title()).toContain('Error:')
      // The summary has the focus, so that it is read first; its first link leads to the first field.
      expect(await focused()).toBe('errors')
      await press('Tab', 'Enter')
      expect(await focused()).toBe('horizonYears')
      expect(await page.evaluate("document.querySelectorAll('#errors li').length")).toBe(18)
      await accessible()
    },
    3 * MINUTES,
  )

  it(
    'gives a profile and its chart to a keyboard alone',
    async () => {
      await page.goto(url)
      await press('Tab', 'Enter')
      await fill(['10', '6', '5', '20'], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 5])
      await send()
      expect(await heading()).toBe('Your allocation: aggressive')
      const chart = (await page.evaluate(`(() => {
      const svg = document.querySelector('svg')
      const bars = [...svg.querySelectorAll('rect')].map((bar) => bar.getBoundingClientRect().width)
      return { label: svg.querySelector('title').textContent, bars }
    })()`)) as { label: string; bars: number[] }
      expect(chart.label).toBe('Weights of the aggressive allocation')
      const shares = chart.bars.map((width) => Math.round((30 * width) / chart.bars[0]!))
      expect(shares).toEqual([30, 10, 20, 25, 15])
      await accessible()
    },
    3 * MINUTES,
  )

  it(
    'takes the written acknowledgement by keyboard',
    async () => {
      await page.goto(url)
      await press('Tab', 'Enter')
      await fill(['20', '12', '15', '0'], [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5])
      await send()
      expect(await heading()).toBe('Your allocation: defensive')
      await accessible()
      await press('Tab', 'Tab')
      expect(await focused()).toBe('acknowledgement')
      await page.keyboard.type('I take more risk than I said I want')
      await send()
      expect(await heading()).toBe('Your allocation: balanced')
    },
    3 * MINUTES,
  )

  it('keeps nothing in the browser, and breaks no rule of its own', async () => {
    expect(await browser.cookies()).toEqual([])
    expect(said.filter((text) => !/status of 422|favicon/.test(text))).toEqual([])
  })
})
