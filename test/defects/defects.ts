import type { Defect } from './defect.ts';
import { followingDefects } from './following.ts';
import { readingDefects } from './reading.ts';
import { recordingDefects } from './recording.ts';
import { runningDefects } from './running.ts';
import { storingDefects } from './storing.ts';

/** All defects that `npm run defects` puts into the code, one at a time. */
export const defects: readonly Defect[] = [
  ...recordingDefects,
  ...followingDefects,
  ...storingDefects,
  ...readingDefects,
  ...runningDefects,
];
