// Room card: fafnir/advice
// In:    nothing.
// Out:   the public surface of `fafnir/advice`: policy, questionnaire, profile, record, form.
// Holds: usable alone; opens no native module, and a socket only for the form.
// Costs: loading.
export { checkCase, loadCases, readCases, type CaseFile, type IntakeCase, type Review, type Standing } from './case.js'
export { firstPolicy, firstPolicyFile } from './first-policy.js'
export { capacityQuestions, firstQuestionnaire } from './first-questionnaire.js'
export { canonicalJson, contentHash } from './json.js'
export {
  checkPolicy,
  loadPolicy,
  type FlagName,
  type Knots,
  type Measure,
  type Policy,
  type PolicyCeiling,
  type PolicyFile,
  type PolicyWeights,
  type VariantLetter,
} from './policy.js'
export {
  caseResult,
  logView,
  profileOf,
  resultOf,
  type AcknowledgementState,
  type CaseResult,
  type Decision,
  type GlideStep,
  type Phase,
  type Profile,
} from './profile.js'
export {
  checkQuestionnaire,
  loadQuestionnaire,
  type Choice,
  type Question,
  type Questionnaire,
} from './questionnaire.js'
export {
  AdviceRecord,
  newSubject,
  openRecord,
  verifyRecord,
  type Recorded,
  type RecordedProfile,
  type RecordOptions,
} from './record.js'
export type { RecordField } from './record-form.js'
export type { RecordKeys } from './record-keys.js'
export type { Tampering, Verification } from './record-read.js'
export type { CapacityLimit, CapacityScore, ToleranceScore } from './scores.js'
export { serveAdvice, type AdviceServer, type AdviceServerOptions } from './server.js'
export { weightsChart } from './chart.js'
