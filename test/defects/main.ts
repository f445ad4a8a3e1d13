import { parseArgs } from 'node:util';
import { defects } from './defects.ts';
import { runTest } from './run-test.ts';
import { WorkingCopy } from './working-copy.ts';

// Breaks the code in a copy of the project, one defect at a time, and runs the test that must catch it.
const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const chosen = defects.filter(
  ({ breaks, file }) => breaks.includes(values.only) || file.includes(values.only),
);

using copy = new WorkingCopy();
let missed = 0;
for (const [index, defect] of chosen.entries()) {
  const unbroken = await runTest(defect, copy.directory);
  using _break = copy.break(defect);
  const result = unbroken === 'passed' ? await runTest(defect, copy.directory) : unbroken;
  const isCaught = unbroken === 'passed' && (result === 'failed' || result === 'never ended');
  if (!isCaught) missed += 1;
  const verdict = isCaught
    ? 'caught'
    : `NOT CAUGHT: without the defect the test ${unbroken}, with it ${result}`;
  console.log(
    `${index + 1}/${chosen.length} ${defect.breaks} (src/${defect.file}): ${verdict} by test/${defect.test}, '${defect.title}'`,
  );
}
console.log(`${chosen.length - missed} of ${chosen.length} defects are caught.`);
process.exitCode = missed === 0 ? 0 : 1;
