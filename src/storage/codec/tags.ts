/** Key of an object in the text that stands for a value that JSON does not have. */
export const tagKey = '$kahn';

/** Values of the tag, besides the names of types. The last two come with a `value`. */
export const undefinedTag = 'undefined';
export const negativeZeroTag = '-0';
export const bigintTag = 'bigint';
/** Tags a plain object that itself has the key of tags. */
export const objectTag = 'object';
/** Tags personal data. The `value` is an array of the subject and, unless it was shredded before, the sealed content. */
export const personalTag = 'personal';
