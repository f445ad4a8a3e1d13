/** A word, a #private name or one character of source text, outside of comments, literals and texts. */
export interface Token {
  readonly text: string;
  /** Number of brackets around it. */
  readonly depth: number;
}

/** Stands for a literal. */
const literal = '""';

const skipped = /\s+|\/\*.*?\*\/|\/\/[^\n]*/suy;
// Without nested repetition: a quote that has no end would take exponential time.
const quoted = /"[^"\\\n]*(?:\\.[^"\\\n]*)*"|'[^'\\\n]*(?:\\.[^'\\\n]*)*'/suy;
const word = /#?[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy;
const number = /\d[\w.]*/uy;
const regularExpression = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/\w*/uy;
/** Text of a template up to its end or its next expression. */
const templateText = /[^`\\$]*(?:(?:\\.|\$(?!\{))[^`\\$]*)*(?:`|\$\{)/suy;

/** Words that stand before a value, so that a slash after them begins a regular expression. */
const beforeValues: ReadonlySet<string> = new Set(
  'await case delete do else in instanceof new of return throw typeof void yield'.split(' '),
);

/** Splits the source of a class into tokens. */
export function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = [];
  const brackets: string[] = [];
  let end = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = end;
    const [found] = pattern.exec(source) ?? [];
    if (found !== undefined) end += found.length;
    return found;
  };
  const add = (text: string) => tokens.push({ text, depth: brackets.length });
  const addTemplate = () => {
    if (take(templateText)?.endsWith('{')) brackets.push('`');
    else add(literal);
  };
  while (end < source.length) {
    if (take(skipped) !== undefined) continue;
    const name = take(word);
    if (name !== undefined) add(name);
    else if (take(quoted) !== undefined || take(number) !== undefined) add(literal);
    else if (source[end] === '/' && isBeforeValue(tokens.at(-1)?.text) && take(regularExpression))
      add(literal);
    else {
      const character = source[end] as string;
      end += 1;
      if (character === '`') addTemplate();
      else if (character === '}' && brackets.at(-1) === '`') {
        brackets.pop();
        addTemplate();
      } else if ('([{'.includes(character)) {
        add(character);
        brackets.push(character);
      } else {
        if (')]}'.includes(character)) brackets.pop();
        add(character);
      }
    }
  }
  return tokens;
}

function isBeforeValue(text: string | undefined): boolean {
  if (text === undefined || beforeValues.has(text)) return true;
  return text !== literal && !/^[\w$#)\]]/u.test(text) && !/^\p{ID_Start}/u.test(text);
}
