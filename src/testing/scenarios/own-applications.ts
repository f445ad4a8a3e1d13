import type { ApplicationClass } from '../../application/application.ts';
import type { System } from '../../system/system.ts';

/** Returns the applications of a system that record in its storage. */
export function ownApplications<Apps extends ApplicationClass>(system: System<Apps>): readonly Apps[] {
  return system.applications.filter(({ remote }) => remote === undefined);
}
