/** A single break in the code of the library, and the test that catches it. */
export interface Defect {
  /** What the broken code does. */
  readonly breaks: string;
  /** The broken file, in src/. */
  readonly file: string;
  /** Text that occurs once in the file. */
  readonly from: string;
  /** Text that replaces it. */
  readonly to: string;
  /** The file of the test, in test/. */
  readonly test: string;
  /** Part of the title of the test that fails. */
  readonly title: string;
}

/**
 * Returns the text of a file with the break in it.
 *
 * @throws Error if the text to replace does not occur exactly once.
 */
export function broken({ file, from, to }: Defect, text: string): string {
  const [before = '', after, ...others] = text.split(from);
  if (after === undefined || others.length > 0)
    throw new Error(
      `Expected this text once in src/${file}, found it ${others.length + (after === undefined ? 0 : 1)} times: ${from}`,
    );
  return before + to + after;
}
