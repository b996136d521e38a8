// Every folder of examples/ is run as a user would run it; what it prints is what its expected.txt says.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { describe, expect, test } from 'vitest'

const examples = fileURLToPath(new URL('../../../examples', import.meta.url))
const folders = readdirSync(examples, { withFileTypes: true }).filter((entry) => entry.isDirectory())

describe('examples', () => {
  test('there are some, and each has its expected output', () => {
    expect(folders.length).toBeGreaterThan(0)
    for (const { name } of folders) expect(existsSync(join(examples, name, 'expected.txt')), name).toBe(true)
  })

  test.each(folders.map(({ name }) => name))('%s prints what it says', (name) => {
    const folder = join(examples, name)
    const ran = spawnSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8', timeout: 60_000 })
    expect(ran.stderr).toBe('')
    expect(ran.stdout).toBe(readFileSync(join(folder, 'expected.txt'), 'utf8'))
    expect(ran.status).toBe(0)
  }, 60_000)
})
