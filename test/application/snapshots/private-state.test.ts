import { Aggregate } from 'kahn';
import { expect, test } from 'vitest';
import { privateFieldIn, privateFieldOf } from '../../../src/application/snapshots/private-state.ts';

test.each([
  ['a field', 'class A extends B { #spent = 0; }', '#spent'],
  ['a field without a value', 'class A extends B { a; #spent }', '#spent'],
  ['a second field without semicolons', 'class A extends B {\n a = 1\n #spent\n b() {}\n}', '#spent'],
  ['a field behind a method', 'class A extends B { get a() { return `}` + this.#b } #b = /[/}]/; }', '#b'],
  ['minified code', 'class t extends e{static x=1;#t=0;pay(t){this.#t+=t}}', '#t'],
  [
    'a field behind texts',
    `class A extends B { a = '}'; b = "\\"}"; c = \`}\${'}'}\`; /* } */ #d = 1; // }\n }`,
    '#d',
  ],
  [
    'a field behind regular expressions',
    'class A extends B { a = /[}"/]\'/; m() { return /}/.test(1) } #b; }',
    '#b',
  ],
  ['a field behind divisions', 'class A extends B { m(a, b) { return (a) / b / a; } #c = 1 / 2; }', '#c'],
  ['a field of a mixed-in base', 'class A extends mix(class { #x = 1 }, {}) { #y = 1; }', '#y'],
  ['an accessor with a hidden field', 'class A extends B { accessor total = 1; }', 'total'],
  ['a private accessor', 'class A extends B { accessor #total = 1; }', '#total'],
  ['a name in Greek', 'class A extends B { #ποσό = 1; }', '#ποσό'],
  [
    'TypeScript for old targets',
    'class A extends B { constructor() { super(...arguments); _A_spent.set(this, 0); } }',
    '_A_spent',
  ],
  [
    'esbuild for old targets',
    'class A extends B { constructor() { super(...arguments); __privateAdd(this, _spent, 0); } }',
    '_spent',
  ],
  [
    'Babel for old targets',
    'class A extends B { constructor() { _classPrivateFieldInitSpec(this, _spent, 0); } }',
    '_spent',
  ],
  [
    'SWC for old targets',
    'class A extends B { constructor() { _class_private_field_init(this, _spent, {}); } }',
    '_spent',
  ],
])('finds %s', (_, source, field) => {
  expect(privateFieldIn(source)).toBe(field);
});

test.each([
  ['no private names', 'class A extends B { spent = 0; }'],
  ['methods', 'class A extends B { #a() {} async #b() {} *#c() {} async *#d() {} m() { this.#a(); } }'],
  ['accessors', 'class A extends B { get #a() { return 1 } set #a(a) {} }'],
  [
    'statics',
    'class A extends B { static #a = 1; static #b() {} static accessor #c = 1; static accessor d = 1; }',
  ],
  ['a check', 'class A extends B { static is(x) { return #a in x; } b = #a in this; #a() {} }'],
  ['texts', `class A extends B { a = '#b = 1;'; c = "#d;"; e = \`; #f = \${'; #g'}; #h\`; }`],
  ['comments', 'class A extends B { // #a = 1;\n /* #b; */ c = 1; }'],
  ['regular expressions', 'class A extends B { a = /; #b = 1;/; }'],
  ['inner classes', 'class A extends B { m() { return class { #b = 1; } } c = class { #d = 1; }; }'],
  ['members named accessor', 'class A extends B { accessor = 1; m() { this.accessor; } }'],
  [
    'private methods for old targets',
    'class A extends B { constructor() { super(...arguments); _A_instances.add(this); __privateAdd(this, _A_instances); } }',
  ],
  ['Maps', 'class A extends B { m() { this.map.set(this.id, 0); } }'],
  ['native code', 'function () { [native code] }'],
])('finds nothing in %s', (_, source) => {
  expect(privateFieldIn(source)).toBeUndefined();
});

test('looks at base classes, except those that save and restore their fields', () => {
  class Base extends Aggregate {
    #spent = 0;
    get spent() {
      return this.#spent;
    }
  }
  class Derived extends Base {
    plain = 1;
  }
  class Saved extends Aggregate {
    #spent = 0;
    protected override snapshot() {
      return this.#spent;
    }
    protected override restore(state: number) {
      this.#spent = state;
    }
  }
  class DerivedSaved extends Saved {}
  class Half extends Saved {
    #more = 0;
    protected override snapshot() {
      return [super.snapshot(), this.#more] as never;
    }
  }
  expect(privateFieldOf(Derived)).toEqual({ className: 'Base', name: '#spent' });
  expect(privateFieldOf(DerivedSaved)).toBeUndefined();
  expect(privateFieldOf(Half)).toEqual({ className: 'Half', name: '#more' });
});

test('reads long texts and sources', () => {
  const source = `class A extends B { a = '${'x'.repeat(2_000_000)}'; m() {${'a();'.repeat(100_000)}} #b = 1; }`;
  expect(privateFieldIn(source)).toBe('#b');
});

/** With work that doubles with each character, this test would not end. */
test.each(["'", '"', '`'])('a quote without an end takes no time: /%s/', (quote) => {
  const rest = 'f(this.total); '.repeat(20);
  const source = `class A extends B { m(x) { if (x) /${quote}s/.test(x); ${rest}} }`;
  expect(privateFieldIn(source)).toBeUndefined();
});
