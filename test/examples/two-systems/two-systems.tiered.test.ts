import { test } from 'vitest';
import { byTier } from '../../support/tier.ts';
import { runKilledPrograms } from './killed-programs.ts';

const count = byTier(60, 600);
const kills = byTier(2, 12);

test('two programs that follow each other are killed again and again, and nothing is lost, doubled or out of order', async () => {
  await runKilledPrograms({ count, kills });
}, 240_000);
