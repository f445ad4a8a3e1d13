import fc from 'fast-check';
import { IdempotencyKeyReusedError, memory, type Saved } from 'kahn';
import { expect, test } from 'vitest';
import { propertyRuns } from '../../support/seed.ts';
import { Account, Accounts } from '../../support/systems/accounts.ts';

interface Command {
  readonly key: string;
  readonly kind: 'save' | 'update';
  readonly content: number;
  /** Which of two open applications sends it. */
  readonly sender: 0 | 1;
}

const commands: fc.Arbitrary<Command> = fc.record({
  key: fc.constantFrom('a', 'b', 'c'),
  kind: fc.constantFrom('save', 'update'),
  content: fc.nat(1),
  sender: fc.constantFrom(0, 1),
});

test('a key has one outcome: of the first command, for all commands with the same content, and for no others', async () => {
  const groups = fc.array(fc.array(commands, { minLength: 1, maxLength: 6 }), { maxLength: 6 });
  await fc.assert(fc.asyncProperty(groups, sendAll), propertyRuns(50, 1_000));
});

/** Sends groups of commands, those of a group at the same time, and checks what they resolve with. */
async function sendAll(groups: readonly (readonly Command[])[]): Promise<void> {
  const storage = memory();
  await using first = await Accounts.open({ storage });
  await using second = await Accounts.open({ storage });
  await first.save(Account.open('ada', 'account'));
  const known = new Map<string, { readonly content: string; readonly outcome: Saved }>();
  for (const group of groups) {
    const sent = group.map((command) => send(command.sender === 0 ? first : second, command));
    const refused: Command[] = [];
    for (const [i, result] of (await Promise.allSettled(sent)).entries()) {
      const command = group[i] as Command;
      const { key } = command;
      const before = known.get(key);
      if (result.status === 'rejected') {
        expect(result.reason).toBeInstanceOf(IdempotencyKeyReusedError);
        refused.push(command);
        continue;
      }
      if (before === undefined) known.set(key, { content: contentOf(command), outcome: result.value });
      else expect({ content: contentOf(command), outcome: result.value }).toEqual(before);
    }
    for (const { key } of group) expect(known.get(key)).toBeDefined();
    for (const command of refused) expect(known.get(command.key)?.content).not.toBe(contentOf(command));
  }
  expect(await first.log.head()).toBe(1 + known.size);
}

function contentOf({ kind, content }: Command): string {
  return `${kind} ${content}`;
}

async function send(accounts: Accounts, { key, kind, content }: Command): Promise<Saved> {
  const options = { idempotencyKey: key, ...(kind === 'update' && { request: content }) };
  if (kind === 'save') return await accounts.save(Account.open(`owner ${content}`), options);
  return await accounts.update(Account, 'account', (account) => account.change(content).version, options);
}
