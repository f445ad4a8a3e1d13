/** The key that marks an object of the text as standing for something JSON does not have. */
export const TAG = '$kahn';

/** What the tag says; the name of a type otherwise. The last two go with a `value`. */
export const UNDEFINED = 'undefined';
export const NEGATIVE_ZERO = '-0';
export const BIGINT = 'bigint';
/** A plain object that has the tag as a key of its own. */
export const OBJECT = 'object';
