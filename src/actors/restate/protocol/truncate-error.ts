import { type PortableError, shortened } from '../../../util/portable-error.ts';

/** Longest text that is kept whole, in characters. */
const maxLength = 4_000;
/** Longest JSON of an error's fields, in characters. */
const maxFieldsLength = 16_000;

/**
 * Shortens an error to a size that an engine can store: truncates long texts, and keeps only the code of fields that
 * are too long together.
 */
export function truncateError({ name, message, stack, fields, cause }: PortableError): PortableError {
  return {
    name: truncate(name),
    message: truncate(message),
    stack: stack && truncate(stack),
    fields: truncateFields(fields),
    cause: cause && truncateError(cause),
  };
}

function truncateFields(fields: PortableError['fields']): PortableError['fields'] {
  const text = JSON.stringify(fields, (_name, value) =>
    typeof value === 'string' ? truncate(value) : value,
  );
  if (text.length <= maxFieldsLength) return JSON.parse(text);
  return typeof fields.code === 'string' ? { code: truncate(fields.code) } : {};
}

function truncate(text: string): string {
  return shortened(text, maxLength);
}
