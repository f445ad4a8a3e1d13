import { shop } from '../shop.ts';

// @ts-expect-error Node does not strip enums
enum Size {
  Small,
}

/** A system in a module that Node cannot import without a loader. */
export const system = shop;
export const size: Size = Size.Small;
