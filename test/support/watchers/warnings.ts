import { onTestFinished } from 'vitest';

/** Returns the warnings of this process until the test has finished, and keeps Node from printing them. */
export function watchWarnings(): readonly (Error & { readonly code?: string })[] {
  const warnings: (Error & { readonly code?: string })[] = [];
  const printers = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => warnings.push(warning));
  onTestFinished(() => {
    process.removeAllListeners('warning');
    for (const printer of printers) process.on('warning', printer);
  });
  return warnings;
}
