/** Statements that would end the transaction, or change the session for the next user of its connection. */
const refusedStatements: readonly RegExp[] = [
  /^(begin|start|commit|end|abort)( |$)/,
  /^prepare transaction/,
  /^rollback(?!( work| transaction)? to( |$))/,
  /^set(?! (local|constraints|transaction)( |$))/,
  /^(reset|discard|deallocate|listen|unlisten|load)( |$)/,
];

/** Returns the first word of a statement that is refused; undefined if the statement may be executed. */
export function refusedWord(text: string): string | undefined {
  const words = firstWords(text, 3);
  const start = words.join(' ');
  return refusedStatements.some((refused) => refused.test(start)) ? words[0]?.toUpperCase() : undefined;
}

/** Returns the first words of a statement in lower case, without comments and empty statements before them. */
function firstWords(text: string, count: number): readonly string[] {
  const words: string[] = [];
  let index = 0;
  while (words.length < count) {
    index = afterBlanks(text, index, words.length === 0);
    const word = wordAt(text, index);
    if (word === '') break;
    words.push(word.toLowerCase());
    index += word.length;
  }
  return words;
}

function wordAt(text: string, index: number): string {
  const pattern = /[a-z_]+/iy;
  pattern.lastIndex = index;
  return pattern.exec(text)?.[0] ?? '';
}

/** Returns the index behind white space, comments and, if asked so, semicolons. */
function afterBlanks(text: string, from: number, skipsSemicolons: boolean): number {
  const blank = skipsSemicolons ? /(?:[\s;]|--[^\n\r]*)+/y : /(?:\s|--[^\n\r]*)+/y;
  for (let index = from; ; ) {
    blank.lastIndex = index;
    index += blank.exec(text)?.[0].length ?? 0;
    if (!text.startsWith('/*', index)) return index;
    index = afterComment(text, index);
  }
}

/** Returns the index behind a comment, which may contain comments. */
function afterComment(text: string, from: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = from;
  for (let depth = 0; ; ) {
    const found = mark.exec(text);
    if (found === null) return text.length;
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
}
