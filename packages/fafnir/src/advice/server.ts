// Room card: advice/server
// In:    HTTP requests of this computer's browser.
// Out:   the form, the profile; a record where one is kept.
// Holds: loopback only, and only under its own name (no rebinding, no other site's form); bodies, fields, headers,
//        connections and times are bounded; no script runs, nothing is cached; what cannot be recorded is not shown.
// Costs: a profile a request.
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { FafnirError, describeError, fail } from '../errors.js'
import type { LogTarget } from '../observe/log.js'
import { firstPolicy } from './first-policy.js'
import { firstQuestionnaire } from './first-questionnaire.js'
import { STYLE, messagePage, profilePage, questionPage, type FormContext } from './form.js'
import type { Policy } from './policy.js'
import { profileOf } from './profile.js'
import { checkQuestionnaire, type Questionnaire } from './questionnaire.js'
import { newSubject, type AdviceRecord, type Recorded } from './record.js'
import { caseOfForm, type Submitted } from './typed.js'

/** How the form is served. */
export interface AdviceServerOptions {
  /** Port on the loopback; 0 takes a free one. Default: 9470. */
  readonly port?: number | undefined
  /** Loopback address: "127.0.0.1" (default) or "::1". */
  readonly host?: '127.0.0.1' | '::1' | undefined
  readonly policy?: Policy | undefined
  readonly questionnaire?: Questionnaire | undefined
  /** Profiles are appended to it before they are shown. Its owner closes it. Default: nothing is stored. */
  readonly record?: AdviceRecord | undefined
  /** Told of requests that were refused and of faults; never of answers. */
  readonly log?: LogTarget | undefined
}

/** A running form. */
export interface AdviceServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Ends it. Idempotent. */
  close(): Promise<void>
}

const PORT = 9_470
const BODY_BYTES_MAX = 32_768
const FIELDS_MAX = 400
const HEADER_BYTES_MAX = 16_384
const CONNECTIONS_MAX = 32
const REQUEST_MILLIS = 10_000
/** How often it is looked who is over their time. */
const LOOK_MILLIS = 1_000
const TOKEN_BYTES = 32
/** Clients of this page's own, whose second form continues their record. */
const SUBJECTS_MAX = 1_000

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const

/**
 * Serves the intake as a web form to the browser of this computer. It works without scripts and by keyboard alone.
 *
 * @throws FafnirError ARGUMENT_INVALID (not a loopback address, not a port), POLICY_INVALID (questions and policy do
 * not fit), PORT_IN_USE
 *
 * @example
 * await using form = await serveAdvice({ port: 9470 })
 * console.log(form.url)
 */
export async function serveAdvice(options: AdviceServerOptions = {}): Promise<AdviceServer> {
  const { port = PORT, host = '127.0.0.1', policy = firstPolicy() } = options
  if (host !== '127.0.0.1' && host !== '::1') {
    throw fail('ARGUMENT_INVALID', 'the form is served on the loopback only', { host, allowed: '127.0.0.1 ::1' })
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw fail('ARGUMENT_INVALID', 'a port is a whole number', { port, allowed: '0 to 65535' })
  }
  const questionnaire = checkQuestionnaire(options.questionnaire ?? firstQuestionnaire, policy)
  const token = randomBytes(TOKEN_BYTES).toString('hex')
  const context: FormContext = { policy, questionnaire, records: options.record !== undefined, token }
  const site = new Site(context, options)
  const server = createServer(
    { maxHeaderSize: HEADER_BYTES_MAX, connectionsCheckingInterval: LOOK_MILLIS },
    (request, response) => {
      void site.answer(request, response)
    },
  )
  server.maxConnections = CONNECTIONS_MAX
  server.requestTimeout = REQUEST_MILLIS
  server.headersTimeout = REQUEST_MILLIS
  await listen(server, port, host)
  const bound = (server.address() as AddressInfo).port
  const names = ['localhost', host === '::1' ? '[::1]' : host]
  site.names = names.map((name) => `${name}:${bound}`)
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= closed(server))
  return { url: `http://${names[1]!}:${bound}/`, port: bound, close, [Symbol.asyncDispose]: close }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        fail('PORT_IN_USE', 'the form cannot be served there', { port, error: error.code ?? error.message }, error),
      )
    })
    server.listen(port, host, resolve)
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** A request that is not answered as it asks. */
class Refused extends Error {
  readonly status: number
  constructor(status: number, words: string) {
    super(words)
    this.status = status
  }
}

/** Answers requests. */
class Site {
  /** Hosts it answers to, with their port. */
  names: readonly string[] = []
  private readonly context: FormContext
  private readonly options: AdviceServerOptions
  private readonly subjects: Set<string> = new Set()

  constructor(context: FormContext, options: AdviceServerOptions) {
    this.context = context
    this.options = options
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.route(request, response)
    } catch (error) {
      const status = error instanceof Refused ? error.status : 500
      const fault = error instanceof FafnirError ? describeError(error) : undefined
      this.options.log?.warn({ status, code: error instanceof FafnirError ? error.code : undefined }, 'request refused')
      const words =
        error instanceof Refused
          ? error.message
          : `The profile could not be given, and nothing was issued. ${fault ?? 'The program has a fault.'}`
      // What is left of a body that is not wanted is not read.
      response.setHeader('connection', 'close')
      send(response, status, 'text/html; charset=utf-8', messagePage('That did not work', words))
    }
  }

  private async route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.names.includes(request.headers.host ?? '')) {
      throw new Refused(421, 'This page answers under its own name only.')
    }
    const path = (request.url ?? '').split('?')[0]
    const reads = request.method === 'GET' || request.method === 'HEAD'
    if (path === '/' && reads) return send(response, 200, 'text/html; charset=utf-8', questionPage(this.context))
    if (path === '/style.css' && reads) return send(response, 200, 'text/css; charset=utf-8', STYLE)
    if (path === '/profile' && request.method === 'POST') return await this.profile(request, response)
    if (path === '/profile' && reads) {
      response.writeHead(303, { ...HEADERS, location: '/' })
      response.end()
      return
    }
    if (path === '/' || path === '/style.css' || path === '/profile') {
      response.setHeader('allow', path === '/profile' ? 'POST' : 'GET, HEAD')
      throw new Refused(405, 'That is not how this page is asked.')
    }
    throw new Refused(404, 'There is no such page.')
  }

  private async profile(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.ownForm(request)
    const submitted = fieldsOf(await bodyOf(request))
    const given = Buffer.from(submitted['token'] ?? '')
    const wanted = Buffer.from(this.context.token)
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      throw new Refused(403, 'This form is not from a page of this program, or of one that has ended since.')
    }
    const { questionnaire, policy } = this.context
    const found = caseOfForm(questionnaire, submitted)
    if ('mistakes' in found) {
      return send(response, 422, 'text/html; charset=utf-8', questionPage(this.context, submitted, found.mistakes))
    }
    const { intake } = found
    const profile = profileOf(policy, intake)
    const recorded = this.options.record?.append({ subject: this.subjectOf(submitted), intake, profile })
    const onward = this.onward(submitted, recorded)
    send(response, 200, 'text/html; charset=utf-8', profilePage(this.context, profile, onward, recorded))
  }

  /** A form of another site is not taken, whatever it says. */
  private ownForm(request: IncomingMessage): void {
    const { origin, 'sec-fetch-site': from, 'content-type': type = '' } = request.headers
    const own = origin === undefined || this.names.some((name) => origin === `http://${name}`)
    if (!own || (from !== undefined && from !== 'same-origin')) throw new Refused(403, 'This form is of another site.')
    if (type.split(';')[0]!.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
      throw new Refused(415, 'That is no form.')
    }
  }

  private subjectOf(submitted: Submitted): string {
    const known = submitted['subject'] ?? ''
    return this.subjects.has(known) ? known : newSubject()
  }

  /** What goes along to the acknowledgement: the answers of this form and the client's number. */
  private onward(submitted: Submitted, recorded: Recorded | undefined): Submitted {
    const { questionnaire } = this.context
    const names = ['horizonYears', 'liquidityMonths', 'netWorthYears', 'debtServiceRatio', 'behaviour']
    const wanted = [...names, ...questionnaire.questions.map(({ item }) => `item-${item}`)]
    const kept = Object.fromEntries(wanted.map((name) => [name, submitted[name] ?? '']))
    if (recorded === undefined) return kept
    if (this.subjects.size >= SUBJECTS_MAX) this.subjects.delete(this.subjects.values().next().value ?? '')
    this.subjects.add(recorded.subject)
    return { ...kept, subject: recorded.subject }
  }
}

/** The body, up to the named bound. */
async function bodyOf(request: IncomingMessage): Promise<string> {
  const tooLong = new Refused(413, 'This form is longer than any of this program.')
  if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) throw tooLong
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length
    if (bytes > BODY_BYTES_MAX) throw tooLong
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The fields of a form. One that is given twice has no answer: neither of the two is guessed to be meant. */
function fieldsOf(body: string): Submitted {
  const fields = new Map<string, string>()
  let count = 0
  for (const [name, value] of new URLSearchParams(body)) {
    count += 1
    if (count > FIELDS_MAX) throw new Refused(413, 'This form has more fields than any of this program.')
    fields.set(name, fields.has(name) ? '' : value)
  }
  return Object.fromEntries(fields)
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': type, 'content-length': Buffer.byteLength(text) })
  response.end(response.req.method === 'HEAD' ? undefined : text)
}
