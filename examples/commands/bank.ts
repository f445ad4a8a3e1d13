import { type SaveOptions, System, type SystemRunner, type WaitOptions } from 'kahn';
import { Accounts } from './accounts.ts';
import { Transfer } from './transfer.ts';
import { Transfers } from './transfers.ts';

/** A bank whose transfers are commands: Accounts follows Transfers, and Transfers follows back. */
export const bank = System.of([[Transfers, Accounts, Transfers]], { module: import.meta.url, name: 'bank' });

/** Issues a transfer, and resolves with it when it is done or refused. */
export async function perform(
  runner: SystemRunner<typeof Transfers | typeof Accounts>,
  transfer: Transfer,
  { signal, ...options }: SaveOptions & WaitOptions = {},
): Promise<Transfer> {
  const transfers = runner.get(Transfers);
  const { id } = transfer;
  const saved = await transfers.save(transfer, options);
  await runner.processed(saved, { by: Transfers, signal });
  return await transfers.repository.get(Transfer, id);
}
