import { once } from 'node:events';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { run, type SystemRunner } from 'kahn';
import { type LogHandler, nodeListener, serveLogs } from 'kahn/http';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { Invoices } from './invoices.ts';
import { Order, Orders } from './orders.ts';
import { officeFollowing, shopFollowing } from './systems.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    database: { type: 'string', default: 'two-systems.db' },
    port: { type: 'string', default: '8080' },
    other: { type: 'string', default: 'http://localhost:8081/logs' },
    orders: { type: 'string', default: '3' },
  },
});
const signalled = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
const { TOKEN: authorize = '' } = process.env;
const storage = URL.canParse(values.database)
  ? postgres({ connectionString: values.database })
  : sqlite({ file: values.database });

if (positionals[0] === 'office') {
  await using runner = await run(officeFollowing(values.other), { storage });
  await serve(serveLogs(runner, { applications: [Invoices], authorize }));
} else {
  await using runner = await run(shopFollowing(values.other), { storage });
  await serve(serveLogs(runner, { applications: [Orders], authorize }), async (ended) => {
    await placeUpTo(Number(values.orders), runner);
    await printInvoiced(runner, ended);
  });
}

/** Serves logs until the process is ended by a signal. */
async function serve(handler: LogHandler, work?: (ended: AbortSignal) => Promise<void>): Promise<void> {
  await using server = createServer(nodeListener(handler)).listen(Number(values.port));
  await once(server, 'listening');
  console.log(`Logs are served at http://localhost:${values.port}/logs`);
  const ended = new AbortController();
  const working = work?.(ended.signal).catch((error) => {
    if (!ended.signal.aborted) throw error;
  });
  await signalled;
  ended.abort();
  await working;
}

/** Places the orders that are missing. */
async function placeUpTo(count: number, runner: SystemRunner<typeof Orders>): Promise<void> {
  let placed = 0;
  for await (const { event } of runner.get(Orders).reader()) if (event.type === 'Order.Placed') placed += 1;
  for (; placed < count; placed += 1) await runner.get(Orders).save(Order.place(`customer ${placed + 1}`));
}

/** Prints the orders for which the office has written an invoice. */
async function printInvoiced(runner: SystemRunner<typeof Orders>, signal: AbortSignal): Promise<void> {
  let invoiced = 0;
  for await (const { event } of runner.get(Orders).reader().follow({ signal }))
    if (event.type === 'Order.Invoiced') console.log(`${++invoiced} invoiced: order ${event.originatorId}`);
}
