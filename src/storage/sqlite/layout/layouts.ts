import type { SqliteSettings } from '../options.ts';
import { DirectoryLayout } from './directory-layout.ts';
import type { Layout } from './file.ts';
import { FileLayout } from './file-layout.ts';

/** Returns the layout that the options of `sqlite()` choose. */
export function layoutOf({ file, directory, busyTimeoutMs }: SqliteSettings): Layout {
  return file === undefined
    ? new DirectoryLayout(directory, busyTimeoutMs)
    : new FileLayout(file, busyTimeoutMs);
}
