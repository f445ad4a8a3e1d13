import crypto from 'node:crypto';

// Not imported by name: Node before 20.12 has no such export, and could not report its version.
/** Hashes a text in one call, like `hash` of node:crypto. */
export const hash: typeof crypto.hash = crypto.hash;
