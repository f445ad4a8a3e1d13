/** The key that marks an object of the text as standing for something JSON does not have. */
export const tagKey = '$kahn';

/** What the tag says; the name of a type otherwise. The last two go with a `value`. */
export const undefinedTag = 'undefined';
export const negativeZeroTag = '-0';
export const bigintTag = 'bigint';
/** A plain object that has the tag as a key of its own. */
export const objectTag = 'object';
