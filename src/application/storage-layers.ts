import type { RemoteSource } from '../storage/remote/remote-log.ts';
import { remoteLogs } from '../storage/remote/remote-storage.ts';
import { renaming } from '../storage/renaming/renamed-storage.ts';
import { type SealingOptions, sealing } from '../storage/sealing/sealed-storage.ts';
import type { StorageLayer } from '../storage/storage.ts';
import { type ApplicationDeclaration, recordedNameOf } from './declaration.ts';
import { personalStorage } from './personal/personal-storage.ts';

/**
 * Returns the layers around the storage of some applications that are opened with the same options, the innermost first.
 *
 * @param system Name by which other systems know that of the applications. @default none
 */
export function storageLayers(
  declarations: readonly ApplicationDeclaration[],
  { encryption, compression }: SealingOptions,
  system?: string,
): readonly StorageLayer[] {
  const layers: StorageLayer[] = [sealing({ encryption, compression })];
  const names = declarations.map((one) => [one.applicationName, recordedNameOf(one)] as const);
  const renamed = names.filter(([current, recorded]) => current !== recorded);
  if (renamed.length > 0) layers.push(renaming(new Map(renamed)));
  const remote = declarations.flatMap(({ applicationName, remote }) =>
    remote === undefined ? [] : [[applicationName, remote as RemoteSource] as const],
  );
  const current = new Map(names.map(([name, recorded]) => [recorded, name]));
  if (remote.length > 0) layers.push(remoteLogs(new Map(remote), { system, current }));
  return [...layers, personalStorage];
}
