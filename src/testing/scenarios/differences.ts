import type { RecordedState } from './recorded-state.ts';

/** Labels of random ids, which change with everything that they refer to. */
const label = /\bid-[0-9a-f]{16}\b/g;

/** Most lines of a difference that are shown. */
const mostLines = 40;

interface Sides {
  readonly missing: readonly string[];
  readonly added: readonly string[];
}

/**
 * Returns the first difference between two states, as lines with `-` for what is expected and `+` for what was found, and the
 * number of histories that differ. Undefined if the states are equal, up to ids that are in one of them only.
 */
export function differenceOf(expected: RecordedState, actual: RecordedState): string | undefined {
  if (sidesOf(expected.texts, actual.texts) === undefined) return undefined;
  const sides = sidesOf(expected.textsBeside(actual), actual.textsBeside(expected));
  return sides && textOf(sides);
}

function textOf(labelled: Sides): string {
  // What refers to a changed id has another label, but is the same.
  const { missing, added } =
    sidesOf(labelled.missing.map(withoutLabels), labelled.added.map(withoutLabels)) ?? labelled;
  const [from, to] = firstPair(missing, added);
  const lines = lineDifference(from?.split('\n') ?? [], to?.split('\n') ?? []);
  const shown = lines.length > mostLines ? [...lines.slice(0, mostLines), '  …'] : lines;
  const others = Math.max(missing.length, added.length) - 1;
  const rest =
    others > 0 ? [`(${others} more ${others === 1 ? 'history differs' : 'histories differ'})`] : [];
  return [...shown, ...rest].join('\n');
}

/** What is in one of two lists only. Undefined if they hold the same. */
function sidesOf(expected: readonly string[], actual: readonly string[]): Sides | undefined {
  const missing = without(expected, actual);
  const added = without(actual, expected);
  return missing.length === 0 && added.length === 0 ? undefined : { missing, added };
}

/** Returns the texts that are in the first list more often than in the second. */
function without(texts: readonly string[], others: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const text of others) counts.set(text, (counts.get(text) ?? 0) + 1);
  return texts.filter((text) => {
    const count = counts.get(text) ?? 0;
    counts.set(text, count - 1);
    return count <= 0;
  });
}

/** Returns the pair of histories to show: of one application, and as similar as possible. */
function firstPair(
  missing: readonly string[],
  added: readonly string[],
): readonly [string | undefined, string | undefined] {
  const [first] = missing;
  if (first === undefined) return [undefined, added[0]];
  const parts = partsOf(first);
  const likeness = (text: string) => partsOf(text).intersection(parts).size;
  const candidates = added.filter((text) => nameIn(text) === nameIn(first));
  const [best] = candidates.toSorted((a, b) => likeness(b) - likeness(a));
  return [first, best];
}

function nameIn(text: string): string {
  return text.slice(0, text.indexOf(' '));
}

/** The lines of a text, and their words. */
function partsOf(text: string): ReadonlySet<string> {
  return new Set([...text.split('\n'), ...(text.match(/[\w.-]+/g) ?? [])]);
}

function withoutLabels(text: string): string {
  return text.replaceAll(label, 'id');
}

/** Shows what is between the lines that two texts have in common at their beginnings and ends. */
function lineDifference(from: readonly string[], to: readonly string[]): readonly string[] {
  const least = Math.min(from.length, to.length);
  let begin = 0;
  while (begin < least && from[begin] === to[begin]) begin += 1;
  let end = 0;
  while (end < least - begin && from.at(-1 - end) === to.at(-1 - end)) end += 1;
  return [
    ...from.slice(0, begin).map((line) => `  ${line}`),
    ...from.slice(begin, from.length - end).map((line) => `- ${line}`),
    ...to.slice(begin, to.length - end).map((line) => `+ ${line}`),
    ...from.slice(from.length - end).map((line) => `  ${line}`),
  ];
}
