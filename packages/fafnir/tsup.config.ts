import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { defineConfig } from 'tsup'
import type { Options } from 'tsup'
import ts from 'typescript'

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

// Typed messages of FIX, a door a version.
const versions = ['fix40', 'fix41', 'fix42', 'fix43', 'fix44', 'fix50', 'fix50sp1', 'fix50sp2', 'fixt11']

// Their declarations are made one by one: a bundler of types takes minutes over them.
async function declareMessages(): Promise<void> {
  mkdirSync('dist/fix', { recursive: true })
  for (const name of versions) {
    const source = readFileSync(`src/fix/messages/${name}.ts`, 'utf8')
    const { outputText } = ts.transpileDeclaration(source, { fileName: `${name}.ts` })
    const text = outputText.replaceAll(/ {4}/g, '  ').replace("'../schema.js'", "'../fix.js'")
    writeFileSync(`dist/fix/${name}.d.ts`, text)
    writeFileSync(`dist/fix/${name}.d.cts`, text.replaceAll(/(from '\.[^']*)\.js'/g, "$1.cjs'"))
  }
}

// The library itself and its rooms that are usable alone.
const rooms = {
  index: 'src/index.ts',
  advice: 'src/advice/index.ts',
  allocator: 'src/allocator/index.ts',
  book: 'src/book/index.ts',
  fix: 'src/fix/index.ts',
  quant: 'src/quant/index.ts',
  quote: 'src/quote/index.ts',
  signal: 'src/signal/index.ts',
  venue: 'src/venue/index.ts',
}

const doors = {
  ...rooms,
  ...Object.fromEntries(versions.map((name) => [`fix/${name}`, `src/fix/messages/${name}.ts`])),
}

// `Symbol.asyncDispose` stands in the types, so they bring its library along for users whose target is older.
const declarations: Options['dts'] = {
  entry: rooms,
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
    onSuccess: declareMessages,
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
