import { rmSync } from 'node:fs'
import { defineConfig } from 'tsup'
import type { Options } from 'tsup'

// A build starts from nothing: a file left from an older one would be packed with the rest.
rmSync('dist', { recursive: true, force: true })

const common: Options = {
  target: 'es2022',
  platform: 'node',
  sourcemap: false,
  minify: false,
  shims: true,
  treeshake: true,
  external: [/^@fafnir\/native-/],
}

// The library itself and its rooms that are usable alone.
const doors = {
  index: 'src/index.ts',
  book: 'src/book/index.ts',
  fix: 'src/fix/index.ts',
  quote: 'src/quote/index.ts',
  signal: 'src/signal/index.ts',
  venue: 'src/venue/index.ts',
}

// `Symbol.asyncDispose` stands in the types, so they bring its library along for users whose target is older.
const declarations: Options['dts'] = {
  entry: doors,
  banner: '/// <reference lib="esnext.disposable" />',
}

// The command is ESM only and shares its chunks with the library; CommonJS users get the library alone.
const config: ReturnType<typeof defineConfig> = defineConfig([
  {
    ...common,
    entry: { ...doors, 'cli/main': 'src/cli/main.ts' },
    format: ['esm'],
    splitting: true,
    dts: declarations,
  },
  {
    ...common,
    entry: doors,
    format: ['cjs'],
    // Doors share their chunks, so that an error of one is an error of the other.
    splitting: true,
    dts: declarations,
  },
])

export default config
