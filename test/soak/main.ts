// Runs systems under full load and judges their memory, handles and lag: see package.json.
import { parseArgs } from 'node:util';
import { tableOf } from './figures.ts';
import { soak } from './soak.ts';
import { subjects } from './subjects.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '600' }, only: { type: 'string', default: '' } },
});
const seconds = Number(values.seconds);
if (!(seconds >= 30)) throw new Error(`Expected --seconds to be a number >= 30, got '${values.seconds}'.`);
const only = values.only.toLowerCase();
const chosen = subjects.filter(({ name }) => name.toLowerCase().includes(only));
if (chosen.length === 0) {
  const names = subjects.map(({ name }) => `'${name}'`).join(' or ');
  throw new Error(`Expected --only to be part of ${names}, got '${values.only}'.`);
}

for (const subject of chosen) {
  console.log(`\n${subject.name}: ${seconds} s\n`);
  let shownAt = 0;
  const result = await soak(subject, {
    seconds,
    progressed({ minute, orders, ordersPerSecond, lag }) {
      if (performance.now() < shownAt + 10_000) return;
      shownAt = performance.now();
      console.log(
        `${minute.toFixed(1).padStart(6)} min  ${orders} orders, ${ordersPerSecond.toFixed(0)}/s, lag ${lag}`,
      );
    },
  });
  const { orders, ordersPerSecond, verdicts, verification, faults } = result;
  console.log(`\n${tableOf(verdicts)}\n`);
  console.log(`${orders} orders, ${ordersPerSecond.toFixed(0)}/s. ${verification}.`);
  for (const fault of faults) console.error(fault);
  const failed = verdicts.filter(({ fault }) => fault !== undefined);
  for (const { subject: of, measure, fault } of failed) console.error(`${of}, ${measure.name}: ${fault}`);
  if (faults.length + failed.length > 0) process.exitCode = 1;
}
