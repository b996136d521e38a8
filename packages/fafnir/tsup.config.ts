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

// `Symbol.asyncDispose` stands in the types, so they bring its library along for users whose target is older.
const declarations: Options['dts'] = {
  entry: { index: 'src/index.ts' },
  banner: '/// <reference lib="esnext.disposable" />',
}

// The command is ESM only and shares its chunks with the library; CommonJS users get the library alone.
const config: ReturnType<typeof defineConfig> = defineConfig([
  {
    ...common,
    entry: { index: 'src/index.ts', 'cli/main': 'src/cli/main.ts' },
    format: ['esm'],
    splitting: true,
    dts: declarations,
  },
  {
    ...common,
    entry: { index: 'src/index.ts' },
    format: ['cjs'],
    splitting: false,
    dts: declarations,
  },
])

export default config
