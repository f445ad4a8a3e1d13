import type { RecordedOperation, Recorder } from '../../storage/recorder.ts';

/** Number of operations that are read at once. */
const pageSize = 500;

/** Reads the operations of an application with ids above `start` in pages, the oldest first. */
export async function* readOperations(
  recorder: Pick<Recorder, 'operations'>,
  start = 0,
): AsyncGenerator<readonly RecordedOperation[], void, undefined> {
  for (let after = start; ; ) {
    const page = await recorder.operations(after, pageSize);
    yield page;
    if (page.length < pageSize) return;
    after = page.at(-1)?.id ?? after;
  }
}
