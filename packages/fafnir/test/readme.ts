// The README's example as text, and the mechanical change that makes it CommonJS.

/** The first ```ts block, or the first behind a line. */
export function firstTypeScriptBlock(markdown: string, behind: string = ''): string {
  const from = markdown.indexOf(behind)
  const block = /^```(?:ts|typescript)\b[^\n]*\n([\s\S]*?)^```\s*$/m.exec(from < 0 ? '' : markdown.slice(from))?.[1]
  if (block === undefined) throw new Error(`README.md has no \`\`\`ts block behind "${behind}"`)
  return block
}

/**
 * The same program with `require`: named, namespace and side-effect imports become calls, and what awaits at the top
 * level moves into an async function.
 */
export function requireForm(source: string): string {
  const named = /^import\s+\{([^}]*)\}\s+from\s+(['"][^'"]+['"]);?[ \t]*$/gm
  const namespace = /^import\s+\*\s+as\s+(\w+)\s+from\s+(['"][^'"]+['"]);?[ \t]*$/gm
  const effect = /^import\s+(['"][^'"]+['"]);?[ \t]*$/gm
  const heads: string[] = []
  const take = (head: string): string => {
    heads.push(head)
    return ''
  }
  const body = source
    .replace(named, (_, names: string, from: string) =>
      take(`const {${names.replace(/(\w+)\s+as\s+(\w+)/g, '$1: $2')}} = require(${from})`))
    .replace(namespace, (_, name: string, from: string) => take(`const ${name} = require(${from})`))
    .replace(effect, (_, from: string) => take(`require(${from})`))
  if (/^\s*(import|export)\s/m.test(body)) throw new Error(`an import or export this rewrite does not know:\n${body}`)
  const lines = [...heads, ';(async () => {', body.trim(), '})().catch((error) => {', '  console.error(error)']
  return `${lines.join('\n')}\n  process.exitCode = 1\n})\n`
}
