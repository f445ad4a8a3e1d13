import type { PortableError } from '../../../util/portable-error.ts';

/** How many characters of a text are kept. */
const maxLength = 4_000;
/** How many characters the fields of an error may have together, as JSON. */
const maxFieldsLength = 16_000;

/**
 * An error that an engine can keep, whatever a policy has thrown: long texts are cut off, and fields that are
 * long together left out but for the code.
 */
export function truncateError({ name, message, stack, fields, cause }: PortableError): PortableError {
  return {
    name: cut(name),
    message: cut(message),
    stack: stack && cut(stack),
    fields: briefFields(fields),
    cause: cause && truncateError(cause),
  };
}

function briefFields(fields: PortableError['fields']): PortableError['fields'] {
  const text = JSON.stringify(fields, (_name, value) => (typeof value === 'string' ? cut(value) : value));
  if (text.length <= maxFieldsLength) return JSON.parse(text);
  return typeof fields.code === 'string' ? { code: cut(fields.code) } : {};
}

function cut(text: string): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)} … (${text.length} characters)`;
}
