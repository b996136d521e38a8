import { mkdtempSync, rmSync } from 'node:fs'
import { request, type OutgoingHttpHeaders } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { FafnirError } from '../errors.js'
import { weightsChart } from './chart.js'
import { firstPolicyFile } from './first-policy.js'
import { firstQuestionnaire } from './first-questionnaire.js'
import { checkPolicy } from './policy.js'
import { newSubject, openRecord, type AdviceRecord } from './record.js'
import { serveAdvice, type AdviceServer, type AdviceServerOptions } from './server.js'
import { ACKNOWLEDGEMENT, UNKNOWN } from './typed.js'

let form: AdviceServer
const start = async (options: AdviceServerOptions = {}): Promise<void> => {
  await form?.close()
  form = await serveAdvice({ port: 0, ...options })
}
beforeEach(() => start())
afterEach(() => form.close())

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

function ask(method: string, path: string, headers: OutgoingHttpHeaders = {}, body: string = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: form.port, method, path, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const token = async (): Promise<string> => /name="token" value="(\w+)"/.exec((await ask('GET', '/')).text)![1]!

/** What a browser sends for the 13 choices. */
async function fields(choices: string, more: Record<string, string> = {}): Promise<URLSearchParams> {
  const answers = [...choices].map((choice, n) => [`item-${n + 1}`, choice])
  return new URLSearchParams({
    token: await token(),
    horizonYears: '20',
    liquidityMonths: '12',
    netWorthYears: '15',
    debtServiceRatio: '0',
    ...Object.fromEntries(answers),
    behaviour: UNKNOWN,
    ...more,
  })
}

const submit = async (choices: string, more?: Record<string, string>, headers?: OutgoingHttpHeaders): Promise<Answer> =>
  ask('POST', '/profile', { ...FORM, ...headers }, String(await fields(choices, more)))

const BOLD = 'bcccccccbbccc'
const CALM = 'daaaaaaaaaaaa'

describe('the form', () => {
  it('asks every question once, with a label, a group, nothing chosen, and says what it stores', async () => {
    const { status, text } = await ask('GET', '/')
    expect(status).toBe(200)
    expect(text.match(/<fieldset/g)).toHaveLength(14)
    // 45 choices of 13 items, 6 of behaviour; 4 numbers.
    expect(text.match(/type="radio"/g)).toHaveLength(51)
    expect(text).not.toContain(' checked')
    const ids = [...text.matchAll(/<input id="([^"]+)"|type="radio" id="([^"]+)"/g)].map(([, a, b]) => a ?? b!)
    expect(ids).toHaveLength(55)
    for (const id of ids) expect(text).toContain(`for="${id}"`)
    expect(text).toContain('Nothing is stored')
    expect(text).not.toMatch(/<script|style=/)
  })

  it('answers with the profile, its chart and its table', async () => {
    const { status, text } = await submit(BOLD)
    expect(status).toBe(200)
    expect(text).toContain('<h1>Your allocation: aggressive</h1>')
    expect(text).toContain('role="img" aria-labelledby="weights-title weights-desc"')
    expect(text).toContain('secular equities 30 %, long-duration treasuries 10 %, gold 20 %')
    expect(text).toContain('<th scope="row">gold</th><td>20 %</td>')
    expect(text).toContain('Nothing was stored.')
  })

  it('takes percent as a ratio, exactly', async () => {
    const { text } = await submit(BOLD, { debtServiceRatio: '24.7' })
    expect(text).toContain('payments on debts (24.7 % of income) 68.25')
  })

  it('names every answer that is missing, out of range, doubled or unknown, and keeps the others', async () => {
    const more = { horizonYears: '-1', netWorthYears: 'a lot', 'item-3': '', 'item-9': 'z', behaviour: '' }
    const { status, text } = await submit(BOLD, { ...more, liquidityMonths: '7.5' })
    expect(status).toBe(422)
    expect(text).toContain('<title>Error: your risk profile')
    const links = [...text.matchAll(/<li><a href="#([^"]+)"/g)].map(([, id]) => id)
    expect(links).toEqual(['horizonYears', 'netWorthYears', 'item-3-0', 'item-9-0', 'behaviour-0'])
    for (const id of links) expect(text).toContain(`id="${id}"`)
    expect(text).toContain('aria-invalid="true"')
    expect(text).toContain('value="7.5"')
    expect(text.match(/ checked/g)).toHaveLength(11)
    const twice = await fields(BOLD)
    twice.append('item-4', 'a')
    expect((await ask('POST', '/profile', FORM, String(twice))).text).toContain(
      'Question 4: choose one of the answers.',
    )
  })

  it('escapes what it gives back', async () => {
    const { text } = await submit(BOLD, { horizonYears: '"><script>x</script>' })
    expect(text).not.toContain('<script>')
    expect(text).toContain('value="&quot;&gt;&lt;script&gt;x&lt;/script&gt;"')
  })

  it('asks for the written acknowledgement and takes it', async () => {
    const { text } = await submit(CALM)
    expect(text).toContain('<h1>Your allocation: defensive</h1>')
    expect(text).toContain(`write: “${ACKNOWLEDGEMENT}”`)
    expect(text).toContain('<input type="hidden" name="item-13" value="a">')
    expect((await submit(CALM, { acknowledgement: ` ${ACKNOWLEDGEMENT} ` })).text).toContain('allocation: balanced')
    expect((await submit(CALM, { acknowledgement: 'yes' })).text).toContain('allocation: defensive')
  })

  it('gives no allocation to answers that do not fit together', async () => {
    const { status, text } = await submit('bbbbbbbbabbbb', { behaviour: 'soldAll' })
    expect(status).toBe(200)
    expect(text).toContain('<h1>No allocation yet</h1>')
    expect(text).not.toContain('<svg')
  })

  it('asks other questions under another policy', async () => {
    const flags = { selfImageAgainstChoice: null, framingReversal: null, quizAgainstBehaviour: null }
    const { tolerance } = firstPolicyFile
    const policy = checkPolicy({
      ...firstPolicyFile,
      tolerance: { ...tolerance, items: { mood: { low: 13, high: 40 } } },
      flags: { ...firstPolicyFile.flags, ...flags },
    })
    const choices = [
      { choice: 'low', text: 'Low <b>' },
      { choice: 'high', text: 'High' },
    ]
    await expect(serveAdvice({ port: 0, policy })).rejects.toMatchObject({ code: 'POLICY_INVALID' })
    const questions = [{ item: 'mood', text: 'How are you?', choices }]
    await start({ policy, questionnaire: { ...firstQuestionnaire, questions } })
    expect((await ask('GET', '/')).text).toContain('Low &lt;b&gt;')
    expect((await submit('', { 'item-mood': 'high' })).text).toContain('allocation: aggressive')
  })
})

describe('the server', () => {
  it('lets no script run and nothing be cached, framed or read by others', async () => {
    for (const path of ['/', '/style.css', '/none']) {
      const { headers } = await ask('GET', path)
      expect(headers['content-security-policy']).toBe(
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      )
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
      expect(headers).not.toHaveProperty('access-control-allow-origin')
      expect(headers).not.toHaveProperty('set-cookie')
    }
  })

  it('answers under its own name only', async () => {
    for (const host of ['evil.example', `evil.example:${form.port}`, '127.0.0.1', `localhost:1`]) {
      expect((await ask('GET', '/', { host })).status, host).toBe(421)
    }
    expect((await ask('GET', '/', { host: `localhost:${form.port}` })).status).toBe(200)
  })

  it('takes forms of its own pages only', async () => {
    const own = `http://127.0.0.1:${form.port}`
    expect((await submit(BOLD, {}, { origin: own, 'sec-fetch-site': 'same-origin' })).status).toBe(200)
    expect((await submit(BOLD, {}, { origin: 'http://evil.example' })).status).toBe(403)
    expect((await submit(BOLD, {}, { origin: 'null' })).status).toBe(403)
    expect((await submit(BOLD, {}, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await submit(BOLD, { token: 'x' })).status).toBe(403)
    expect((await submit(BOLD, { token: '0'.repeat(64) })).status).toBe(403)
    expect((await submit(BOLD, {}, { 'content-type': 'text/plain' })).status).toBe(415)
  })

  it('bounds what it reads', async () => {
    expect((await submit(BOLD, { horizonYears: '1'.repeat(40_000) })).status).toBe(413)
    const many = Array.from({ length: 500 }, (_, n) => `a${n}=1`).join('&')
    expect((await ask('POST', '/profile', FORM, many)).status).toBe(413)
    // Without a length that it could look at first.
    const chunked = { ...FORM, 'transfer-encoding': 'chunked' }
    const ended = ask('POST', '/profile', chunked, 'x'.repeat(200_000)).then(
      ({ status }) => status,
      () => 'reset',
    )
    expect([413, 'reset']).toContain(await ended)
    expect((await ask('GET', '/')).status).toBe(200)
  })

  it('knows its pages and how they are asked', async () => {
    expect((await ask('GET', '/other')).status).toBe(404)
    expect((await ask('POST', '/')).status).toBe(405)
    expect(await ask('DELETE', '/profile')).toMatchObject({ status: 405, headers: { allow: 'POST' } })
    expect(await ask('GET', '/profile')).toMatchObject({ status: 303, headers: { location: '/' } })
    expect(await ask('HEAD', '/')).toMatchObject({ status: 200, text: '' })
    expect((await ask('GET', '/?x=1')).status).toBe(200)
  })

  it('is on the loopback, at a port that is free', async () => {
    const refused = async (options: object): Promise<unknown> =>
      serveAdvice(options).then(
        (open) => open.close(),
        (error: FafnirError) => error.code,
      )
    expect(await refused({ host: '0.0.0.0' })).toBe('ARGUMENT_INVALID')
    expect(await refused({ port: -1 })).toBe('ARGUMENT_INVALID')
    expect(await refused({ port: form.port })).toBe('PORT_IN_USE')
    const other = createServer().listen(0, '127.0.0.1')
    other.close()
    await form.close()
    await form.close()
  })
})

describe('a form with a record', () => {
  let directory = ''
  let record: AdviceRecord
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'fafnir-form-'))
    record = openRecord({ directory })
  })
  afterEach(() => {
    record.close()
    rmSync(directory, { recursive: true, force: true })
  })

  it('says so, keeps every profile, and the acknowledged one under the same number', async () => {
    await start({ record })
    expect((await ask('GET', '/')).text).toContain('your answers and the profile are kept in a record on this computer')
    const first = await submit(CALM)
    const subject = /name="subject" value="(\w{32})"/.exec(first.text)![1]!
    expect(first.text).toContain(`Number 1 for client <code>${subject}</code>`)
    const second = await submit(CALM, { acknowledgement: ACKNOWLEDGEMENT, subject })
    expect(second.text).toContain(`Number 2 for client <code>${subject}</code>`)
    // A number it did not give is not taken: it would be written under somebody else's.
    const foreign = newSubject()
    const third = await submit(CALM, { subject: foreign })
    expect(third.text).toContain('Number 3 for client')
    expect(record.read(1)).toMatchObject({ subject, profile: { variant: 'D' } })
    expect(record.read(2)).toMatchObject({ subject, case: { acknowledged: true }, profile: { variant: 'B' } })
    expect([subject, foreign]).not.toContain(record.read(3).subject)
  })

  it('shows nothing that it could not record, and tells a log no answers', async () => {
    const said: unknown[] = []
    const write = (fields: object, message: string): void => void said.push(fields, message)
    await start({ record, log: { debug: write, info: write, warn: write, error: write } })
    record.close()
    const { status, text } = await submit(BOLD)
    expect(status).toBe(500)
    expect(text).toContain('RECORD_FAILED')
    expect(text).not.toContain('aggressive')
    expect(said).toEqual([{ status: 500, code: 'RECORD_FAILED' }, 'request refused'])
  })
})

describe('a slow client', () => {
  const long = process.env['FAFNIR_LONG'] !== undefined
  it.runIf(long)('is sent away after its ten seconds, not after half a minute', { timeout: 30_000 }, async () => {
    const from = performance.now()
    const text = await new Promise<string>((resolve, reject) => {
      let said = ''
      const socket = connect(form.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nX-Slow: '))
      const drip = setInterval(() => socket.write('a'), 250)
      socket.setEncoding('utf8').on('data', (part: string) => (said += part))
      socket.on('error', reject)
      socket.on('close', () => {
        clearInterval(drip)
        resolve(said)
      })
    })
    expect(text).toMatch(/^HTTP\/1.1 408 /)
    expect(performance.now() - from).toBeLessThan(20_000)
  })
})

describe('the chart', () => {
  it('has a name and a description for those who do not see it', () => {
    const chart = weightsChart('A & B', { gold: 60, cash: 40 }, 'x')
    expect(chart).toContain('<title id="x-title">A &amp; B</title>')
    expect(chart).toContain('<desc id="x-desc">gold 60 %, cash 40 %</desc>')
    expect(chart.match(/<rect/g)).toHaveLength(2)
    // The longest bar takes the room there is, the other its share of it.
    expect([...chart.matchAll(/width="([\d.]+)" height/g)].map(([, width]) => width)).toEqual(['316.0', '210.7'])
    expect(weightsChart('none', {})).not.toContain('<rect')
  })
})
