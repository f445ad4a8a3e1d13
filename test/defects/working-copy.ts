import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { broken, type Defect } from './defect.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A copy of the project, in which code can be broken. */
export class WorkingCopy implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'kahn-defects-'));

  constructor() {
    const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
    });
    for (const path of listed.toString().split('\n')) {
      if (path !== '') cpSync(join(root, path), join(this.directory, path), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(this.directory, 'node_modules'));
  }

  /** Puts a defect into the code until the result is disposed of. */
  break(defect: Defect): Disposable {
    const path = join(this.directory, 'src', defect.file);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, broken(defect, text));
    return { [Symbol.dispose]: () => writeFileSync(path, text) };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Returns the text of a file of the library as it is in the project. */
export function sourceOf({ file }: Pick<Defect, 'file'>): string {
  return readFileSync(join(root, 'src', file), 'utf8');
}
