import { Aggregate, type AggregateClass } from '../../domain/aggregate.ts';
import { type Token, tokensOf } from './source-tokens.ts';

/** A field of a class that a snapshot does not see. */
export interface PrivateField {
  readonly className: string;
  readonly name: string;
}

/** What every source with private fields contains. */
const suspicion = /#|accessor|\(\s*this\b/;
/** Calls by which compilers put private fields into a WeakMap. */
const compiledField = /private_?field_?init|privateadd/i;

/**
 * Finds a private field in the source of a class and its base classes. Classes that have `snapshot` and `restore` of their
 * own see to their private fields.
 */
export function privateFieldOf(aggregateClass: AggregateClass<Aggregate>): PrivateField | undefined {
  for (let one: object = aggregateClass; isBelowAggregate(one); one = Object.getPrototypeOf(one) as object) {
    const { name: className, prototype } = one;
    if (Object.hasOwn(prototype, 'snapshot') && Object.hasOwn(prototype, 'restore')) continue;
    const name = privateFieldIn(Function.prototype.toString.call(one));
    if (name !== undefined) return { className, name };
  }
  return undefined;
}

function isBelowAggregate(one: object): one is { name: string; prototype: object } {
  return typeof one === 'function' && (one.prototype as unknown) instanceof Aggregate;
}

/** Returns the first private field of an instance in the source of a class. Methods, accessors and statics hold no state. */
export function privateFieldIn(source: string): string | undefined {
  if (!suspicion.test(source)) return undefined;
  const tokens = tokensOf(source);
  const index = tokens.findIndex((_, i) => isPrivateField(tokens, i));
  if (index < 0) return compiledFieldIn(tokens);
  return tokens[tokens[index]?.text === 'accessor' ? index + 1 : index]?.text;
}

function isPrivateField(tokens: readonly Token[], index: number): boolean {
  const [twoBefore, before, { text, depth } = nothing, next] = around(tokens, index);
  if (depth !== 1) return false; // in a method, or in a class within
  if (before === '.' || before === 'static' || (before === 'accessor' && twoBefore === 'static'))
    return false;
  if (text === 'accessor') return /^[\p{ID_Start}$_#[]/u.test(next) && next !== 'in';
  return text.startsWith('#') && next !== '(' && next !== 'in';
}

const nothing: Token = { text: '', depth: 0 };

function around(
  tokens: readonly Token[],
  index: number,
): readonly [string, string, Token | undefined, string] {
  const textAt = (i: number) => tokens[i]?.text ?? '';
  return [textAt(index - 2), textAt(index - 1), tokens[index], textAt(index + 1)];
}

/** Finds a private field that a compiler has put into a WeakMap, as in `_spent.set(this, 0)` or `__privateAdd(this, _spent)`. */
function compiledFieldIn(tokens: readonly Token[]): string | undefined {
  for (const [i, { text }] of tokens.entries()) {
    if (tokens[i + 1]?.text !== '(' || tokens[i + 2]?.text !== 'this' || tokens[i + 3]?.text !== ',')
      continue;
    const added = tokens[i + 4]?.text ?? '';
    if (text === 'set' && tokens[i - 1]?.text === '.') return tokens[i - 2]?.text;
    // Methods of a class are in a set named after its instances.
    if (compiledField.test(text) && !added.endsWith('_instances')) return added;
  }
  return undefined;
}
