// `node drop-copy.mjs CONFIG.json`: the logger as a process of its own, until SIGTERM.
import { readFileSync } from 'node:fs'

import { startLogger } from './logger.mjs'

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const logger = await startLogger({ ...config, say: (line) => console.log(line) })

process.once('SIGTERM', async () => {
  await logger.close()
  for (const [session, repeats] of Object.entries(logger.repeats())) console.log(`${session} repeated ${repeats}`)
})
