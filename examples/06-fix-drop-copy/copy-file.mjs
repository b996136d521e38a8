// Lines in files of a folder: appended whole or not at all, each file replaced by a new one at its bound.
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

const READ_BYTES = 1 << 20

/** The finished lines of a file, each with the place where it ends. */
function* linesOf(path) {
  const file = openSync(path, 'r')
  try {
    const chunk = Buffer.alloc(READ_BYTES)
    let rest = Buffer.alloc(0)
    let restAt = 0
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
      rest = Buffer.concat([rest, chunk.subarray(0, read)])
      let from = 0
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10, from)) {
        yield { text: rest.toString('utf8', from, end), end: restAt + end + 1 }
        from = end + 1
      }
      restAt += from
      rest = rest.subarray(from)
    }
  } finally {
    closeSync(file)
  }
}

/** `copies.jsonl` of a folder, and the older `copies-000001.jsonl` and on beside it. */
export class CopyFile {
  #folder
  #bytesMax
  #filesKept
  #file
  #bytes = 0
  #damage

  /**
   * Takes up what is there. `seen` is given every whole line of the current file and of the one before it; what a
   * crash left unfinished at the end is cut off, and `cut` says so.
   */
  constructor({ folder, bytesMax, filesKept, seen }) {
    mkdirSync(folder, { recursive: true })
    this.#folder = folder
    this.#bytesMax = bytesMax
    this.#filesKept = filesKept
    const before = this.older().at(-1)
    if (before !== undefined) for (const { text } of linesOf(join(folder, before))) seen(JSON.parse(text))
    if (existsSync(this.#current)) for (const line of linesOf(this.#current)) this.#read(line, seen)
    this.#file = openSync(this.#current, 'a')
    this.cut = fstatSync(this.#file).size > this.#bytes
    if (this.cut) ftruncateSync(this.#file, this.#bytes)
  }

  /** Names of the older files, oldest first. */
  older() {
    return readdirSync(this.#folder)
      .filter((name) => /^copies-\d+\.jsonl$/.test(name))
      .sort()
  }

  /** Adds objects, a line each; they are on the medium when it returns. */
  append(objects) {
    if (objects.length === 0) return
    const text = Buffer.from(objects.map((each) => `${JSON.stringify(each)}\n`).join(''))
    for (let written = 0; written < text.length;) written += writeSync(this.#file, text, written)
    fdatasyncSync(this.#file)
    this.#bytes += text.length
  }

  /** Is it time for a new file? */
  get full() {
    return this.#bytes >= this.#bytesMax
  }

  /** A new file that begins with these objects; the oldest go. */
  turnOver(objects) {
    closeSync(this.#file)
    const older = this.older()
    const number = Number(older.at(-1)?.match(/\d+/)[0] ?? 0) + 1
    renameSync(this.#current, join(this.#folder, `copies-${String(number).padStart(6, '0')}.jsonl`))
    this.#file = openSync(this.#current, 'a')
    this.#bytes = 0
    this.append(objects)
    for (const name of older.slice(0, Math.max(0, older.length + 1 - this.#filesKept))) rmSync(join(this.#folder, name))
    const folder = openSync(this.#folder, 'r')
    fsyncSync(folder)
    closeSync(folder)
  }

  close() {
    closeSync(this.#file)
  }

  get #current() {
    return join(this.#folder, 'copies.jsonl')
  }

  // What a crash leaves is the start of a line, or zeros in its place; it stands at the end.
  #read({ text, end }, seen) {
    let line
    try {
      line = JSON.parse(text)
    } catch (error) {
      this.#damage ??= error
      return
    }
    if (this.#damage !== undefined) throw new Error(`${this.#current} is damaged behind byte ${this.#bytes}`)
    seen(line)
    this.#bytes = end
  }
}
