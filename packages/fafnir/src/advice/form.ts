// Room card: advice/form
// In:    a questionnaire; what was submitted; a profile.
// Out:   pages: the questions, the questions with what is wrong, the profile.
// Holds: no script, no inline style; every control labelled, grouped and reachable by keyboard; everything foreign
//        escaped; nothing is chosen beforehand.
// Costs: cold path.
import { sleeveNames, sleeves } from '../allocator/variants.js'
import { escapeHtml } from '../report/format.js'
import { weightsChart } from './chart.js'
import { FLAG_WORDS } from './explain.js'
import { capacityQuestions } from './first-questionnaire.js'
import type { Policy } from './policy.js'
import type { Profile } from './profile.js'
import type { Questionnaire } from './questionnaire.js'
import type { Recorded } from './record.js'
import { ACKNOWLEDGEMENT, UNKNOWN, type Mistake, type Submitted } from './typed.js'

/** What the pages are about. */
export interface FormContext {
  readonly policy: Policy
  readonly questionnaire: Questionnaire
  /** Is a record kept? The pages say so. */
  readonly records: boolean
  /** Proves that a form came from this page. */
  readonly token: string
}

const UNIT_WORDS = { years: 'years', months: 'months', percent: 'percent' } as const

/** The page with the questions; with what was submitted and what is wrong with it, when there is something. */
export function questionPage(
  context: FormContext,
  submitted: Submitted = {},
  mistakes: readonly Mistake[] = [],
): string {
  const { questionnaire } = context
  const wrong = new Map(mistakes.map((mistake) => [mistake.field, mistake.words]))
  const capacity = capacityQuestions.map(({ measure, text, hint, unit }) => {
    const value = submitted[measure]
    const label = `${escapeHtml(text)} <span class="unit">(${UNIT_WORDS[unit]})</span>`
    return field(measure, label, escapeHtml(hint), value, wrong.get(measure))
  })
  const questions = questionnaire.questions.map(({ item, text, choices }, n) => {
    return group(`item-${item}`, `${n + 1}. ${text}`, choices, submitted[`item-${item}`], wrong.get(`item-${item}`))
  })
  const { behaviour } = questionnaire
  const seen = [...behaviour.choices, { choice: UNKNOWN, text: 'I had none, or do not know' }]
  const body = [
    '<h1>Your risk profile</h1>',
    mistakes.length > 0 ? summary(mistakes) : '',
    '<p>There are no right answers. Every question has to be answered, because nothing is guessed.</p>',
    kept(context),
    '<form method="post" action="/profile" novalidate>',
    `<input type="hidden" name="token" value="${context.token}">`,
    '<h2>What you can bear</h2>',
    ...capacity,
    '<h2>What you want to bear</h2>',
    ...questions,
    '<h2>What you have done</h2>',
    group('behaviour', behaviour.text, seen, submitted['behaviour'], wrong.get('behaviour')),
    '<button type="submit">Show my profile</button>',
    '</form>',
  ]
  return page(mistakes.length > 0 ? 'Error: your risk profile' : 'Your risk profile', body)
}

/** Says what is stored, before anything is asked. */
function kept(context: FormContext): string {
  const words = context.records
    ? 'When you send this form, your answers and the profile are kept in a record on this computer, under a random ' +
      'number instead of your name, and encrypted with a key of their own. The key can be destroyed at any time; ' +
      'what remains then says nothing about you.'
    : 'Nothing is stored: your answers stay in this page and in the memory of the program on this computer until the ' +
      'profile is shown.'
  return (
    '<section class="note" aria-labelledby="kept"><h2 id="kept">What this page stores</h2>' +
    `<p>${words} No name, address or account is asked for. Nothing leaves this computer; there are no cookies.</p>` +
    '</section>'
  )
}

function summary(mistakes: readonly Mistake[]): string {
  const items = mistakes.map(({ field: name, words }) => {
    return `<li><a href="#${escapeHtml(anchor(name))}">${escapeHtml(words)}</a></li>`
  })
  const count = mistakes.length === 1 ? 'One answer needs' : `${mistakes.length} answers need`
  return (
    '<div class="errors" role="alert" tabindex="-1" autofocus id="errors"><h2>There is a problem</h2>' +
    `<p>${count} your attention.</p><ul>${items.join('')}</ul></div>`
  )
}

/** Where a link of the summary leads: the field, or the first choice of a group. */
function anchor(name: string): string {
  return capacityQuestions.some(({ measure }) => measure === name) ? name : `${name}-0`
}

function field(
  name: string,
  label: string,
  hint: string,
  value: string | undefined,
  wrong: string | undefined,
): string {
  const described = `${name}-hint${wrong === undefined ? '' : ` ${name}-error`}`
  return [
    `<div class="field${wrong === undefined ? '' : ' wrong'}"><label for="${name}">${label}</label>`,
    `<p class="hint" id="${name}-hint">${hint}</p>`,
    wrong === undefined ? '' : `<p class="error" id="${name}-error">${escapeHtml(wrong)}</p>`,
    `<input id="${name}" name="${name}" type="text" inputmode="decimal" autocomplete="off" required ` +
      `aria-describedby="${described}"${wrong === undefined ? '' : ' aria-invalid="true"'}` +
      ` value="${escapeHtml(value ?? '')}"></div>`,
  ].join('')
}

function group(
  name: string,
  legend: string,
  choices: readonly { readonly choice: string; readonly text: string }[],
  value: string | undefined,
  wrong: string | undefined,
): string {
  const safe = escapeHtml(name)
  const options = choices.map(({ choice, text }, n) => {
    const checked = choice === value ? ' checked' : ''
    return (
      `<div class="choice"><input type="radio" id="${safe}-${n}" name="${safe}" value="${escapeHtml(choice)}" ` +
      `required${checked}><label for="${safe}-${n}">${escapeHtml(text)}</label></div>`
    )
  })
  const described = wrong === undefined ? '' : ` aria-describedby="${safe}-error"`
  return [
    `<fieldset${wrong === undefined ? '' : ' class="wrong"'}${described}><legend>${escapeHtml(legend)}</legend>`,
    wrong === undefined ? '' : `<p class="error" id="${safe}-error">${escapeHtml(wrong)}</p>`,
    ...options,
    '</fieldset>',
  ].join('')
}

/** The page with the profile. `submitted` goes along when an acknowledgement is asked for. */
export function profilePage(
  context: FormContext,
  profile: Profile,
  submitted: Submitted,
  recorded: Recorded | undefined,
): string {
  const { weights } = profile
  const name = profile.variantName ?? ''
  const title = profile.status === 'blocked' ? 'No allocation yet' : `Your allocation: ${name}`
  const body = [
    `<h1>${escapeHtml(title)}</h1>`,
    flagged(profile),
    scores(profile, context.policy),
    weights === null ? '' : allocation(name, weights),
    phases(profile),
    `<h2>How it came to be</h2>${list(profile.explanation)}`,
    profile.acknowledgement === 'needed' && profile.status === 'issued'
      ? acknowledgement(context, profile, submitted)
      : '',
    `<h2>What you must know</h2>${list(profile.disclosures)}`,
    `<h2>For your files</h2><dl><dt>Policy</dt><dd>${escapeHtml(profile.policy.version)}`,
    `<br><code>${profile.policy.hash}</code></dd>`,
    `<dt>Profile</dt><dd><code>${profile.contentHash}</code></dd>`,
    recorded === undefined
      ? '<dt>Record</dt><dd>Nothing was stored.</dd></dl>'
      : `<dt>Record</dt><dd>Number ${recorded.record} for client <code>${recorded.subject}</code></dd></dl>`,
    '<p><a href="/">Answer the questions again</a></p>',
  ]
  return page(title, body)
}

function flagged({ flags }: Profile): string {
  if (flags.length === 0) return ''
  const words = list(flags.map((flag) => FLAG_WORDS[flag]))
  return `<section class="note"><h2>Answers that do not fit together</h2>${words}</section>`
}

function scores(profile: Profile, policy: Policy): string {
  const levels = policy.file.matrix.length
  const row = (label: string, score: number, bucket: number): string =>
    `<tr><th scope="row">${label}</th><td>${Math.round(score * 100) / 100} of 100</td>` +
    `<td>${bucket} of ${levels}</td></tr>`
  return (
    '<table><caption>Your scores</caption><thead><tr><th scope="col">Score</th><th scope="col">Points</th>' +
    '<th scope="col">Level</th></tr></thead><tbody>' +
    row('Capacity: what you can bear', profile.capacity.score, profile.capacityBucket) +
    row('Tolerance: what you want to bear', profile.tolerance.score, profile.toleranceBucket) +
    '</tbody></table>'
  )
}

function allocation(name: string, weights: NonNullable<Profile['weights']>): string {
  const rows = sleeveNames
    .filter((sleeve) => (weights[sleeve] ?? 0) > 0)
    .map((sleeve) => {
      const label = sleeves.find((card) => card.sleeve === sleeve)?.label ?? sleeve
      return `<tr><th scope="row">${escapeHtml(label)}</th><td>${weights[sleeve]} %</td></tr>`
    })
  return (
    `<figure>${weightsChart(`Weights of the ${name} allocation`, weights)}` +
    '<figcaption>Each bar is a part of the portfolio; the table has the same numbers.</figcaption></figure>' +
    '<table><caption>Weights</caption><thead><tr><th scope="col">Part</th><th scope="col">Weight</th></tr></thead>' +
    `<tbody>${rows.join('')}</tbody></table>`
  )
}

function phases(profile: Profile): string {
  if (profile.phases.length === 0) return ''
  const steps = profile.phases.map(({ weights }) =>
    Object.entries(weights)
      .map(([sleeve, weight]) => `${sleeve} ${weight} %`)
      .join(', '),
  )
  const items = steps.map((step) => `<li>${escapeHtml(step)}</li>`)
  return `<h2>In ${steps.length} rebalances</h2><ol>${items.join('')}</ol>`
}

/** Asks for the written acknowledgement; the answers go along, hidden. */
function acknowledgement(context: FormContext, profile: Profile, submitted: Submitted): string {
  const above = context.policy.file.variants[profile.cell.letter].name
  const hidden = Object.entries(submitted)
    .filter(([name]) => name !== 'token' && name !== 'acknowledgement')
    .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
  return [
    `<h2>More risk than you stated</h2><form method="post" action="/profile" novalidate>`,
    `<input type="hidden" name="token" value="${context.token}">`,
    ...hidden,
    `<div class="field"><label for="acknowledgement">To take the ${escapeHtml(above)} allocation, write: ` +
      `“${ACKNOWLEDGEMENT}”</label>`,
    '<input id="acknowledgement" name="acknowledgement" type="text" autocomplete="off"></div>',
    '<button type="submit">I acknowledge</button></form>',
  ].join('')
}

function list(sentences: readonly string[]): string {
  return `<ul>${sentences.map((sentence) => `<li>${escapeHtml(sentence)}</li>`).join('')}</ul>`
}

/** A page that says one thing. */
export function messagePage(title: string, words: string): string {
  return page(title, [
    `<h1>${escapeHtml(title)}</h1><p>${escapeHtml(words)}</p><p><a href="/">To the questions</a></p>`,
  ])
}

function page(title: string, body: readonly string[]): string {
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(title)} – Fafnir</title><link rel="stylesheet" href="/style.css"></head>`,
    '<body><a class="skip" href="#main">Skip to the content</a><main id="main" tabindex="-1">',
    ...body.filter((part) => part !== ''),
    '</main></body></html>',
    '',
  ].join('\n')
}

/** The style of the pages: readable in light and dark, focus always visible. */
export const STYLE: string = [
  ':root{color-scheme:light dark;--text:#1c2733;--back:#fff;--soft:#eef2f6;--line:#5b6b7b;--bad:#a31515;',
  '--link:#0b4f8a}',
  '@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--back:#12181f;--soft:#1e2833;--line:#9fb0c0;--bad:#ff9a8f;',
  '--link:#8cc8ff}}',
  'body{font:1.05rem/1.5 system-ui,sans-serif;color:var(--text);background:var(--back);margin:0}',
  'main{max-width:44rem;margin:0 auto;padding:1rem 1rem 4rem}a{color:var(--link)}',
  'h1{line-height:1.2}h2{margin-top:2rem}.unit,.hint{font-weight:normal}.hint{margin:.1rem 0 .4rem}',
  'fieldset,.field{border:0;border-left:.3rem solid transparent;margin:0 0 1.6rem;padding:0 0 0 .8rem}',
  'legend,label{font-weight:600}legend{padding:0;margin-bottom:.4rem}.choice{padding:.3rem 0}',
  '.choice label{font-weight:normal;padding-left:.5rem}',
  'input[type=radio]{width:1.3rem;height:1.3rem;vertical-align:middle}',
  'input[type=text]{font:inherit;color:inherit;background:var(--back);border:2px solid var(--line);',
  'padding:.4rem .6rem;width:100%;max-width:24rem;box-sizing:border-box}',
  'button{font:inherit;font-weight:600;padding:.7rem 1.4rem;border:0;',
  'background:#0b4f8a;color:#fff;cursor:pointer}:focus-visible{outline:3px solid #b45f06;outline-offset:2px}',
  '.wrong{border-left-color:var(--bad)}.error,.errors h2{color:var(--bad);font-weight:600;margin-top:.2rem}',
  '.errors{border:.25rem solid var(--bad);padding:1rem}.note{background:var(--soft);padding:.4rem 1rem}',
  '.note h2{margin-top:.4rem;font-size:1.1rem}table{border-collapse:collapse;margin:1.5rem 0;width:100%}',
  'caption{text-align:left;font-weight:600}th,td{text-align:left;padding:.4rem .6rem .4rem 0;',
  'border-bottom:1px solid var(--line)}',
  'figure{margin:1.5rem 0}svg{width:100%;height:auto}code{overflow-wrap:anywhere}dd{margin:0 0 .6rem}',
  '.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--back);padding:.5rem}',
].join('\n')
