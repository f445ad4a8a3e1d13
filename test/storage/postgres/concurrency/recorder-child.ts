// Process started by start-children.ts with a task as JSON: sends 'ready', and after 'go' the outcome.

import { postgres } from '../../../../src/storage/postgres/index.ts';
import type { ProcessEvent, Recorder } from '../../../../src/storage/recorder.ts';
import { openStorage } from '../../../../src/storage/storage.ts';
import type { StoredNotification } from '../../../../src/storage/stored-event.ts';
import type { SubjectKeyTable } from '../../../../src/storage/subject-keys.ts';

/** Task of a child with the application `orders`. */
export type Task =
  | { readonly name: 'open'; readonly schema: string }
  | { readonly name: 'write'; readonly schema: string; readonly writer: string; readonly events: number }
  | { readonly name: 'tail'; readonly schema: string; readonly pipelineId: number; readonly until: number }
  | { readonly name: 'trackInTurns'; readonly schema: string; readonly rounds: number }
  | { readonly name: 'shred'; readonly schema: string; readonly first: number; readonly subjects: number };

/** Number that the task returns, or its failure. */
export type Outcome = number | { readonly code: string | undefined; readonly message: string };

const largestBatch = 50;

/** Returns the head of the log: the tables are set up when the recorder is opened. */
function open(recorder: Recorder): Promise<number> {
  return recorder.head(0);
}

/** Records events in the log of pipeline 0, and a tenth as many in pipeline 1. Returns the number of batches. */
async function write(recorder: Recorder, writer: string, events: number): Promise<number> {
  let batches = 0;
  for (const [pipelineId, total] of [events, events / 10].entries()) {
    let position = 0;
    for (let recorded = 0; recorded < total; batches += 1) {
      const size = Math.min(1 + Math.floor(Math.random() * largestBatch), total - recorded);
      const moves = batches % 3 === 0;
      const tracking = { upstreamName: writer, expected: position, position: position + size };
      const batch = changes(`${writer} ${batches}`, size);
      const last = await recorder.record(pipelineId, [{ ...batch, ...(moves && { tracking }) }]);
      if (last < recorded + size) throw new Error(`The head ${last} is less than what is recorded.`);
      if (moves) position += size;
      recorded += size;
    }
  }
  return batches;
}

/** Returns a batch of events of one aggregate. Their data is the size of the batch. */
function changes(originatorId: string, size: number): ProcessEvent {
  const events = Array.from({ length: size }, (_, index) => ({
    originatorId,
    originatorVersion: index + 1,
    type: 'Changed',
    data: `${size}`,
    timestamp: 1_700_000_000_000,
  }));
  return { events, snapshots: [] };
}

/** Reads a log while others write it, up to the notification `until`. Returns the number of pages. */
async function tail(recorder: Recorder, pipelineId: number, until: number): Promise<number> {
  let last: StoredNotification | undefined;
  for (let pages = 0; ; pages += 1) {
    const limit = 1 + Math.floor(Math.random() * 500);
    const page = await recorder.notifications(pipelineId, last?.id ?? 0, limit);
    for (const next of page) {
      assertFollows(next, last);
      last = next;
    }
    if (page.length < limit && last !== undefined && !isLastOfBatch(last))
      throw new Error(`Only part of the batch of notification ${last.id} was read.`);
    if (last?.id === until) return pages;
    if (page.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Checks that ids count up by 1 and the events of a batch are adjacent. */
function assertFollows(next: StoredNotification, last: StoredNotification | undefined): void {
  const isCounted = next.id === (last?.id ?? 0) + 1;
  const isFirst = next.originatorVersion === 1 && (last === undefined || isLastOfBatch(last));
  const isNext =
    next.originatorId === last?.originatorId && next.originatorVersion === last.originatorVersion + 1;
  if (isCounted && (isFirst || isNext)) return;
  throw new Error(`${JSON.stringify(next)} was read after ${JSON.stringify(last)}.`);
}

function isLastOfBatch({ originatorVersion, data }: StoredNotification): boolean {
  return originatorVersion === Number(data);
}

/** Moves three positions per call, in random order. Returns how many calls lost to other writers. */
async function trackInTurns(recorder: Recorder, rounds: number): Promise<number> {
  const names = ['north', 'south', 'west'];
  let lost = 0;
  for (let round = 0; round < rounds; round += 1) {
    const upstreamNames = names.toSorted(() => Math.random() - 0.5);
    const moves = upstreamNames.map(async (upstreamName): Promise<ProcessEvent> => {
      const expected = (await recorder.position(0, upstreamName)).position;
      return {
        events: [],
        snapshots: [],
        tracking: { upstreamName, expected, position: expected + 1 },
      };
    });
    await recorder.record(0, await Promise.all(moves)).catch((error: { code?: unknown }) => {
      if (error.code !== 'POSITION_CONFLICT') throw error;
      lost += 1;
    });
  }
  return lost;
}

/** Adds and deletes the keys of subjects that all processes share. Returns how many it was the first to delete. */
async function shred(keys: SubjectKeyTable | undefined, first: number, subjects: number): Promise<number> {
  let deleted = 0;
  for (let index = 0; index < subjects; index += 1) {
    const subject = `subject ${(first + index) % subjects}`;
    await keys?.add([{ subject, key: 'k' }]);
    if (await keys?.delete(subject, index)) deleted += 1;
  }
  return deleted;
}

function run(task: Exclude<Task, { name: 'shred' }>, recorder: Recorder): Promise<number> {
  switch (task.name) {
    case 'open':
      return open(recorder);
    case 'write':
      return write(recorder, task.writer, task.events);
    case 'tail':
      return tail(recorder, task.pipelineId, task.until);
    case 'trackInTurns':
      return trackInTurns(recorder, task.rounds);
  }
}

async function perform(connectionString: string, task: Task): Promise<number> {
  const storage = await openStorage(postgres({ connectionString, schema: task.schema }));
  try {
    if (task.name === 'shred')
      return await shred(await storage.openSubjectKeys?.({ setupTables: true }), task.first, task.subjects);
    const recorder = await storage.openRecorder({ applicationName: 'orders', setupTables: true });
    return await run(task, recorder);
  } finally {
    await storage.close();
  }
}

function send(message: Outcome | 'ready'): void {
  process.send?.(message);
}

process.once('message', () => {
  const [connectionString = '', task = ''] = process.argv.slice(2);
  perform(connectionString, JSON.parse(task))
    .then(send, ({ code, message }) => send({ code, message }))
    .finally(() => process.disconnect());
});
send('ready');
