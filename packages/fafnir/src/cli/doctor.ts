// Room card: cli/doctor
// In:    this process and machine: node, native package, cores, container limits.
// Out:   what was found, what is wrong, and the plan of threads.
// Holds: looks only; changes nothing.
// Costs: cold path.
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'

import { FafnirError, describeError } from '../errors.js'
import { native, nativePackageName } from '../native.js'
import { EXIT, type Output } from './output.js'

/** One finding. */
export interface Finding {
  readonly what: string
  readonly value: string
  readonly ok: boolean
  /** What to do about it, when something is to be done. */
  readonly advice?: string
}

/** Prints the findings; fails when the core cannot run here. */
export async function doctor(version: string, output: Output): Promise<number> {
  const findings = [
    { what: 'fafnir', value: version, ok: true },
    nodeFinding(process.version),
    { what: 'platform', value: `${process.platform} ${process.arch}`, ok: true },
    nativeFinding(),
    ...machineFindings(readCgroup()),
  ]
  const ok = findings.every((finding) => finding.ok)
  if (output.json) {
    output.out(`${JSON.stringify({ ok, findings }, null, 2)}\n`)
  } else {
    const width = Math.max(...findings.map((finding) => finding.what.length))
    for (const { what, value, ok: good, advice } of findings) {
      output.out(
        `${good ? 'ok  ' : 'BAD '} ${what.padEnd(width)}  ${value}\n` +
          (advice === undefined ? '' : `       ${advice}\n`),
      )
    }
  }
  return ok ? EXIT.ok : EXIT.failed
}

const NODE_MAJOR_MIN = 20

function nodeFinding(version: string): Finding {
  const major = Number(/^v(\d+)/.exec(version)?.[1] ?? 0)
  if (major >= NODE_MAJOR_MIN) return { what: 'node', value: version, ok: true }
  return { what: 'node', value: version, ok: false, advice: `Node ${NODE_MAJOR_MIN} or newer is needed.` }
}

function nativeFinding(): Finding {
  const name = nativePackageName()
  try {
    return { what: 'native', value: `${name} ${oneLine(native().buildInfo())}`, ok: true }
  } catch (error) {
    const value = error instanceof FafnirError ? describeError(error) : String(error)
    return { what: 'native', value, ok: false, advice: `Install it: npm install ${name}` }
  }
}

function oneLine(json: string): string {
  try {
    const entries = Object.entries(JSON.parse(json) as Record<string, unknown>)
    return entries.map(([key, value]) => `${key}=${Array.isArray(value) ? value.join('+') : String(value)}`).join(' ')
  } catch {
    return json
  }
}

/** What a container allows; undefined where it sets no limit. */
export interface Quota {
  /** CPUs' worth of time. */
  readonly cpus: number | undefined
  readonly memoryBytes: number | undefined
}

function readCgroup(): Quota {
  const read = (path: string): string | undefined => {
    try {
      return readFileSync(path, 'utf8').trim()
    } catch {
      return undefined
    }
  }
  const v2 = read('/sys/fs/cgroup/cpu.max')
  if (v2 !== undefined) return parseQuota(v2, read('/sys/fs/cgroup/memory.max'))
  const quota = read('/sys/fs/cgroup/cpu/cpu.cfs_quota_us')
  const period = read('/sys/fs/cgroup/cpu/cpu.cfs_period_us')
  const memory = read('/sys/fs/cgroup/memory/memory.limit_in_bytes')
  return parseQuota(quota === undefined || quota === '-1' ? undefined : `${quota} ${period ?? '100000'}`, memory)
}

/** Reads `cpu.max` ("150000 100000" or "max 100000") and `memory.max` ("max" or bytes). */
export function parseQuota(cpuMax: string | undefined, memoryMax: string | undefined): Quota {
  const [quota = '', period = ''] = (cpuMax ?? '').split(' ')
  const cpuCount = Number(quota) / Number(period)
  const memory = Number(memoryMax)
  return {
    cpus: /^\d+$/.test(quota) && Number.isFinite(cpuCount) && cpuCount > 0 ? cpuCount : undefined,
    // Version 1 writes a number near 2^63 for "no limit".
    memoryBytes: memoryMax !== undefined && memory > 0 && memory < 2 ** 60 ? memory : undefined,
  }
}

function machineFindings(quota: Quota): readonly Finding[] {
  const cores = availableParallelism()
  const usable = Math.min(cores, quota.cpus ?? Infinity)
  const memory = Math.min(totalmem(), quota.memoryBytes ?? Infinity)
  const limit = quota.cpus === undefined ? 'no container limit' : `the container allows ${quota.cpus.toFixed(1)}`
  const coreFinding = {
    what: 'cores',
    value: `${cores} for this process of ${cpus().length} (${cpus()[0]?.model.trim() ?? 'unknown'}), ${limit}`,
    ok: true,
  }
  return [
    usable >= 2
      ? coreFinding
      : { ...coreFinding, advice: 'Below two cores the engine and Node share one: expect latencies of milliseconds.' },
    { what: 'memory', value: `${(memory / 2 ** 30).toFixed(1)} GiB`, ok: memory >= 2 ** 28 },
    { what: 'plan', value: threadPlan(usable), ok: true },
  ]
}

/** Which thread runs where: spinners are fewer than cores, so that Node and the kernel always have one. */
export function threadPlan(usableCores: number): string {
  if (usableCores < 2) return 'engine and Node share a core; the idle engine spins for microseconds, then sleeps'
  const rest = Math.floor(usableCores) - 1
  return `one engine thread, not pinned: idle it spins for microseconds, then sleeps; Node has the other ${rest}`
}
