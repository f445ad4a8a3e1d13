import { NativeDate } from '../../domain/realms.ts';
import { type CustomType, defineType } from './custom-type.ts';

const date: CustomType = defineType({
  name: 'date',
  type: NativeDate,
  encode: (value) => value.toISOString(),
  decode(text) {
    const value = new NativeDate(text);
    return value.toISOString() === text ? value : malformed();
  },
});

const bytes: CustomType = defineType({
  name: 'bytes',
  type: Uint8Array,
  encode: (value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'),
  decode(text) {
    const buffer = Buffer.from(text, 'base64');
    // Buffer skips characters that are not base64. The array is a copy, because Buffers may share a pool.
    return buffer.toString('base64') === text ? new Uint8Array(buffer) : malformed();
  },
});

const map: CustomType = defineType({
  name: 'map',
  type: Map,
  encode: (value): readonly (readonly [unknown, unknown])[] => [...value],
  decode(entries) {
    const value = new Map(entries);
    const valid =
      Array.isArray(entries) && entries.every((entry) => Array.isArray(entry) && entry.length === 2);
    return valid && value.size === entries.length ? value : malformed();
  },
});

const set: CustomType = defineType({
  name: 'set',
  type: Set,
  encode: (value): readonly unknown[] => [...value],
  decode(members) {
    const value = new Set(members);
    return Array.isArray(members) && value.size === members.length ? value : malformed();
  },
});

/** Types of every transcoder, in addition to plain objects and arrays. */
export const builtInTypes: readonly CustomType[] = [date, bytes, map, set];

function malformed(): never {
  throw new TypeError('the value is malformed');
}
