// Room card: cli/serve
// In:    `serve advice` and its options.
// Out:   a web form on the loopback until it is stopped.
// Holds: stopping is its proper end; what it stores is what --record names.
// Costs: a profile a request.
import { resolve } from 'node:path'

import { Option, type Command } from 'commander'

import { openRecord } from '../advice/record.js'
import { serveAdvice } from '../advice/server.js'
import { policyOf, questionnaireOf, type AdviceFlags, type AdviseHost } from './advise.js'
import type { Action } from './live-commands.js'
import { whole } from './options.js'
import { EXIT } from './output.js'

interface ServeFlags extends AdviceFlags {
  readonly port?: number
  readonly json?: boolean
}

const PORT_MAX = 65_535

/** Adds the commands. */
export function addServe(program: Command, host: AdviseHost, action: Action): void {
  const serve = program.command('serve').description('serve a small page to the browser of this computer')
  serve
    .command('advice')
    .description('the questions of `fafnir advise` as a web form, and the profile they come to')
    .addOption(
      new Option('--port <n>', 'port on 127.0.0.1 (default: 9470; 0: a free one)').argParser(whole(0, PORT_MAX)),
    )
    .addOption(new Option('--policy <file>', "a policy in the form of the product's own"))
    .addOption(new Option('--questionnaire <file>', 'other questions, for the items of the policy'))
    .addOption(new Option('--record <dir>', 'append every profile to the record of advice in this folder'))
    .addOption(new Option('--json', 'print where it is served as one JSON object'))
    .action(action((flags: ServeFlags) => runServe(flags, host)))
}

async function runServe(flags: ServeFlags, host: AdviseHost): Promise<number> {
  const policy = policyOf(flags, host)
  const questionnaire = questionnaireOf(flags, policy)
  const record = flags.record === undefined ? undefined : openRecord({ directory: resolve(flags.record) })
  try {
    await using form = await serveAdvice({ port: flags.port, policy, questionnaire, record })
    const { url, port } = form
    if (flags.json === true) host.out(`${JSON.stringify({ url, port, policy: policy.version })}\n`)
    else host.out(`${url}\n${record === undefined ? 'nothing is stored' : `recorded in ${resolve(flags.record!)}`}\n`)
    await stopped(host.signal)
    return EXIT.ok
  } finally {
    record?.close()
  }
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve_) => {
    if (signal.aborted) return resolve_()
    signal.addEventListener('abort', () => resolve_(), { once: true })
  })
}
