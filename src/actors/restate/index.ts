import '../../util/environment/node-version.ts';

export { RestateRunner } from './client/restate-runner.ts';
export type { RestateRunnerOptions } from './client/restate-runner-options.ts';
export type { RegisterOptions } from './engine/registration.ts';
export {
  ActorsMismatchError,
  ActorsStoppedError,
  EngineError,
  type EngineErrorCode,
  StorageMismatchError,
} from './errors.ts';
export { RestateService } from './service/restate-service.ts';
export type { RestateServiceOptions } from './service/restate-service-options.ts';
export type { RestateMessage } from './service/sdk-log.ts';
