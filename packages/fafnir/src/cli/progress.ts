// Room card: cli/progress
// In:    fractions from 0 to 1.
// Out:   a bar on a terminal, a line every tenth elsewhere, nothing when silent; always on stderr.
// Holds: stdout carries results only; the bar is wiped before anything else is printed.
// Costs: at most ten redraws a second.

/** Shows how far a run is. */
export interface Progress {
  /** How much is done, 0 to 1. */
  update(fraction: number): void
  /** Wipes the bar. Idempotent. */
  done(): void
}

const WIDTH = 32
const REDRAW_MILLIS = 100

/** A display for this stream. */
export function showProgress(label: string, stream: NodeJS.WriteStream, silent: boolean): Progress {
  if (silent) return { update() {}, done() {} }
  return stream.isTTY ? bar(label, stream) : lines(label, stream)
}

function bar(label: string, stream: NodeJS.WriteStream): Progress {
  let drawnAt = 0
  let drawn = false
  return {
    update(fraction) {
      const now = performance.now()
      if (now - drawnAt < REDRAW_MILLIS) return
      drawnAt = now
      drawn = true
      const filled = Math.round(Math.min(Math.max(fraction, 0), 1) * WIDTH)
      const percent = `${Math.floor(fraction * 100)}`.padStart(3)
      stream.write(`\r${label} ${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${percent} %`)
    },
    done() {
      if (drawn) stream.write('\r\u001b[K')
      drawn = false
    },
  }
}

function lines(label: string, stream: NodeJS.WriteStream): Progress {
  let tenth = 0
  return {
    update(fraction) {
      const reached = Math.floor(fraction * 10)
      if (reached <= tenth) return
      tenth = reached
      stream.write(`${label} ${reached * 10} %\n`)
    },
    done() {},
  }
}
