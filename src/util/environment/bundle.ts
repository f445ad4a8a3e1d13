import { existsSync } from 'node:fs';

/** Defined in bundles of webpack, where the URL of a module is that of its source. */
declare const __webpack_require__: unknown;

/**
 * Returns the URL of the file `name` beside a module, with the extension of that module. Returns undefined if there is
 * no such file: the module is part of a bundle.
 *
 * @param moduleUrl `import.meta.url` of the module; undefined in a bundle of CommonJS.
 */
export function siblingFile(moduleUrl: string | undefined, name: string): URL | undefined {
  if (moduleUrl === undefined || typeof __webpack_require__ !== 'undefined') return undefined;
  const url = new URL(`./${name}${moduleUrl.endsWith('.ts') ? '.ts' : '.js'}`, moduleUrl);
  return url.protocol === 'file:' && existsSync(url) ? url : undefined;
}

/** Whether an import failed because the module is not installed. Bundles of CommonJS have a code of their own for it. */
export function isModuleMissing(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
}
