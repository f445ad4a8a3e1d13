import type { CustomType } from './custom-type.ts';

/** Encodes and decodes personal data. */
export interface PersonalType extends CustomType {
  /** Begins the encoding of a value, which may hold any number of personal data. */
  beginEncoding(): void;
  /** Ends the encoding. Throws if it met personal data that is not sealed: the encoded value is not valid. */
  endEncoding(): void;
  /** Calls a function that encodes and decodes a value: the result holds the same personal data, sealed or not. */
  copying<T>(copy: () => T): T;
}
