// Room card: advice/first-questionnaire
// In:    nothing.
// Out:   the product's first questionnaire: 13 items and what was done when markets fell.
// Holds: the structure and order of the items of Grable and Lytton (1999); every word is our own.
// Costs: nothing.
import type { Question, Questionnaire } from './questionnaire.js'

function question(item: number, text: string, ...choices: readonly string[]): Question {
  const letters = ['a', 'b', 'c', 'd']
  return {
    item: String(item),
    text,
    choices: choices.map((words, n) => ({ choice: letters[n]!, text: words })),
  }
}

const questions: readonly Question[] = [
  question(
    1,
    'Someone who knows you well is asked how you are with money and risk. What do they say?',
    'Likes to gamble',
    'Takes risks after looking into them thoroughly',
    'Careful',
    'Keeps away from risk',
  ),
  question(
    2,
    'In a quiz show you may choose one of these prizes. Which do you take? (Think of an amount that is one tenth of ' +
      'what you earn in a month.)',
    'That amount, for sure',
    'An even chance of five times as much',
    'A chance of one in four of ten times as much',
    'A chance of one in twenty of a hundred times as much',
  ),
  question(
    3,
    'You have saved a long time for the journey of your life. Three weeks before it begins you lose your job. ' +
      'What do you do?',
    'Stay at home',
    'Travel, but shorter and cheaper',
    'Travel as planned: afterwards there is time to look for work',
    'Travel longer: there may never be another chance',
  ),
  question(
    4,
    'You receive, unexpectedly, half a year of income that is to be invested. Where does it go?',
    'To a savings account or deposit that is insured',
    'Into safe bonds, or a fund of them',
    'Into shares, or a fund of them',
  ),
  question(
    5,
    'How comfortable would you be with owning shares, knowing what you know about them?',
    'Not at all',
    'Somewhat',
    'Very',
  ),
  question(6, 'Which word comes to you first when you hear “risk”?', 'Loss', 'Not knowing', 'Opportunity', 'Thrill'),
  question(
    7,
    'Things such as gold, property and collections are expected to rise in price, and bonds to fall; government ' +
      'bonds are seen as rather safe. Most of what you have is in government bonds. What do you do?',
    'Keep the bonds',
    'Sell them: half to a money market account, half into such things',
    'Sell them and put everything into such things',
    'Sell them, put everything into such things, and borrow to buy more',
  ),
  question(
    8,
    'These are the best and the worst ends of four investments, in hundredths of what you put in. Which one do you ' +
      'choose?',
    'Best 4 gained, worst nothing lost',
    'Best 16 gained, worst 4 lost',
    'Best 52 gained, worst 16 lost',
    'Best 96 gained, worst 48 lost',
  ),
  question(
    9,
    'You have been given a month of income on top of what you own, and must choose one of these.',
    'Half a month of income more, for sure',
    'An even chance of a whole month more, or of nothing more',
  ),
  question(
    10,
    'You have been given two months of income on top of what you own, and must choose one of these.',
    'To lose half a month of income, for sure',
    'An even chance of losing a whole month, or of losing nothing',
  ),
  question(
    11,
    'A relative leaves you two years of income, on the condition that all of it goes into one of these. Which one?',
    'A savings account or a money market fund',
    'A fund that holds shares and bonds',
    'Shares of fifteen companies',
    'Commodities, such as gold, silver and oil',
  ),
  question(
    12,
    'You spread a sum over investments of low, medium and high risk. Which way suits you best?',
    '60 % low, 30 % medium, 10 % high',
    '30 % low, 40 % medium, 30 % high',
    '10 % low, 40 % medium, 50 % high',
  ),
  question(
    13,
    'A friend you trust, who knows the trade, looks for people to pay for a search for ore. It pays many times over ' +
      'if it finds some, which is a chance of one in five; otherwise the money is gone. What do you put in?',
    'Nothing',
    'A month of income',
    'Three months of income',
    'Six months of income',
  ),
]

/** The product's first questionnaire. The policy `2026-11-1` scores it. */
export const firstQuestionnaire: Questionnaire = {
  name: 'Thirteen questions, first wording',
  questions,
  behaviour: {
    text: 'When markets last fell by a fifth or more, what did you do with your investments?',
    choices: [
      { choice: 'soldAll', text: 'Sold everything' },
      { choice: 'soldPart', text: 'Sold a part' },
      { choice: 'held', text: 'Changed nothing' },
      { choice: 'rebalancedIn', text: 'Brought the portfolio back to its weights, which meant buying' },
      { choice: 'added', text: 'Bought more with new money' },
    ],
  },
}

/** The capacity questions in words, in the order of the measures. */
export const capacityQuestions: readonly {
  readonly measure: 'horizonYears' | 'liquidityMonths' | 'netWorthYears' | 'debtServiceRatio'
  readonly text: string
  readonly hint: string
  /** `percent`: asked in percent, scored as a ratio. */
  readonly unit: 'years' | 'months' | 'percent'
}[] = [
  {
    measure: 'horizonYears',
    text: 'In how many years will you need this money?',
    hint: 'Years from today until the larger part is spent, for example 12.',
    unit: 'years',
  },
  {
    measure: 'liquidityMonths',
    text: 'For how many months could you pay your way from cash alone?',
    hint: 'Cash and deposits that can be had within days, divided by what you spend in a month.',
    unit: 'months',
  },
  {
    measure: 'netWorthYears',
    text: 'How many years of income is what you own, less what you owe?',
    hint: 'All you own less all you owe, divided by a year of income. Below zero when you owe more than you own.',
    unit: 'years',
  },
  {
    measure: 'debtServiceRatio',
    text: 'What part of your income goes to payments on debts?',
    hint: 'In percent: mortgage, loans and cards a month, divided by income a month. 0 without debts.',
    unit: 'percent',
  },
]
