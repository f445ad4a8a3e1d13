import { postgres } from 'kahn/postgres';
import { expect, onTestFinished, test } from 'vitest';
import { applicationInternals } from '../../../../src/application/application.ts';
import { connectionString, query, temporarySchema } from '../../../support/servers/postgres.ts';
import { Click, Clicks, Counters } from '../../../support/systems/clicks.ts';
import { until } from '../../../support/until.ts';

/** Clicks and counters, and what is recorded of the counters. */
async function open() {
  const schema = temporarySchema();
  const storage = postgres({ connectionString, schema });
  const clicks = await Clicks.open({ storage });
  const counters = await Counters.open({ storage });
  onTestFinished(async () => {
    await counters.close();
    await clicks.close();
  });
  counters.follow(clicks.log);
  const { recorder } = applicationInternals.storeOf(counters);
  const recorded = async () => ({
    events: await counters.log.head(),
    rows: (await recorder.notifications(0, 0, 100)).length,
    position: (await recorder.position(0, 'clicks')).position,
  });
  return { schema, clicks, counters, recorded };
}

/** Ends each session that writes to a table; the returned function lets them live again. */
async function killWritersOf(schema: string, table: string) {
  const name = `${schema}.kill`;
  await query(`
    create sequence ${name}_count;
    create function ${name}() returns trigger language plpgsql as $$ begin
      perform nextval('${name}_count');
      perform pg_terminate_backend(pg_backend_pid());
      return null;
    end $$;
    create trigger kill after insert or update on ${schema}.counters_${table} for each row execute function ${name}()`);
  return {
    untilTwoDied: () =>
      until('two sessions have died', async () => {
        const [count] = await query(`select last_value::integer from ${name}_count`);
        return count.last_value >= 2;
      }),
    spare: () =>
      query(
        `drop trigger kill on ${schema}.counters_${table}; drop function ${name}; drop sequence ${name}_count`,
      ),
  };
}

test.each(['events', 'logs', 'positions'])(
  'a session killed while a recording writes to the %s leaves neither its events nor its position',
  async (table) => {
    const { schema, clicks, counters, recorded } = await open();
    let made = 0;
    // Statements of each shape: the first batch of an upstream, one event, and several events.
    for (const count of [1, 1, 2]) {
      const before = await recorded();
      const numbers = Array.from({ length: count }, (_, i) => made + i + 1);
      await clicks.save(...numbers.map((number) => Click.make('a', number)));
      made += count;
      const { untilTwoDied, spare } = await killWritersOf(schema, table);
      const running = counters.run();
      await Promise.race([untilTwoDied(), running]);
      expect(await recorded()).toEqual(before);
      await spare();
      await running;
      expect(await recorded()).toEqual({ events: made + 1, rows: made + 1, position: made });
    }
    expect([...(await counters.counted()).values()]).toEqual([[1, 2, 3, 4]]);
  },
);
