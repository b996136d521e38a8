import { defineConfig } from 'vitest/config'
import type { ViteUserConfig } from 'vitest/config'

// Live engines, rings between threads, sockets, turns of the event loop: one file at a time, nothing beside it.
const alone = [
  'src/{engine,observe,ring}/**/*.test.ts',
  'src/fix/{fix,logon}.test.ts',
  'src/quant/event-loop.test.ts',
  'test/{advice-form,advice-record-shared,examples,live,public,readme}.test.ts',
]

const config: ViteUserConfig = defineConfig({
  test: {
    // Tests load a native library and start workers: each file gets a process of its own.
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'beside',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: alone,
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: 'alone', include: alone, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
})

export default config
